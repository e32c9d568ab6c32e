"""Bulk writes and reads of the indexer: binary COPY in and out, always inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from onchain.blocktime import block_times
from onchain.book import Row
from onchain.columns import BlockColumns, LogColumns
from onchain.fetch import FetchedBlock
from onchain.models import Block, MarketEvent

KIND_CODES = {kind.label: kind.value for kind in MarketEvent.Kind}
KIND_NAMES = {code: name for name, code in KIND_CODES.items()}
RAW_LOG_COLUMNS = (
    ("block_number", "int8"), ("log_index", "int4"), ("transaction_index", "int4"), ("block_hash", "bytea"),
    ("transaction_hash", "bytea"), ("address", "varchar"), ("topics", "bytea"), ("data", "bytea"),
)  # fmt: skip
EVENT_COLUMNS = (
    ("block_number", "int8"), ("price", "int8"), ("size", "int8"), ("time_ms", "int8"), ("market_id", "int4"),
    ("log_index", "int4"), ("kind", "int2"), ("is_bid", "bool"), ("order_id", "text"), ("address", "varchar"),
    ("taker", "varchar"),
)  # fmt: skip


def write_blocks(blocks: Sequence[FetchedBlock]) -> None:
    """Store headers as canonical; a block that returns from a dead branch becomes canonical again."""
    Block.objects.bulk_create(
        [
            Block(
                hash="0x" + block.hash.hex(),
                number=block.number,
                parent_hash="0x" + block.parent_hash.hex(),
                receipts_root="0x" + block.receipts_root.hex(),
                timestamp_s=block.timestamp_s,
                time_ms=block.timestamp_s * 1000,
                time_error_ms=999,
                settled=False,
                status=Block.Status.VERIFIED,
                canonical=True,
            )
            for block in blocks
        ],
        update_conflicts=True,
        unique_fields=["hash"],
        update_fields=["canonical", "settled", "status"],
    )


def write_logs(blocks: Sequence[FetchedBlock], *, addresses: frozenset[str]) -> int:
    """Copy the logs of `addresses` in; those that are there already are replaced. Returns how many."""
    rows = [
        (block.number, log.log_index, log.transaction_index, block.hash, log.transaction_hash, log.address,
         log.topics, log.data)
        for block in blocks for log in block.logs if log.address in addresses
    ]  # fmt: skip
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM onchain_rawlog WHERE block_number BETWEEN %s AND %s AND block_hash = ANY(%s)"
            " AND address = ANY(%s)",
            [blocks[0].number, blocks[-1].number, [block.hash for block in blocks], list(addresses)],
        )
    _copy_in("onchain_rawlog", RAW_LOG_COLUMNS, rows)
    return len(rows)


def write_events(rows: Iterable[tuple[int, Row]], *, market_id: int) -> None:
    """Copy market events in; each comes with its block number."""
    _copy_in(
        "onchain_marketevent",
        EVENT_COLUMNS,
        (
            (block, row.price, row.size, row.time_ms, market_id, row.log_index, KIND_CODES[row.kind],
             None if row.side is None else row.side == "bid", row.order, row.address, row.taker)
            for block, row in rows
        ),
    )  # fmt: skip


def read_columns(*, addresses: Sequence[str], first: int, last: int) -> tuple[LogColumns, BlockColumns]:
    """Return the canonical logs of some contracts in blocks [first, last], in order, and all those blocks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, timestamp_s FROM onchain_block WHERE canonical AND number BETWEEN %s AND %s"
            " ORDER BY number",
            [first, last],
        )
        blocks = cursor.fetchall()
        cursor.execute(
            "SELECT l.block_number, l.log_index, l.transaction_index, b.timestamp_s, l.block_hash,"
            " l.transaction_hash, l.address, l.topics, l.data"
            " FROM onchain_rawlog l JOIN onchain_block b ON b.hash = l.block_hash"
            " WHERE l.address = ANY(%s) AND l.block_number BETWEEN %s AND %s AND b.canonical"
            " ORDER BY l.block_number, l.log_index",
            [list(addresses), first, last],
        )
        logs = LogColumns.of_rows(cursor.fetchall())
    return logs, BlockColumns.of(number=[row[0] for row in blocks], timestamp_s=[row[1] for row in blocks])


def settle_times(*, up_to: int) -> None:
    """Give every unsettled canonical block its time, by the whole of its second (spec/venues.md, Time)."""
    open_blocks = list(
        Block.objects.filter(canonical=True, settled=False, number__lte=up_to)
        .order_by("number")
        .only("hash", "number", "timestamp_s", "time_ms", "time_error_ms", "settled")
    )
    times = block_times([block.timestamp_s for block in open_blocks])
    changed = []
    for block, time in zip(open_blocks, times, strict=True):
        if (block.time_ms, block.time_error_ms, block.settled) != (time.time_ms, time.error_ms, time.settled):
            block.time_ms, block.time_error_ms, block.settled = time.time_ms, time.error_ms, time.settled
            changed.append((block.hash, time))
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE onchain_block b SET time_ms = v.time_ms, time_error_ms = v.error_ms, settled = v.settled"
                " FROM unnest(%s::bytea[], %s::bigint[], %s::int[], %s::bool[]) AS v(hash, time_ms, error_ms, settled)"
                " WHERE b.hash = v.hash",
                [
                    [bytes.fromhex(hash_[2:]) for hash_, _ in changed],
                    [time.time_ms for _, time in changed],
                    [time.error_ms for _, time in changed],
                    [time.settled for _, time in changed],
                ],
            )


def _copy_in(table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(name for name, _ in columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)
