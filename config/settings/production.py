"""Behind TLS, on external services only: every address and secret must be in the environment."""

from pathlib import Path

from config import embedded
from config.logs import logging_config
from config.settings.base import *  # noqa: F403 - a settings module is made to be extended
from config.settings.base import DATABASE_OPTIONS, REPLICA_DATABASE_URL, env

SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
SITE_URL = env.str("SITE_URL", default=f"https://{ALLOWED_HOSTS[0]}").rstrip("/")
RPC_URLS = env.list("RPC_URLS")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
EVIDENCE_DIR = Path(env.str("EVIDENCE_DIR"))
PROOFS_DIR = Path(env.str("PROOFS_DIR"))

vars().update(env.email_url("EMAIL_URL"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL")

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"].setdefault("OPTIONS", {})["options"] = " ".join(
    f"-c {name}={value}" for name, value in DATABASE_OPTIONS.items()
)
# A server that is out of reach is said to be, instead of holding a page up for minutes.
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
DATABASE_ROLE = DATABASES["default"]["USER"]
# Only where `manage.py migrate` runs: web, worker and beat must not have it.
DATABASE_OWNER = embedded.database_owner(env.str("MIGRATE_DATABASE_URL", default=""))
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
if REPLICA_DATABASE_URL:
    DATABASES["replica"] = embedded.replica_database(REPLICA_DATABASE_URL, like=DATABASES["default"])

SECURE_SSL_REDIRECT = True
# Machines on the inner network ask these without TLS: whether the service is up, and how it does.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOG_FORMAT = env.str("LOG_FORMAT", default="json")
LOGGING = logging_config(form=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
