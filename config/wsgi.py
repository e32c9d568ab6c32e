"""The WSGI entry point for servers that speak it."""

import os

from django.core.wsgi import get_wsgi_application

from config.observing import observe
from config.start import embedded_services
from config.warm import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
embedded_services()
observe()

application = get_wsgi_application()
warm_up()
