"""The ASGI entry point (uvicorn config.asgi:application)."""

import os

from django.core.asgi import get_asgi_application

from config.start import embedded_services
from config.warm import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
embedded_services()

application = get_asgi_application()
warm_up()
