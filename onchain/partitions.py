"""Native partitions of the two big tables, made when the first block of their range arrives."""

from django.db import connection


def ensure_partitions(*, first_block: int, last_block: int) -> None:
    """Make the partitions that hold blocks [first_block, last_block]; those that are there stay as they are.

    Runs inside the caller's transaction: if that rolls back, the partitions were never there. The database's own
    function does it, with the rights of the tables' owner (onchain/migrations/0005).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT onchain_ensure_partitions(%s, %s)", [first_block, last_block])
