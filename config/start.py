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
