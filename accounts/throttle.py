"""Limits on tries, counted in the database, so that they hold over all web processes and restarts."""

import ipaddress
from datetime import datetime

from django.db import connection

from accounts.errors import ThrottledError

WINDOW_S = 300
MOST_FROM_ONE_PLACE = 30
MOST_FOR_ONE_NAME = 20
_COUNT = """
    INSERT INTO accounts_trycount (key, "window", count) VALUES (%s, %s, 1)
    ON CONFLICT (key, "window") DO UPDATE SET count = accounts_trycount.count + 1
    RETURNING count
"""


def count_try(*, key: str, most: int, now: datetime) -> None:
    """Count one try of `key` in the stretch of WINDOW_S seconds that `now` is in.

    Raises ThrottledError from try `most` + 1 on. One statement counts, so tries at the same moment all count.
    """
    window, passed_s = divmod(int(now.timestamp()), WINDOW_S)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key[:200], window])
        (count,) = cursor.fetchone()
        if count == 1:
            cursor.execute('DELETE FROM accounts_trycount WHERE "window" < %s', [window - 1])
    if count > most:
        raise ThrottledError(wait_s=WINDOW_S - passed_s)


def place_key(*, ip: str | None) -> str:
    """Return the key of where a request comes from: an IPv4 address, or the /64 that one IPv6 household has."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return "place unknown"
    if address.version == 6:
        return f"place {ipaddress.ip_network((address, 64), strict=False)}"
    return f"place {address}"


def take_tries(*, key: str, tries: int, now: datetime) -> int:
    """Count several tries of `key` at once, and return how many there are now in the stretch that `now` is in.

    For callers that count one by one in their own memory: they take some ahead, so that not every request writes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [key[:200], int(now.timestamp()) // WINDOW_S, tries])
        return int(cursor.fetchone()[0])


_TAKE = """
    INSERT INTO accounts_trycount (key, "window", count) VALUES (%s, %s, %s)
    ON CONFLICT (key, "window") DO UPDATE SET count = accounts_trycount.count + excluded.count
    RETURNING count
"""
