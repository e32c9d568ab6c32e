"""The services that a machine without any setting gets: PostgreSQL from a wheel, a file queue, a local chain.

Each has a setting that replaces it (DATABASE_URL, CELERY_BROKER_URL, RPC_URLS). Whatever is started here is
recorded with its process id under the data directory; the last process that uses it stops it, and nothing
that was not started here is ever stopped.
"""

from config.embedded.chain import ensure_chain, rpc_url, stop_chain, test_key
from config.embedded.errors import EmbeddedError
from config.embedded.layout import broker_options, data_dir
from config.embedded.postgres import (
    database_owner,
    django_database,
    ensure_database,
    ensure_postgres,
    replica_database,
    stop_postgres,
)
from config.embedded.stopping import stop_on_signals
from config.embedded.supervisor import Supervisor, stop_left_over
from config.embedded.users import release, use

__all__ = [
    "EmbeddedError",
    "Supervisor",
    "broker_options",
    "data_dir",
    "database_owner",
    "django_database",
    "ensure_chain",
    "ensure_database",
    "ensure_postgres",
    "release",
    "replica_database",
    "rpc_url",
    "stop_chain",
    "stop_left_over",
    "stop_on_signals",
    "stop_postgres",
    "test_key",
    "use",
]
