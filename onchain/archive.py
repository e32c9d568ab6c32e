"""Partitions of the big tables as Parquet files, out and back in; and what may not be asked for once they are out.

Nothing here decides what may go (rewards.services.archive does), but every reader of events asks here first, so that
an answer never lacks what lies in the archive alone.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow as pa
from django.db import connection, transaction
from django.db.models import Max
from psycopg import sql
from pyarrow import parquet

from onchain.errors import ArchivedError, PartitionChangedError
from onchain.models_archive import ArchivedPartition

EVENTS: Final = "onchain_marketevent"
LOGS: Final = "onchain_rawlog"
BLOCKS_EACH: Final = 1_000_000
"""As onchain_ensure_partitions has it (onchain/migrations/0005)."""
ROWS_AT_ONCE: Final = 100_000
SCHEMAS: Final = {
    LOGS: pa.schema([
        ("block_number", pa.int64()), ("log_index", pa.int32()), ("transaction_index", pa.int32()),
        ("block_hash", pa.binary()), ("transaction_hash", pa.binary()), ("address", pa.string()),
        ("topics", pa.binary()), ("data", pa.binary()),
    ]),
    EVENTS: pa.schema([
        ("block_number", pa.int64()), ("price", pa.int64()), ("size", pa.int64()), ("time_ms", pa.int64()),
        ("market_id", pa.int32()), ("log_index", pa.int32()), ("kind", pa.int16()), ("is_bid", pa.bool_()),
        ("order_id", pa.string()), ("address", pa.string()), ("taker", pa.string()),
    ]),
}  # fmt: skip
_KEYS: Final = {LOGS: "block_number, block_hash, log_index", EVENTS: "block_number, market_id, log_index"}


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition that is in the database: `number` times BLOCKS_EACH is its first block."""

    number: int
    parent: str

    @property
    def name(self) -> str:
        """Its table."""
        return f"{self.parent}_p{self.number}"

    @property
    def first_block(self) -> int:
        """The first block that it may hold."""
        return self.number * BLOCKS_EACH

    @property
    def last_block(self) -> int:
        """The last block that it may hold."""
        return (self.number + 1) * BLOCKS_EACH - 1


def partitions() -> list[Partition]:
    """Return the partitions that are in the database, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.relname, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = ANY(%s)",
            [[LOGS, EVENTS]],
        )
        found = [(parent, name.rpartition("_p")[2]) for parent, name in cursor.fetchall()]
    return sorted(Partition(int(number), parent) for parent, number in found)


def archived_through(*, parent: str = EVENTS) -> int:
    """Return the last block whose rows are in the archive alone, -1 while all are here."""
    found = ArchivedPartition.objects.filter(parent=parent, dropped_at__isnull=False).aggregate(Max("last_block"))
    newest: int | None = found["last_block__max"]
    return -1 if newest is None else newest


def require_here(*, first: int, what: str, parent: str = EVENTS) -> None:
    """Raise ArchivedError when rows of block `first` or of later ones are in the archive alone."""
    through = archived_through(parent=parent)
    if first <= through:
        raise ArchivedError(what=what, through_block=through)


@contextmanager
def reading_here(*, first: int, what: str, parent: str = EVENTS) -> Iterator[None]:
    """Read rows from block `first` on inside; raises ArchivedError when some are in the archive alone.

    Asks before, and again after: a partition may be dropped in between.
    """
    require_here(first=first, what=what, parent=parent)
    yield
    require_here(first=first, what=what, parent=parent)


def write_out(partition: Partition, path: Path) -> int:
    """Write a partition's rows, in the order of their key, to a Parquet file; returns how many.

    The same rows give the same bytes, as long as the same release of pyarrow writes them.
    """
    schema, rows = SCHEMAS[partition.parent], 0
    with transaction.atomic(), parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in _rows(partition):
            writer.write_batch(pa.record_batch(list(map(list, zip(*part, strict=True))), schema=schema))
            rows += len(part)
    return rows


def rows_in(path: Path) -> int:
    """Return how many rows a file of the archive has."""
    return int(parquet.read_metadata(path).num_rows)


def table_bytes(partition: Partition) -> int:
    """Return what a partition takes on the database's disk, indexes included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(to_regclass(%s))", [partition.name])
        return int(cursor.fetchone()[0] or 0)


def drop(partition: Partition, *, rows: int, sha256: str, keeping: list[str]) -> None:
    """Take a partition out of the database, in the caller's transaction, with the rights of the tables' owner.

    rows, sha256: what was archived of it; it is written out once more, and PartitionChangedError raised if its rows
    are others by now. keeping: contracts whose logs are needed for ever; they stay, in a small partition of the same
    blocks.
    """
    name, parent = sql.Identifier(partition.name), sql.Identifier(partition.parent)
    with connection.cursor() as cursor:
        # Nobody writes from here on; who reads need not wait for the comparison.
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(name))
        _require_unchanged(partition, rows=rows, sha256=sha256)
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
        cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, name))
        if partition.parent == LOGS and _keep(cursor, partition, keeping):
            return
        cursor.execute(sql.SQL("DROP TABLE {}").format(name))


def bring_back(partition: Partition, path: Path) -> int:
    """Put a file's rows back into the database, in the caller's transaction; returns how many the partition has then.

    Rows of these blocks that are here stay: what was kept of them, and what was fetched after the rest was dropped.
    """
    table, columns = sql.Identifier(partition.name), SCHEMAS[partition.parent].names
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor() as cursor:
        cursor.execute("SELECT onchain_ensure_partitions(%s, %s)", [partition.first_block, partition.first_block])
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE brought_back (LIKE {}) ON COMMIT DROP").format(table))
        with cursor.copy(sql.SQL("COPY pg_temp.brought_back ({}) FROM STDIN").format(names)) as copy:
            for batch in parquet.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM pg_temp.brought_back ON CONFLICT DO NOTHING")
        cursor.execute(insert.format(table, names, names))
        cursor.execute("DROP TABLE pg_temp.brought_back")
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(table))
        return int(cursor.fetchone()[0])


def _require_unchanged(partition: Partition, *, rows: int, sha256: str) -> None:
    with tempfile.TemporaryDirectory(prefix="comparing-") as folder:
        path = Path(folder) / "partition.parquet"
        found = write_out(partition, path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    if (found, digest) != (rows, sha256):
        raise PartitionChangedError(name=partition.name, had=rows, has=found)


def _keep(cursor: Any, partition: Partition, keeping: list[str]) -> bool:
    """Put a partition of the same blocks in place of it with the logs of some contracts; False if there are none."""
    old, parent = sql.Identifier(partition.name), sql.Identifier(partition.parent)
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE address = ANY(%s))").format(old), [keeping])
    if not cursor.fetchone()[0]:
        return False
    fresh = sql.Identifier(f"{partition.name}_kept")
    cursor.execute(
        sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
            fresh, parent, partition.first_block, partition.last_block + 1
        )
    )
    cursor.execute(sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE address = ANY(%s)").format(fresh, old), [keeping])
    cursor.execute(sql.SQL("DROP TABLE {}").format(old))
    cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(fresh, old))
    return True


def _rows(partition: Partition) -> Iterator[list[tuple[Any, ...]]]:
    names = sql.SQL(", ").join(map(sql.Identifier, SCHEMAS[partition.parent].names))
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        names, sql.Identifier(partition.name), sql.SQL(_KEYS[partition.parent])
    )
    connection.ensure_connection()
    # On the server, so that a partition need not fit into memory; in binary, since hashes are bytes.
    with psycopg.ServerCursor(connection.connection, "partition") as cursor:
        cursor.execute(query, binary=True)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows
