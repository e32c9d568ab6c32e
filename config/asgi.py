"""The ASGI entry point (uvicorn config.asgi:application)."""

import os

from django.core.asgi import get_asgi_application

from config.observing import observe
from config.start import embedded_services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
embedded_services()
observe()

application = get_asgi_application()
