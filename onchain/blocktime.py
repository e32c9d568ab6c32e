"""Milliseconds for blocks whose stamps are whole seconds (spec/venues.md, Time)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onchain.columns import Ints

SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class BlockTimes:
    """Per block: its time, how far the truth can be from it, and whether a later second exists."""

    time_ms: Ints
    time_error_ms: Ints
    settled: np.ndarray


def block_times(*, timestamps_s: Sequence[int], live_ms: Sequence[int | None] | None = None) -> BlockTimes:
    """Spread the blocks of each second evenly over it, the j-th of n at 1000 * s + 1000 * j // n.

    `timestamps_s` are those of consecutive blocks, never falling, and begin with the first block of a second. A
    block with a finer stamp of the node's own (`live_ms`) keeps that one. The blocks of the last second are not
    settled: more of them may come.
    """
    seconds = np.asarray(timestamps_s, np.int64)
    if not len(seconds):
        return BlockTimes(seconds, seconds, np.zeros(0, np.bool_))
    begins = np.flatnonzero(np.r_[True, seconds[1:] != seconds[:-1]])
    counts = np.diff(np.r_[begins, len(seconds)])
    place = np.arange(len(seconds)) - np.repeat(begins, counts)
    offset = SECOND_MS * place // np.repeat(counts, counts)
    time_ms = SECOND_MS * seconds + offset
    # The truth lies somewhere in the block's second.
    error = np.maximum(offset, SECOND_MS - 1 - offset)
    for index, stamp in enumerate(live_ms or ()):
        if stamp is not None:
            time_ms[index], error[index] = stamp, 0
    return BlockTimes(time_ms, error, seconds != seconds[-1])
