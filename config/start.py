"""Bring the embedded services up for this process, where the settings say that they are the ones to use."""

from django.conf import settings

from config import embedded


def embedded_services() -> None:
    """Start (or join) embedded PostgreSQL and chain as the settings ask; nothing happens in production.

    Raises EmbeddedError with a plain sentence when one can't be started.
    """
    with_postgres = getattr(settings, "EMBEDDED_POSTGRES", False)
    with_chain = getattr(settings, "EMBEDDED_CHAIN", False)
    if with_postgres or with_chain:
        embedded.use(settings.DATA_DIR, with_postgres=with_postgres, with_chain=with_chain)


def pool_connections() -> None:
    """Have the requests of this process share connections: each is served in a thread of its own, which has none.

    For web processes alone; one that forks workers must not share connections with them.
    """
    if not settings.DATABASE_POOL:
        return
    for entry in settings.DATABASES.values():
        entry["CONN_MAX_AGE"] = 0  # the pool keeps them instead
        options = {"min_size": 1, "max_size": settings.DATABASE_POOL, "timeout": 10}
        entry.setdefault("OPTIONS", {}).setdefault("pool", options)
