"""Watches the replay of a market: the same scorer, and beside it sums per maker and five minutes, or samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rewards.analysis.cells import CellTimes
from rewards.analysis.errors import EpochTooLongError, TooLargeError
from rewards.analysis.kernel import parts
from rewards.analysis.kernel.watch import run
from rewards.analysis.slowly import Slowly
from rewards.engine.compiled import CompiledReplay
from rewards.engine.events import MarketEvents
from rewards.engine.kernel import arrays
from rewards.engine.kernel.parts import NOW, ORDERS, Run
from rewards.engine.kinds import KINDS
from rewards.engine.live import MarketScorer
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split
from rewards.engine.terms import Terms

I64 = npt.NDArray[np.int64]
LONGEST_MS = 1 << 32
"""About 49 days: a share is at most 2^30, so credit over a longer epoch might not fit the 64 bits of a column."""


@dataclass(frozen=True, eq=False)
class Instants:
    """Sampled instants in order of time. draw: which repetition each is of. length_ms: what it stands for."""

    time_ms: I64
    draw: I64
    length_ms: I64
    draws: int

    @classmethod
    def none(cls) -> Instants:
        """No samples at all."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, nothing, draws=0)


class WatchedScorer(MarketScorer):
    """The scorer of one market, watched; its scores are the engine's own.

    The sums of an epoch's stretches, watched one after the other or at the same time, add up to those of the epoch.
    """

    def __init__(
        self,
        *,
        terms: Terms,
        market: str,
        sessions: Sessions,
        makers: Mapping[str, str],
        splits: Sequence[Split] = (),
        with_cells: bool = True,
        instants: Instants | None = None,
    ) -> None:
        """Start before the epoch.

        with_cells: keep the sums that statistics are made of. instants: where to sample. Raises SessionsError,
        EpochTooLongError.
        """
        super().__init__(terms=terms, market=market, sessions=sessions, makers=makers, splits=splits)
        if self.rules.end_ms - self.rules.start_ms > LONGEST_MS:
            raise EpochTooLongError(length_ms=self.rules.end_ms - self.rules.start_ms, longest_ms=LONGEST_MS)
        self.maker_names = self._state.score.makers
        self.times = CellTimes.of(rules=self.rules, sessions=sessions)
        self.watch = _new_watch(self.times if with_cells else None, len(self.maker_names), instants or Instants.none())

    @classmethod
    def restore(
        cls,
        state: bytes,
        *,
        terms: Terms,
        market: str,
        sessions: Sessions,
        makers: Mapping[str, str],
        splits: Sequence[Split] = (),
    ) -> Self:
        """Go on from a state of any scorer of the market; what is watched begins there. Raises StateError."""
        scorer = super().restore(state, terms=terms, market=market, sessions=sessions, makers=makers, splits=splits)
        cells = scorer.watch.cells
        scorer.watch.at[parts.CELL] = np.searchsorted(cells.ends_ms, scorer.now_ms, side="right")
        return scorer

    def _replay(self) -> CompiledReplay:
        replay = _WatchedReplay(market=self.market, rules=self.rules, sessions=self.sessions, state=self._state)
        replay.watch_with(self.watch)
        return replay


class _WatchedReplay(CompiledReplay):
    """The engine's replay with the watched run in the place of the kernel's."""

    _watch: parts.Watch
    _slowly: Slowly

    def watch_with(self, watch: parts.Watch) -> None:
        self._watch = watch
        self.observe = self._slowly = Slowly(rules=self.rules, state=self.state, watch=watch)

    def _go(self, it: Run, end_row: int, until_ms: int) -> int:
        _begin(it, self._watch)
        return run(it, self._watch, end_row, until_ms)

    def _exactly(self, events: MarketEvents, until_ms: int) -> None:
        self._slowly.begin()
        try:
            super()._exactly(events, until_ms)
            self._slowly.add_fills()
        except OverflowError as error:
            raise TooLargeError(market=self.market) from error


def _begin(it: Run, watch: parts.Watch) -> None:
    """Take over the orders that rest, and look at everything anew."""
    watched, count = watch.watched, int(it.at[ORDERS])
    owned = it.orders.maker[:count] >= 0
    makers, sizes = it.orders.maker[:count][owned], it.orders.size[:count][owned]
    length = len(watched.orders)
    watched.orders[:] = np.bincount(makers, minlength=length)
    watched.small[:] = np.bincount(makers[sizes < it.rules.min_order_lots], minlength=length)
    watched.since_ms[:] = it.at[NOW]
    watched.taken[:] = 0
    watched.is_dirty[:] = 0
    watch.at[parts.DIRTY], watch.at[parts.STATE] = 0, parts.UNKNOWN


def _new_watch(times: CellTimes | None, makers: int, instants: Instants) -> parts.Watch:
    cells = 0 if times is None else len(times)
    return parts.Watch(
        at=_zeros(parts.REGISTERS),
        cells=parts.Cells(
            ends_ms=_zeros(0) if times is None else times.ends_ms,
            whole=_zeros(cells, makers, parts.WHOLE),
            floats=np.zeros((cells, makers, parts.FLOATS)),
            market=_zeros(cells, parts.MARKET_WHOLE),
            market_floats=np.zeros((cells, parts.MARKET_FLOATS)),
        ),
        watched=parts.Watched(
            since_ms=_zeros(makers),
            rates=_zeros(makers, parts.HELD),
            float_rates=np.zeros((makers, parts.FLOATS)),
            taken=_zeros(makers, parts.WHOLE - parts.HELD),
            orders=_zeros(makers),
            small=_zeros(makers),
            is_dirty=_zeros(makers),
            dirty=_zeros(makers),
        ),
        samples=_new_samples(arrays.padded(makers), instants),
    )


def _new_samples(padded: int, instants: Instants) -> parts.Samples:
    return parts.Samples(
        times_ms=instants.time_ms,
        draws=instants.draw,
        lengths_ms=instants.length_ms,
        makers=arrays.new_makers(padded),
        log=arrays.new_log(1),
        credit=_zeros(instants.draws, len(KINDS), padded),
        stress_credit=_zeros(instants.draws, padded),
    )


def _zeros(*shape: int) -> I64:
    return np.zeros(shape, np.int64)
