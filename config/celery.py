"""The Celery application; tasks live in onchain.tasks and rewards.tasks."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_postrun, task_prerun, worker_init
from kombu.transport import TRANSPORT_ALIASES

from audit import context
from config import taskwork
from config.logs import tasks as task_log

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

TRANSPORT_ALIASES["filesystem"] = "config.embedded.filequeue:Transport"

__all__ = ["app", "taskwork"]
app = Celery("lamplight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_log.connect()


@worker_init.connect
@beat_init.connect
def _start_embedded(**_: Any) -> None:
    """A worker or beat that is started by hand finds its database and chain up, as a manage.py command does."""
    from config.observing import observe
    from config.start import embedded_services

    embedded_services()
    observe()


_AT_WORK: dict[str, Any] = {}


@task_prerun.connect
def _begin_task(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Have what the task writes carry its name and id in the audit log."""
    facts = {"task": task.name, "task_id": task_id}
    _AT_WORK[task_id] = context.begin(lambda: facts)


@task_postrun.connect
def _end_task(task_id: str = "", **_: Any) -> None:
    if (token := _AT_WORK.pop(task_id, None)) is not None:
        context.end(token)
