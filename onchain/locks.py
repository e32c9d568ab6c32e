"""Advisory locks of PostgreSQL: who holds one is decided by the database, and a dead holder holds nothing."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection

LOCK_CLASS = 0x6C616D70
"""The first of the two numbers of each lock of this project; any constant will do."""


def lock_number(name: str) -> int:
    """Return the second number of the lock called `name`, a signed 32-bit one."""
    # Two names may share a number; then one waits for the other's turn, which harms nobody.
    return zlib.crc32(name.encode()) - 2**31


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold the lock called `name`, or give False at once: some other process holds it.

    It belongs to the database session, not to a transaction, so it may span several.
    """
    number = lock_number(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, number])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        # A session that is gone has given its locks back already.
        if held and connection.connection is not None:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, number])
