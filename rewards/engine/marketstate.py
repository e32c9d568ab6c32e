"""What a replay of one market leaves behind: its score so far, and the state from which it can go on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rewards.engine.kinds import KINDS

ByKind = list[int]


@dataclass
class MarketScore:
    """The score of one market over a stretch of time. Lists by maker follow `makers`, inner ones KINDS.

    credit: share * 2^30 * ms. present_ms, live_ms, stress_ms: ms. volume: lots * ticks of fills, unboosted.
    """

    makers: tuple[str, ...]
    credit: list[ByKind]
    stress_credit: list[int]
    present_ms: list[ByKind]
    volume: list[ByKind]
    live_ms: ByKind
    stress_ms: int

    @classmethod
    def zero(cls, *, makers: Sequence[str]) -> MarketScore:
        """Return the score of no time at all."""
        return cls(
            makers=tuple(makers),
            credit=_zeros(len(makers)),
            stress_credit=[0] * len(makers),
            present_ms=_zeros(len(makers)),
            volume=_zeros(len(makers)),
            live_ms=[0] * len(KINDS),
            stress_ms=0,
        )

    def copy(self) -> MarketScore:
        """Return a score that shares nothing with this one."""
        return merge_scores([self])


def merge_scores(parts: Sequence[MarketScore]) -> MarketScore:
    """Return the score of all stretches together. Raises ValueError when they are not of the same makers."""
    if len({part.makers for part in parts}) != 1:
        raise ValueError("scores can be merged only when they are of the same makers in the same order")
    total = MarketScore.zero(makers=parts[0].makers)
    for part in parts:
        for mine, theirs in (
            (total.credit, part.credit),
            (total.present_ms, part.present_ms),
            (total.volume, part.volume),
        ):
            for row, other in zip(mine, theirs, strict=True):
                row[:] = [a + b for a, b in zip(row, other, strict=True)]
        total.stress_credit = [a + b for a, b in zip(total.stress_credit, part.stress_credit, strict=True)]
        total.live_ms = [a + b for a, b in zip(total.live_ms, part.live_ms, strict=True)]
        total.stress_ms += part.stress_ms
    return total


@dataclass
class RestingOrders:
    """The orders that rest, one entry per order in each column.

    maker: index, -1 for a stranger's. side: 0 bid, 1 ask. price: ticks. size: lots.
    """

    ids: list[str]
    maker: npt.NDArray[np.int64]
    side: npt.NDArray[np.int64]
    price: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    placed_ms: npt.NDArray[np.int64]

    @classmethod
    def none(cls) -> RestingOrders:
        """Return an empty book."""
        return cls([], *(np.empty(0, dtype=np.int64) for _ in range(5)))


@dataclass
class MarketState:
    """Where the replay of one market stands.

    now_ms: the open instant; all time before it is settled, events at it may still come.
    last: block, log index and time of the last event. ended: an event at or after the epoch's end has come.
    anchor: half-ticks, 0 before the first. reference: of the interval before now_ms, 0 for none.
    history: (time_ms, reference while live or 0) where that changed, as far back as a stress window looks.
    first_ms: the time of the first event, kept for markets with splits alone: it says which of them count.
    """

    now_ms: int
    score: MarketScore
    last: tuple[int, int, int] | None = None
    ended: bool = False
    anchor: int = 0
    halted: bool = False
    orders: RestingOrders = field(default_factory=RestingOrders.none)
    reference: int = 0
    stress_until_ms: int = 0
    history: list[tuple[int, int]] = field(default_factory=list)
    first_ms: int | None = None

    def forget_history(self, *, window_ms: int) -> None:
        """Drop the references that no instant from now on can look back to."""
        place = bisect_right(self.history, self.now_ms - window_ms, key=lambda entry: entry[0])
        del self.history[: max(0, place - 1)]


def _zeros(count: int) -> list[ByKind]:
    return [[0] * len(KINDS) for _ in range(count)]
