"""Keeps the sums that scorecards draw up to the chain's settled time: a watched replay that goes on where it stood.

It is on a way of its own: what scores, live or for money, neither waits for it nor reads anything of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from django.db import transaction
from django.db.models import Q

from config import failpoints
from onchain.locks import try_lock
from onchain.selectors import archived_through_ms, market_events_arrow, settled_through_ms
from rewards.analysis.cells import CellTimes
from rewards.analysis.errors import AnalysisError
from rewards.analysis.means import session_sums
from rewards.analysis.packing import CellSums
from rewards.analysis.watching import WatchedScorer
from rewards.engine.errors import EngineError
from rewards.engine.events import EventColumns
from rewards.models import Epoch, QuoteCells, QuoteRun
from rewards.services.gathering import Ground, ground_of
from rewards.services.stretches import stretch_ends, stretch_key

STATE = Epoch.State
LATEST = 24
"""Only the newest epochs are caught up with, and of those none whose events are in the archive alone."""


def quote_cells_due() -> list[tuple[int, str]]:
    """Return (epoch id, market) wherever sums lack of what is settled; the live epochs first, then the newest."""
    here = Epoch.objects.filter(start_ms__gt=archived_through_ms())
    begun = here.filter(Q(state=STATE.LIVE) | Q(scored_at__isnull=False)).order_by("-end_ms")[:LATEST]
    known = {(row.epoch_id, row.market): row.until_ms for row in QuoteRun.objects.defer("base", "state")}
    due = []
    for epoch in begun:
        markets = ground_of(epoch).terms.markets
        due += [
            (epoch.pk, market)
            for market in sorted(markets)
            if known.get((epoch.pk, market), -1) < min(settled_through_ms(markets=[market]), epoch.end_ms)
        ]
    return due


def quote_cells_advance(*, epoch_id: int, market: str, keep_going: Callable[[], bool] = lambda: True) -> int:
    """Bring a market's sums up to what is settled, a session at a time; returns up to when (ms UTC).

    Each session is stored as soon as it has been replayed. Does nothing, and returns 0, while another process is at
    this market. Raises onchain's errors of market events, EngineError, and AnalysisError for an epoch that is too
    large for statistics.
    """
    with try_lock(f"quote cells of {epoch_id} {market}") as held:
        if not held:
            return 0
        epoch = Epoch.objects.get(pk=epoch_id)
        ground = ground_of(epoch)
        run = _Run.begun(epoch, ground, market)
        ends, settled_ms = stretch_ends(ground), min(settled_through_ms(markets=[market]), epoch.end_ms)
        while run.until_ms < settled_ms and keep_going():
            try:
                run.advance(min(settled_ms, next(end for end in ends if end > run.until_ms)))
            except EngineError:
                if run.is_fresh:
                    raise
                # Either the events are wrong, or those of the past were corrected since: the start will tell.
                run = _Run.afresh(epoch, ground, market)
        return run.until_ms


@dataclass(slots=True)
class _Run:
    """The replay of one market, which goes on from `state`.

    base: the sums of the sessions that may still change, up to where `state` is. until_ms: the events of all blocks
    before it are in.
    """

    epoch: Epoch
    ground: Ground
    market: str
    key: str
    until_ms: int
    state: bytes
    base: CellSums
    is_fresh: bool

    @classmethod
    def begun(cls, epoch: Epoch, ground: Ground, market: str) -> "_Run":
        """Go on where the market stands; from the epoch's start if anything that it depends on is different now."""
        key = stretch_key(ground, market=market)
        stored = QuoteRun.objects.filter(epoch=epoch, market=market, key=key).first()
        if stored is None:
            return cls.afresh(epoch, ground, market)
        try:
            base = CellSums.unpack(bytes(stored.base))
        except AnalysisError:
            return cls.afresh(epoch, ground, market)
        return cls(epoch, ground, market, key, stored.until_ms, bytes(stored.state), base, is_fresh=False)

    @classmethod
    def afresh(cls, epoch: Epoch, ground: Ground, market: str) -> "_Run":
        """Throw away what there is, and begin before the epoch."""
        with transaction.atomic():
            QuoteCells.objects.filter(epoch=epoch, market=market).delete()
            QuoteRun.objects.filter(epoch=epoch, market=market).delete()
        scorer = _scorer(ground, market, state=None)
        nothing = CellSums.of(scorer.watch.cells, first=0, end=0)
        key = stretch_key(ground, market=market)
        return cls(epoch, ground, market, key, epoch.start_ms, scorer.state(), nothing, is_fresh=True)

    def advance(self, until_ms: int) -> None:
        """Feed the events up to a time, sum up all until then, and store it."""
        is_first = self.until_ms == self.epoch.start_ms
        table = market_events_arrow(
            markets=[self.market], from_ms=self.until_ms, to_ms=until_ms, carry_in=is_first,
            splits=self.ground.splits_by_market,
        )  # fmt: skip
        table = self.ground.with_halts(table, markets=[self.market], from_ms=self.until_ms, to_ms=until_ms)
        scorer = _scorer(self.ground, self.market, state=self.state)
        scorer.feed(EventColumns.from_arrow(table))
        failpoints.hit("quotes.fed")
        first, end = self.base.first, int(np.searchsorted(scorer.times.starts_ms, until_ms, side="left"))
        before, from_ms = (b"", self.until_ms) if is_first else (self.state, self.until_ms)
        fed = self.base.plus(CellSums.of(scorer.watch.cells, first=first, end=end))
        self.state, settled_ms = scorer.state(), scorer.now_ms
        # The kept state settles no time beyond its events: a later block may still tell of something before now.
        scorer.advance_to(time_ms=until_ms)
        shown = self.base.plus(CellSums.of(scorer.watch.cells, first=first, end=end))
        self.until_ms = until_ms
        open_cell = _session_at(scorer.times, settled_ms if until_ms < self.epoch.end_ms else until_ms)
        self.base = fed.cut(first=open_cell, end=end)
        self._store(scorer, shown, open_cell, state=before, from_ms=from_ms)
        self.is_fresh = False

    def _store(self, scorer: WatchedScorer, shown: CellSums, open_cell: int, *, state: bytes, from_ms: int) -> None:
        """Write the sessions that were touched, and where the run stands. A session keeps the first state of it."""
        rows = [
            QuoteCells(
                epoch=self.epoch, market=self.market, start_ms=start_ms, first_cell=first,
                until_ms=min(self.until_ms, end_ms), is_whole=end <= open_cell, cells=cells.pack(),
                sums=session_sums(sums=cells, makers=scorer.maker_names), state=state, from_ms=from_ms,
            )
            for first, end, start_ms, end_ms in _sessions(scorer.times)
            if end > shown.first and first < shown.end
            for cells in [shown.cut(first=first, end=end)]
        ]  # fmt: skip
        run = {
            "key": self.key, "makers": list(scorer.maker_names), "until_ms": self.until_ms, "base": self.base.pack(),
            "first_cell": self.base.first, "state": self.state,
        }  # fmt: skip
        with transaction.atomic():
            QuoteCells.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=["epoch", "market", "start_ms"],
                update_fields=["until_ms", "is_whole", "cells", "sums"],
            )  # fmt: skip
            QuoteRun.objects.update_or_create(epoch=self.epoch, market=self.market, defaults=run)
            failpoints.hit("quotes.before_commit")
        failpoints.hit("quotes.stored")


def _scorer(ground: Ground, market: str, *, state: bytes | None) -> WatchedScorer:
    terms, sessions, makers = ground.terms, ground.sessions, ground.makers
    if state is None:
        return WatchedScorer(terms=terms, market=market, sessions=sessions, makers=makers, splits=ground.splits)
    return WatchedScorer.restore(
        state, terms=terms, market=market, sessions=sessions, makers=makers, splits=ground.splits
    )


def _sessions(times: CellTimes) -> list[tuple[int, int, int, int]]:
    """Return each session's first cell, the cell behind its last, and its start and end (ms)."""
    firsts = [*times.first.tolist(), len(times)]
    return [(first, end, int(times.starts_ms[first]), int(times.ends_ms[end - 1])) for first, end in pairwise(firsts)]


def _session_at(times: CellTimes, time_ms: int) -> int:
    """Return the first cell of the session that a time lies in, the number of all cells at the epoch's end."""
    if time_ms >= int(times.ends_ms[-1]):
        return len(times)
    starts = times.starts_ms[times.first]
    return int(times.first[max(0, int(np.searchsorted(starts, time_ms, side="right")) - 1)])
