"""Replays raw logs from files through an adapter, without Django, database or chain.

Source: docs/spec/venues.md; docs/spec/evidence.md, events.parquet.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from onchain.blocktime import block_times
from onchain.columns import BlockColumns, LogColumns
from onchain.decode import decode_log_lines
from onchain.errors import ReplayInputError
from onchain.venues.base import Adapter, ImpossibleEventError
from onchain.venues.events import ABSENT, KINDS, SIDES, EventColumns, concatenate
from onchain.venues.market import MarketFile

SCHEMA = pa.schema(
    [
        ("market", pa.string()), ("block", pa.int64()), ("log_index", pa.int64()), ("time_ms", pa.int64()),
        ("kind", pa.string()), ("order", pa.string()), ("address", pa.string()), ("side", pa.string()),
        ("price", pa.int64()), ("size", pa.int64()), ("taker", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay ends in. After an impossible log: events and book as of the block before it."""

    events: EventColumns
    adapter: Adapter
    impossible: ImpossibleEventError | None


def read_logs(path: Path) -> LogColumns:
    """Read a file of logs, one JSON object a line, plain or gzipped. Raises ReplayInputError, LogDecodeError."""
    try:
        body = path.read_bytes()
        return decode_log_lines(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    except OSError as error:
        raise ReplayInputError(file=str(path), rule=f"it can't be read ({error})") from error
    except (EOFError, zlib.error) as error:
        raise ReplayInputError(file=str(path), rule="its compression is broken or cut off") from error


def read_blocks(path: Path, *, logs: LogColumns) -> BlockColumns:
    """Read a CSV of blocks (number, timestamp, and hash where it has one), ascending without a gap.

    Raises ReplayInputError when the file is broken, or is not of the chain that the logs are of.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        numbers, stamps = ([int(row[name]) for row in rows] for name in ("number", "timestamp"))
        hashes = [bytes.fromhex(row["hash"][2:]) for row in rows] if rows and "hash" in rows[0] else None
    except OSError as error:
        raise ReplayInputError(file=str(path), rule=f"it can't be read ({error.strerror})") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ReplayInputError(file=str(path), rule=f"it is no CSV with number and timestamp ({error})") from error
    blocks = BlockColumns.of(number=numbers, timestamp_s=stamps)
    if (np.diff(blocks.number) != 1).any() or (np.diff(blocks.timestamp_s) < 0).any():
        raise ReplayInputError(file=str(path), rule="its numbers have a gap, or its timestamps go back")
    first = numbers[0] if numbers else 0
    place = logs.block - first
    if len(logs) and not ((place >= 0) & (place < len(numbers))).all():
        raise ReplayInputError(file=str(path), rule="it lacks a block that a log is of")
    if (blocks.timestamp_s[place] != logs.timestamp_s).any():
        raise ReplayInputError(file=str(path), rule="a block has another timestamp than a log of it says")
    if hashes is not None and len(logs):
        theirs = np.frombuffer(b"".join(hashes), np.uint8).reshape(len(numbers), -1)
        if (theirs[place] != logs.block_hash).any():
            raise ReplayInputError(file=str(path), rule="a block has another hash than a log of it says")
    return blocks


def replay(
    market: MarketFile, *, logs: LogColumns, blocks: BlockColumns, batch_logs: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Replayed:  # fmt: skip
    """Run a market's logs from its start block through a fresh adapter, `batch_logs` logs at a time.

    Raises MarketConfigError. What an impossible log's block holds, and all after it, is left out.
    """
    adapter = market.make(**(changes or {}))
    logs = _from_block(logs.of_addresses(adapter.addresses), market.start_block)
    parts = []
    for some_logs, some_blocks in batches(logs, blocks, batch_logs=batch_logs):
        applied = adapter.apply(logs=some_logs, blocks=some_blocks)
        parts.append(applied.events)
        if applied.impossible is not None:
            bad = applied.impossible.block_number
            sound = replay(market, logs=_until(logs, bad), blocks=_blocks_until(blocks, bad), changes=changes)
            return Replayed(sound.events, sound.adapter, applied.impossible)
    return Replayed(concatenate(parts), adapter, None)


def batches(
    logs: LogColumns, blocks: BlockColumns, *, batch_logs: int | None
) -> Iterator[tuple[LogColumns, BlockColumns]]:
    """Yield the logs in batches, each with the blocks through its last log; the last with all that are left."""
    size = batch_logs or max(len(logs), 1)
    first = 0
    for start in range(0, max(len(logs), 1), size):
        part = logs.cut(start, min(start + size, len(logs)))
        ended = start + size >= len(logs)
        last = len(blocks) if ended else int(np.searchsorted(blocks.number, part.block[-1], side="right"))
        yield part, BlockColumns(blocks.number[first:last], blocks.timestamp_s[first:last])
        first = last


def to_table(events: EventColumns, *, market: str, blocks: BlockColumns) -> pa.Table:
    """Return the columns of docs/spec/evidence.md; times of blocks by the whole of their second among `blocks`."""
    times = np.array([time.time_ms for time in block_times(blocks.timestamp_s.tolist())], np.int64)
    of_block = times[np.searchsorted(blocks.number, events.block)] if len(events) else np.zeros(0, np.int64)
    return pa.table(
        {
            "market": pa.array([market] * len(events), pa.string()),
            "block": pa.array(events.block),
            "log_index": pa.array(events.log_index),
            "time_ms": pa.array(np.where(events.time_ms == ABSENT, of_block, events.time_ms)),
            "kind": pa.array([KINDS[kind] for kind in events.kind.tolist()], pa.string()),
            "order": pa.array(events.order, pa.string()),
            "address": pa.array(events.address, pa.string()),
            "side": pa.array([None if side == ABSENT else SIDES[side] for side in events.side.tolist()], pa.string()),
            "price": pa.array(events.price, mask=events.price == ABSENT),
            "size": pa.array(events.size, mask=events.size == ABSENT),
            "taker": pa.array(events.taker, pa.string()),
        },
        schema=SCHEMA,
    )


def state_json(adapter: Adapter) -> str:
    """Return the book as the contract stores it, as JSON with a line an order."""
    return json.dumps(adapter.contract_state(), indent=1) + "\n"


def _from_block(logs: LogColumns, block: int) -> LogColumns:
    first = int(np.searchsorted(logs.block, block))
    return logs.cut(first, len(logs)) if first else logs


def _until(logs: LogColumns, block: int) -> LogColumns:
    return logs.cut(0, int(np.searchsorted(logs.block, block)))


def _blocks_until(blocks: BlockColumns, block: int) -> BlockColumns:
    last = int(np.searchsorted(blocks.number, block))
    return BlockColumns(blocks.number[:last], blocks.timestamp_s[:last])
