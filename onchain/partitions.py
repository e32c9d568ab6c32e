"""Native partitions of the two big tables, made when the first block of their range arrives."""

from django.db import connection

TABLES = ("onchain_rawlog", "onchain_marketevent")
BLOCKS_A_PARTITION = 1_000_000


def ensure_partitions(*, first_block: int, last_block: int) -> None:
    """Make the partitions that hold blocks [first_block, last_block]; those that are there stay as they are.

    Runs inside the caller's transaction: if that rolls back, the partitions were never there.
    """
    for index in range(first_block // BLOCKS_A_PARTITION, last_block // BLOCKS_A_PARTITION + 1):
        low, high = index * BLOCKS_A_PARTITION, (index + 1) * BLOCKS_A_PARTITION
        with connection.cursor() as cursor:
            for table in TABLES:
                name = f"{table}_p{index}"
                # Asking first: even a skipped CREATE takes a lock that would wait for every reader.
                cursor.execute("SELECT to_regclass(%s)", [name])
                if cursor.fetchone()[0] is None:
                    cursor.execute(
                        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"
                    )
