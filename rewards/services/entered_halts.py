"""Halts that people entered among the chain's events of an epoch, for whoever replays it, whole or in pieces."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from onchain.selectors import block_at_or_after, halt_changes, last_block_before
from rewards.engine.actions import Toggle, entered_halts
from rewards.engine.haltrows import PlacedHalt, insert_halts
from rewards.engine.terms import EpochTerms

Halts = Mapping[str, Sequence[tuple[int, int]]]
"""By market, as (from_ms, to_ms)."""
NO_BLOCK = -1


def with_entered_halts(
    table: pa.Table, *, halts: Halts, epoch: EpochTerms, markets: Collection[str], from_ms: int, to_ms: int
) -> pa.Table:
    """Return the events of the blocks in [from_ms, to_ms) with the halts that stand in these blocks.

    One stands in the first block after its time, as an event that a block tells of later; when the epoch ends before
    there is one, in the epoch's last block. So pieces of an epoch have the halts that the whole has. table: what
    onchain's `market_events_arrow` returned for the same markets and times. halts: those that people entered.
    """
    halted = sorted(set(markets) & set(halts))
    if not halted:
        return table
    first, last = _number_before(from_ms), _number_before(to_ms)
    placed = {}
    for market in halted:
        chain = halt_changes(market=market, from_ms=epoch.start_ms, to_ms=to_ms)
        toggles = entered_halts(chain, halts[market], start_ms=epoch.start_ms, end_ms=epoch.end_ms)
        rows = place_halts(toggles, block_after=_block_after, end_ms=epoch.end_ms, last_block=last)
        is_last = to_ms >= epoch.end_ms
        placed[market] = [row for row in rows if (is_last if row.at_end else first < row.block <= last)]
    return insert_halts(table, placed)


def place_halts(
    toggles: Iterable[Toggle],
    *,
    block_after: Callable[[int], tuple[int, int] | None],
    end_ms: int,
    last_block: int,
) -> list[PlacedHalt]:
    """Return the block of each halt and resume.

    block_after: of a time, number and time of the first block after it, None while there is none. last_block: the
    epoch's last one, of those that are known.
    """
    placed = []
    for time_ms, halts in toggles:
        found = block_after(time_ms)
        if found is not None and found[1] < end_ms:
            placed.append(PlacedHalt(found[0], time_ms, halts))
        else:
            placed.append(PlacedHalt(max(last_block, 0), time_ms, halts, at_end=True))
    return placed


def _block_after(time_ms: int) -> tuple[int, int] | None:
    found = block_at_or_after(time_ms=time_ms + 1)
    return None if found is None else (found.number, found.time_ms)


def _number_before(time_ms: int) -> int:
    found = last_block_before(time_ms=time_ms)
    return NO_BLOCK if found is None else found.number
