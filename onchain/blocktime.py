"""When a block was made, in milliseconds, on chains that stamp whole seconds.

Source: docs/spec/venues.md, Time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

SECOND_MS = 1000
TIME_SOURCE = "block seconds, spread over the blocks of a second"
"""What a manifest says when every time in it follows from the headers; anybody can work it out again."""
LIVE_TIME_SOURCE = f"node's live stamps where it gave some, else {TIME_SOURCE}"
"""What it says when a block was stamped live: no call returns such a stamp later, so only its second can be checked."""

Live = tuple[int, int]
"""The node's own finer stamp of a block: time_ms, and how far from it the block's true time can be."""


@dataclass(frozen=True, slots=True)
class BlockTime:
    """`error_ms`: how far the true time can be from `time_ms`. Settled: a block of a later second exists."""

    time_ms: int
    error_ms: int
    settled: bool


def block_times(timestamps_s: Sequence[int], *, live: Sequence[Live | None] | None = None) -> list[BlockTime]:
    """Return the times of consecutive blocks, given their stamps from the first block of a second on.

    Among the n blocks of second s, the j-th (from 0) gets 1000 * s + 1000 * j // n; the last second is not settled.
    A live stamp takes its place where the node gave one that lies in the block's own second; time never runs back.
    """
    times: list[BlockTime] = []
    last_s = timestamps_s[-1] if timestamps_s else 0
    for second, members in groupby(timestamps_s):
        count = len(list(members))
        latest_ms = SECOND_MS * second
        for j in range(count):
            stamp = live[len(times)] if live is not None else None
            if stamp is not None and stamp[0] // SECOND_MS == second:
                offset_ms, error_ms = stamp[0] - SECOND_MS * second, stamp[1]
            else:
                offset_ms = SECOND_MS * j // count
                error_ms = max(offset_ms, SECOND_MS - 1 - offset_ms)
            time_ms = max(latest_ms, SECOND_MS * second + offset_ms)
            times.append(BlockTime(time_ms, error_ms, second != last_s))
            latest_ms = time_ms
    return times
