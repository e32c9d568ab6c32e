"""One machine, no settings needed: embedded PostgreSQL, filesystem queue and anvil, each replaceable by a URL."""

from typing import Any

from django.utils.functional import SimpleLazyObject

from config import embedded
from config.settings.base import *  # noqa: F403 - a settings module is made to be extended
from config.settings.base import BASE_DIR, DATABASE_OPTIONS, REPLICA_DATABASE_URL, SIGNERS, env

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Only ever signs sessions of a service that listens on this machine alone.
SECRET_KEY = env.str("SECRET_KEY", default="local-only-not-a-secret-" + "0" * 32)

DATA_DIR = embedded.data_dir(env.str("LAMPLIGHT_DATA_DIR", default=str(BASE_DIR / ".lamplight")))
DATABASES = {
    "default": embedded.django_database(
        env.str("DATABASE_URL", default=""), data_dir=DATA_DIR, options=DATABASE_OPTIONS
    )
}
if REPLICA_DATABASE_URL:
    DATABASES["replica"] = embedded.replica_database(REPLICA_DATABASE_URL, like=DATABASES["default"])
DATABASE_OWNER = embedded.database_owner(
    env.str("MIGRATE_DATABASE_URL", default=""), embedded=not env.str("DATABASE_URL", default="")
)
DATABASE_ROLE = DATABASES["default"]["USER"]
EMBEDDED_POSTGRES = not env.str("DATABASE_URL", default="")
EMBEDDED_CHAIN = not env.list("RPC_URLS", default=[])
RPC_URLS = env.list("RPC_URLS", default=[]) or [embedded.rpc_url(DATA_DIR)]
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or "filesystem://"
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = embedded.broker_options(DATA_DIR)

EVIDENCE_DIR = env.path("EVIDENCE_DIR", default=str(DATA_DIR / "evidence"))
PROOFS_DIR = env.path("PROOFS_DIR", default=str(DATA_DIR / "proofs"))


def _embedded_key(account: str) -> Any:
    """The embedded chain's test keys are public knowledge; no other chain gets a key from here."""
    # Worked out when first used: the library that does it takes a second to import.
    return SimpleLazyObject(lambda: embedded.test_key(account)) if EMBEDDED_CHAIN else ""


# On one's own chain nobody waits for anybody, unless asked to.
REVIEW_HOURS = env.int("REVIEW_HOURS", default=0 if EMBEDDED_CHAIN else 48)
METRICS_OPEN = True
WEBHOOKS_ALLOW_PRIVATE = True
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=False)
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    # Nothing leaves this machine: /mail/ shows what would have been sent.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    LOCAL_MAIL_DIR = DATA_DIR / "mail"
    EMAIL_FILE_PATH = LOCAL_MAIL_DIR
for _role, _signer in SIGNERS.items():
    # The attestor's key is not the service's: whoever attests brings it along.
    if _role != "ATTESTOR" and not any(_signer.values()):
        _signer["key"] = _embedded_key(_role.lower())
LOCAL_TREASURY_SIGNER = EMBEDDED_CHAIN
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Nothing is collected here: files are served from where they lie.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# `manage.py demo` sets these for the pages: they then say that all is made up, and list who can sign in.
DEMO = env.bool("DEMO", default=False)
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")
