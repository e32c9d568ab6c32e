"""While an image is built: enough to collect the static files, no address and no secret of anybody."""

import secrets

from config.settings.base import *  # noqa: F403 - a settings module is made to be extended

# Signs nothing: it is gone when the step is over.
SECRET_KEY = secrets.token_urlsafe(48)
DATABASES: dict[str, dict[str, str]] = {}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
