"""Bulk writes and reads of the indexer: columns in by binary COPY, columns out; always in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
from django.db import connection

from onchain import copyrows
from onchain.blocktime import BlockTime, Live, block_times
from onchain.columns import MAX_TOPICS, WORD, BlockColumns, LogColumns
from onchain.fetch import FetchedRange
from onchain.models import Block, MarketEvent
from onchain.venues.events import EventColumns

KIND_NAMES = {kind.value: kind.label for kind in MarketEvent.Kind}
READ_LOGS = """
SELECT count(*),
       string_agg(int8send(block_number), ''), string_agg(int4send(log_index), ''),
       string_agg(int4send(transaction_index), ''), string_agg(int8send(timestamp_s), ''),
       string_agg(block_hash, ''), string_agg(transaction_hash, ''), string_agg(address::bytea, ''),
       string_agg(topics || substring(%(padding)s::bytea FROM length(topics) + 1), ''),
       string_agg(int4send(length(topics)), ''), string_agg(int4send(length(data)), ''), string_agg(data, '')
FROM (SELECT l.*, b.timestamp_s FROM onchain_rawlog l JOIN onchain_block b ON b.hash = l.block_hash
      WHERE l.address = ANY(%(addresses)s) AND l.block_number BETWEEN %(first)s AND %(last)s AND b.canonical
      ORDER BY l.block_number, l.log_index) ordered
"""
WRITE_BLOCKS = """
INSERT INTO onchain_block (hash, number, parent_hash, receipts_root, timestamp_s, time_ms, time_error_ms, live_time_ms,
                           live_error_ms, settled, status, canonical)
SELECT *, %(status)s, %(canonical)s
FROM unnest(%(hash)s::bytea[], %(number)s::bigint[], %(parent)s::bytea[], %(root)s::bytea[], %(second)s::bigint[],
            %(time)s::bigint[], %(error)s::int[], %(live)s::bigint[], %(live_error)s::int[], %(settled)s::bool[])
"""
MAKE_CANONICAL = """
ON CONFLICT (hash) DO UPDATE SET canonical = true, settled = excluded.settled, time_ms = excluded.time_ms,
    time_error_ms = excluded.time_error_ms, status = greatest(onchain_block.status, excluded.status),
    live_time_ms = coalesce(onchain_block.live_time_ms, excluded.live_time_ms),
    live_error_ms = coalesce(onchain_block.live_error_ms, excluded.live_error_ms)
"""
UPDATE_TIMES = """
UPDATE onchain_block b SET time_ms = v.time_ms, time_error_ms = v.error_ms, settled = v.settled
FROM unnest(%s::bytea[], %s::bigint[], %s::int[], %s::bool[]) AS v(hash, time_ms, error_ms, settled)
WHERE b.hash = v.hash
"""


def write_blocks(fetched: FetchedRange, *, status: Block.Status, live: dict[int, tuple[int, int]]) -> None:
    """Store headers as canonical, with their times; a block that returns from a dead branch is canonical again.

    live: (time_ms, error_ms) of blocks that the node stamped more finely. The block before the range, if there is
    one, is stored already: the times of one second depend on all blocks that carry it.
    """
    headers = fetched.headers
    earlier = list(
        Block.objects.filter(canonical=True, settled=False, number__lt=fetched.first)
        .order_by("number")
        .only("hash", "number", "timestamp_s", "live_time_ms", "live_error_ms")
    )
    stamps = [live.get(number) for number in headers.number.tolist()]
    times = block_times(
        [block.timestamp_s for block in earlier] + headers.timestamp_s.tolist(),
        live=[_stamp(block) for block in earlier] + stamps,
    )
    _update_times(earlier, times[: len(earlier)])
    _insert_blocks(fetched, times[len(earlier) :], stamps, status=status, canonical=True)


def write_blocks_ahead(fetched: FetchedRange, *, status: Block.Status) -> None:
    """Store headers ahead of the cursor, where none is canonical; blocks that are there already stay as they are."""
    times = [BlockTime(1000 * second, 999, settled=False) for second in fetched.headers.timestamp_s.tolist()]
    _insert_blocks(fetched, times, [None] * len(times), status=status, canonical=False)


def make_canonical(hashes: Sequence[str]) -> None:
    """Let blocks that were stored ahead follow the newest canonical one, and give them their times."""
    Block.objects.filter(hash__in=hashes).update(canonical=True, settled=False)
    settle_times()


def _insert_blocks(
    fetched: FetchedRange, times: Sequence[BlockTime], stamps: Sequence[Live | None], *, status: Block.Status,
    canonical: bool,
) -> None:  # fmt: skip
    headers = fetched.headers
    with connection.cursor() as cursor:
        cursor.execute(WRITE_BLOCKS + (MAKE_CANONICAL if canonical else "ON CONFLICT (hash) DO NOTHING"), {
            "hash": _words(headers.hash), "number": headers.number.tolist(), "parent": _words(headers.parent_hash),
            "root": _words(headers.receipts_root), "second": headers.timestamp_s.tolist(),
            "time": [time.time_ms for time in times], "error": [time.error_ms for time in times],
            "live": [stamp and stamp[0] for stamp in stamps], "live_error": [stamp and stamp[1] for stamp in stamps],
            "settled": [time.settled for time in times], "status": status, "canonical": canonical,
        })  # fmt: skip


def write_logs(fetched: FetchedRange, *, addresses: frozenset[str]) -> int:
    """Copy the logs of `addresses` in; those that are there already are replaced. Returns how many."""
    logs = fetched.logs.of_addresses(sorted(addresses))
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM onchain_rawlog WHERE block_number BETWEEN %s AND %s AND block_hash = ANY(%s)"
            " AND address = ANY(%s)",
            [fetched.first, fetched.last, _words(fetched.headers.hash), sorted(addresses)],
        )
    if len(logs):
        _copy_in("onchain_rawlog", copyrows.RAW_LOG_COLUMNS, copyrows.raw_log_rows(logs))
    return len(logs)


def write_events(events: EventColumns, *, market_id: int) -> None:
    """Copy market events in."""
    if len(events):
        _copy_in("onchain_marketevent", copyrows.EVENT_COLUMNS, copyrows.event_rows(events, market_id=market_id))


def read_columns(*, addresses: Sequence[str], first: int, last: int) -> tuple[LogColumns, BlockColumns]:
    """Return the canonical logs of some contracts in blocks [first, last], in order, and all those blocks."""
    found = {"addresses": list(addresses), "first": first, "last": last, "padding": bytes(MAX_TOPICS * WORD)}
    connection.ensure_connection()
    # PostgreSQL puts the columns together; binary, so that nothing is written out and parsed again.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "SELECT string_agg(int8send(number), ''), string_agg(int8send(timestamp_s), '') FROM (SELECT number,"
            " timestamp_s FROM onchain_block WHERE canonical AND number BETWEEN %s AND %s ORDER BY number) ordered",
            [first, last],
            binary=True,
        )
        numbers, seconds = cursor.fetchone() or (None, None)
        cursor.execute(READ_LOGS, found, binary=True)
        row = cursor.fetchone() or (0,)
    blocks = BlockColumns(number=_ints(numbers, ">i8"), timestamp_s=_ints(seconds, ">i8"))
    return _logs(*row) if row[0] else LogColumns.empty(), blocks


def settle_times() -> None:
    """Give the blocks whose second is open their times again, after a reorg took some of them away."""
    earlier = list(Block.objects.filter(canonical=True, settled=False).order_by("number"))
    _update_times(
        earlier, block_times([block.timestamp_s for block in earlier], live=[_stamp(block) for block in earlier])
    )


def _logs(
    count: int, block: bytes, log_index: bytes, transaction_index: bytes, timestamp_s: bytes, block_hash: bytes,
    transaction_hash: bytes, address: bytes, topics: bytes, topic_bytes: bytes, lengths: bytes, data: bytes,
) -> LogColumns:  # fmt: skip
    names, code = np.unique(np.frombuffer(address, f"S{copyrows.ADDRESS_LENGTH}"), return_inverse=True)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(_ints(lengths, ">i4"), out=offsets[1:])
    return LogColumns(
        block=_ints(block, ">i8"), log_index=_ints(log_index, ">i4"),
        transaction_index=_ints(transaction_index, ">i4"), timestamp_s=_ints(timestamp_s, ">i8"),
        block_hash=np.frombuffer(block_hash, np.uint8).reshape(count, WORD),
        transaction_hash=np.frombuffer(transaction_hash, np.uint8).reshape(count, WORD),
        address=code.reshape(-1).astype(np.int32), addresses=tuple(name.decode() for name in names.tolist()),
        topics=np.frombuffer(topics, np.uint8).reshape(count, MAX_TOPICS, WORD),
        topic_count=(_ints(topic_bytes, ">i4") // WORD).astype(np.uint8), data_offsets=offsets,
        data=np.frombuffer(data, np.uint8),
    )  # fmt: skip


def _ints(octets: bytes | None, kind: str) -> Any:
    return np.frombuffer(octets or b"", kind).astype(np.int64)


def _words(column: Any) -> list[bytes]:
    return [row.tobytes() for row in column]


def _stamp(block: Block) -> tuple[int, int] | None:
    return None if block.live_time_ms is None else (block.live_time_ms, block.live_error_ms or 0)


def _update_times(blocks: Sequence[Block], times: Sequence[BlockTime]) -> None:
    if blocks:
        with connection.cursor() as cursor:
            cursor.execute(UPDATE_TIMES, [
                [bytes.fromhex(block.hash[2:]) for block in blocks], [time.time_ms for time in times],
                [time.error_ms for time in times], [time.settled for time in times],
            ])  # fmt: skip


def _copy_in(table: str, columns: str, rows: Iterator[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(copyrows.HEADER)
        for part in rows:
            copy.write(part)
        copy.write(copyrows.TRAILER)
