"""The Celery application; tasks live in onchain.tasks and rewards.tasks."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

TRANSPORT_ALIASES["filesystem"] = "config.embedded.filequeue:Transport"

app = Celery("lamplight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _start_embedded(**_: Any) -> None:
    """A worker or beat that is started by hand finds its database and chain up, as a manage.py command does."""
    from config.start import embedded_services

    embedded_services()
