"""Says in the database that something has changed, so that open pages may show it; nobody has to be listening.

PostgreSQL's NOTIFY: delivered when the transaction commits, to whoever listens then, and never before what it tells of
can be read. Like the queue it carries pokes, no facts.
"""

from django.db import connection

CHANNEL = "lamplight"


def epoch_topic(epoch_id: int) -> str:
    """Return the topic of an epoch's standings."""
    return f"epoch {epoch_id}"


def announce(*topics: str) -> None:
    """Tell the listeners of each topic, once the current transaction commits."""
    with connection.cursor() as cursor:
        for topic in topics:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])
