"""Halts that people entered as rows among a market's events, in the total order and without taking one row away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rewards.engine.events import SCHEMA


@dataclass(frozen=True)
class PlacedHalt:
    """A halt or resume and the block in which it stands.

    It stands behind what was true in this block at its time or before, or behind all of it (`at_end`: the epoch ends
    before any later block).
    """

    block: int
    time_ms: int
    halted: bool
    at_end: bool = False


def insert_halts(table: pa.Table, halts: Mapping[str, Sequence[PlacedHalt]]) -> pa.Table:
    """Return the events with the halts of each market among them, sorted by block and log index, then by market.

    Where one comes in, the market's later events of the same block move up by one, as if the chain had had it too.
    table: the columns of events.parquet, sorted. halts: by market, by time.
    """
    wanted = {market: list(rows) for market, rows in halts.items() if rows}
    if not wanted:
        return table
    touched = np.zeros(table.num_rows, np.bool_)
    added: list[dict[str, Any]] = []
    names, blocks = table.column("market"), table.column("block").to_numpy()
    for market, rows in wanted.items():
        own = pc.equal(names, market).to_numpy(zero_copy_only=False)
        for block in sorted({row.block for row in rows}):
            here = own & (blocks == block)
            touched |= here
            added += _merged(market, table.filter(pa.array(here)).to_pylist(), [r for r in rows if r.block == block])
    whole = pa.concat_tables([table.filter(pa.array(~touched)), pa.Table.from_pylist(added, schema=SCHEMA)])
    order = sorted(set(whole.column("market").to_pylist()), key=lambda name: name.encode("utf-8"))
    rank = pc.index_in(whole.column("market"), value_set=pa.array(order, pa.string())).to_numpy()
    log_index, block_of = whole.column("log_index").to_numpy(), whole.column("block").to_numpy()
    return whole.take(pa.array(np.lexsort((rank, log_index, block_of))))


def _merged(market: str, chain: list[dict[str, Any]], halts: Sequence[PlacedHalt]) -> list[dict[str, Any]]:
    """Return a market's rows of one block with the halts among them."""
    merged: list[dict[str, Any]] = []
    shift, after = 0, chain[0]["log_index"] if chain else 0
    left = list(chain)
    for halt in halts:
        while left and (halt.at_end or left[0]["time_ms"] <= halt.time_ms):
            row = left.pop(0)
            after = row["log_index"] + 1
            merged.append(row | {"log_index": row["log_index"] + shift})
        merged.append(
            dict.fromkeys(SCHEMA.names)
            | {
                "market": market,
                "block": halt.block,
                "log_index": after + shift,
                "time_ms": halt.time_ms,
                "kind": "halt" if halt.halted else "resume",
            }
        )
        shift += 1
    return [*merged, *(row | {"log_index": row["log_index"] + shift} for row in left)]
