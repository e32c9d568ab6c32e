"""The ASGI entry point (uvicorn config.asgi:application): Django, behind what answers without it."""

import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from config.observing import observe
from config.start import embedded_services, pool_connections
from config.warm import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
embedded_services()
pool_connections()
observe()
# Django's types name dictionaries where the specification has mappings.
django: Any = get_asgi_application()

# The models are there from here on only.
from rewards.api.kept import KeptAnswers  # noqa: E402
from rewards.views.packs import Packs  # noqa: E402

application = Packs(KeptAnswers(django, most_bytes=settings.API_KEPT_MIB << 20))
warm_up()
