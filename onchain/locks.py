"""Advisory locks of PostgreSQL: who holds one is decided by the database, and a dead holder holds nothing."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

LOCK_CLASS = 0x6C616D70
"""The first of the two numbers of each lock of this project; any constant will do."""


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold the lock called `name`, or give False at once: some other process holds it.

    It belongs to the database session, not to a transaction, so it may span several.
    """
    # Two names may share a number; then one waits for the other's turn, which harms nobody.
    number = zlib.crc32(name.encode()) - 2**31
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, number])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, number])
