"""What every surrounding shares; secrets and addresses come from the environment (.env.example lists all)."""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from config.logs import logging_config
from config.settings.reading import BASE_DIR as BASE_DIR
from config.settings.reading import env as env
from config.settings.signing_in import *  # noqa: F403 - a part of this module
from config.settings.tasks import *  # noqa: F403 - a part of this module

DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "audit",
    "onchain",
    "accounts",
    "rewards",
]

MIDDLEWARE = [
    "config.logs.requests.RequestLogMiddleware",
    "rewards.views.counting.CountingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.headers.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compressing.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "audit.middleware.AuditContextMiddleware",
    "rewards.views.throttling.ThrottleMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "config.plain_text.PlainTextMiddleware",
    "config.replicas.ReplicaMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rewards.views.context.surroundings",
            ],
        },
    },
]

# --- security: nothing inline, nothing from elsewhere ---------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# A form of terms has some 40 entries a market; 200 markets have to fit.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- e-mail ------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Lamplight <lamplight@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_S", default=10)
LOCAL_MAIL_DIR: Path | None = None
"""A folder that e-mails are written to instead of being sent, with a page that shows them; never in production."""

# --- language and time: people see New York and UTC; everything stored is UTC ------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT: Path | None = BASE_DIR / "staticfiles"
STATICFILES_DIRS: list[Path] = []
DOCS_SITE = BASE_DIR / "site"
"""What `make docs` builds; served under /docs/ when it is there."""

# --- database: the limits keep one stuck page or worker from holding everybody else up -----------------------
DATABASE_OPTIONS = {
    # a page or task that waits longer for a lock than this is better told to try again
    "lock_timeout": "10s",
    # the longest legitimate statement is the copy of an epoch's events into its evidence
    "statement_timeout": "300s",
    # a worker that hangs inside a transaction must not keep rows locked
    "idle_in_transaction_session_timeout": "120s",
}

POSTGRES_PROGRAMS = env.str("POSTGRES_PROGRAMS", default="")
"""Folder of pg_dump and pg_restore (docs/backups.md); empty: those of PostgreSQL 18 that came with the packages."""
DATABASE_POOL = env.int("DATABASE_POOL", default=8)
"""Connections that a web process holds and its requests share (docs/scaling.md); 0: one is made for each request."""

REPLICA_DATABASE_URL = env.str("REPLICA_DATABASE_URL", default="")
"""A streaming replica that public pages may be read from (docs/scaling.md); empty: all is read from the primary."""
REPLICA_MAX_LAG_S = env.int("REPLICA_MAX_LAG_S", default=5)
"""A replica that is further behind is not read from."""
DATABASE_ROUTERS = ["config.replicas.ReplicaRouter"]

# The audit log's triggers are installed by every `migrate` (audit/triggers.py), so no migration repeats them.
PGTRIGGER_MIGRATIONS = False

# --- chain ----------------------------------------------------------------------------------------------------
# What follows is facts about the chain and the addresses of our contracts there; see .env.example.
CHAIN_CONFIRMATION_DEPTH = env.int("CHAIN_CONFIRMATION_DEPTH", default=0)
"""Blocks below the head that count as final on a chain without a `finalized` tag; 0 uses the tag."""
CHAIN_TIMEOUT_S = env.float("CHAIN_TIMEOUT_S", default=10.0)
RPC_WS_URL = env.str("RPC_WS_URL", default="")
"""WebSocket address that announces new blocks; empty tries the first node's own port, `off` only polls."""
HEAD_POLL_S = env.float("HEAD_POLL_S", default=0.25)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_OPEN = False
"""True only on a machine of one's own: /metrics asks for no token."""
TALLIES_EVERY_S = 10
"""Each process adds its counts of requests and tasks to the database this often; 0: only when told to."""
SIGNERS: dict[str, dict[str, Any]] = {
    "PROPOSER": {
        "key": env.str("PROPOSER_KEY", default=""),
        "keystore": env.str("PROPOSER_KEYSTORE", default=""),
        "password_file": env.str("PROPOSER_KEYSTORE_PASSWORD_FILE", default=""),
        "password": env.str("PROPOSER_KEYSTORE_PASSWORD", default=""),
        "url": env.str("PROPOSER_SIGNER_URL", default=""),
        "address": env.str("PROPOSER_ADDRESS", default=""),
    },
    "RELAYER": {
        "key": env.str("RELAYER_KEY", default=""),
        "keystore": env.str("RELAYER_KEYSTORE", default=""),
        "password_file": env.str("RELAYER_KEYSTORE_PASSWORD_FILE", default=""),
        "password": env.str("RELAYER_KEYSTORE_PASSWORD", default=""),
        "url": env.str("RELAYER_SIGNER_URL", default=""),
        "address": env.str("RELAYER_ADDRESS", default=""),
    },
    "ATTESTOR": {
        "key": env.str("ATTESTOR_KEY", default=""),
        "keystore": env.str("ATTESTOR_KEYSTORE", default=""),
        "password_file": env.str("ATTESTOR_KEYSTORE_PASSWORD_FILE", default=""),
        "password": env.str("ATTESTOR_KEYSTORE_PASSWORD", default=""),
        "url": env.str("ATTESTOR_SIGNER_URL", default=""),
        "address": env.str("ATTESTOR_ADDRESS", default=""),
    },
}
"""Each a hot key that can do one thing; none can release money. The treasury's and guardian's keys are never here."""
SAFE_MULTI_SEND = env.str("SAFE_MULTI_SEND", default="0x9641d764fc13c8b624c04430c7356c1c7c8102e2")
"""Safe's MultiSendCallOnly on the chain; the default is where Safe 1.4.1 deploys it. Its code is checked before use."""
MAX_FEE_GWEI = env.int("MAX_FEE_GWEI", default=500)
"""The most that we pay for a unit of gas; a transaction that needs more waits."""
RELAYER_DAILY_GAS = env.int("RELAYER_DAILY_GAS", default=200_000_000)
RELAYER_ACCOUNT_DAILY_GAS = env.int("RELAYER_ACCOUNT_DAILY_GAS", default=1_000_000)
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
"""Where people find the pages; links in mail begin with it."""
WEBHOOKS_ALLOW_PRIVATE = False
"""True only on a machine of one's own: notices may then be posted to it and its network, without TLS."""
REVIEW_HOURS = env.int("REVIEW_HOURS", default=48)
"""How long makers can dispute a scored epoch before it is proposed, by the chain's clock."""
TOKEN_PRICES_FILE = env.str("TOKEN_PRICES_FILE", default="")
"""CSV of what tokens were worth by day (docs/collecting.md); empty: prices stay blank in files for the tax office."""
ARCHIVE_URL = env.str("ARCHIVE_URL", default="")
"""Where manage.py archive puts evidence and old partitions: file:///path or s3://bucket/path; empty: nowhere."""
ARCHIVE_AFTER_DAYS = env.int("ARCHIVE_AFTER_DAYS", default=60)
"""Rows that no open epoch needs stay in the database for so long after the chain's time (docs/scaling.md)."""
DISPUTE_CONTACT = env.str("DISPUTE_CONTACT", default="the operator")
"""Whom to write to when it is too late to dispute on the page; an address or a name."""
FILE_UPLOAD_HANDLERS = ["rewards.uploads.BoundedUploads"]
LOCAL_TREASURY_SIGNER = False
"""True only beside the embedded chain: its unlocked accounts may approve from the page without a wallet."""

# --- the API (docs/api.md): what is particular to it stands with its views ---------------------------------------
API_LIMIT_ANYBODY = env.int("API_LIMIT_ANYBODY", default=600)
"""Requests in five minutes from one place, of who has not signed in."""
API_LIMIT_SIGNED_IN = env.int("API_LIMIT_SIGNED_IN", default=6000)
"""Requests in five minutes by one key, or one person's sessions."""
API_KEPT_MIB = env.int("API_KEPT_MIB", default=64)
"""What a web process may keep of answers that programs ask for again and again (docs/scaling.md); 0 keeps none."""
REST_FRAMEWORK: dict[str, Any] = {
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    # The form is settled by Accept alone.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Lamplight",
    "DESCRIPTION": "Reads everything that the pages show. docs/api.md explains it, with examples.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": ["rewards.api.schema.add_live", "drf_spectacular.hooks.postprocess_schema_enums"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "SessionKind": "rewards.api.serializers.KIND_CHOICES",
        "EpochState": "rewards.api.serializers.STATES",
        "WhatIfState": "rewards.api.what_if_rows.STATES",
        "WhatIfTotalName": "rewards.api.what_if_rows.TOTAL_CHOICES",
        "ActionKind": "rewards.api.serializers.ACTION_KINDS",
        "QuoteReason": "rewards.api.maker_rows.REASON_CHOICES",
    },
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["rewards.api.schema.only_ours"],
}

# --- logs (docs/watching.md) --------------------------------------------------------------------------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
LOGGING = logging_config(form=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = 10

# --- traces and reports of errors: only where asked for, with requirements-production.txt (docs/watching.md) -------
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "config.tracing.TracingMiddleware")
