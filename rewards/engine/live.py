"""Scoring of one market as its events come: feed, settle, look, save, go on elsewhere.

A scorer that is fed an epoch in pieces, saved and restored in between, ends with the same integers as one
that is given everything at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

from rewards.engine import statebytes
from rewards.engine.compiled import CompiledReplay
from rewards.engine.events import EventColumns, MarketEvents, maker_names
from rewards.engine.jsontext import canonical_json
from rewards.engine.marketstate import MarketScore, MarketState, merge_scores
from rewards.engine.rules import Rules, rules_of
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split, Units, that_count
from rewards.engine.terms import Terms

__all__ = ["MarketScore", "MarketScorer", "merge_scores"]


class MarketScorer:
    """The scorer of one market. `now_ms` is the open instant: all before it is settled."""

    def __init__(
        self,
        *,
        terms: Terms,
        market: str,
        sessions: Sessions,
        makers: Mapping[str, str],
        splits: Sequence[Split] = (),
    ) -> None:
        """Start before the epoch, with an empty book.

        makers: enrolled address to maker. splits: of any markets. Raises SessionsError when the sessions do not cover
        the epoch.
        """
        sessions.check_cover(start_ms=terms.epoch.start_ms, end_ms=terms.epoch.end_ms)
        self.market = market
        self.makers = makers
        self.sessions = sessions
        self._plain_rules = rules_of(terms=terms, market=market)
        self._splits = sorted(split for split in splits if split.market == market)
        names = maker_names(makers)
        self._key = _key(terms, market, sessions, makers, self._splits)
        self._state = MarketState(now_ms=terms.epoch.start_ms, score=MarketScore.zero(makers=names))

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
        """Go on from what `state()` returned. Raises StateError when it is damaged or of something else."""
        scorer = cls(terms=terms, market=market, sessions=sessions, makers=makers, splits=splits)
        scorer._state = statebytes.load_state(data=state, key=scorer._key)
        scorer._forget_units()
        return scorer

    @property
    def key(self) -> str:
        """A hash of all that a state depends on beside the events; `restore` refuses states of another key."""
        return self._key

    @cached_property
    def units(self) -> Units:
        """The units of the market's numbers. Its splits count from its first event on; before that, none does."""
        if self._state.first_ms is None:
            return Units()
        epoch = self._plain_rules
        counting = that_count(
            self._splits,
            market=self.market,
            first_ms=self._state.first_ms,
            start_ms=epoch.start_ms,
            end_ms=epoch.end_ms,
        )
        return Units.of(counting, start_ms=epoch.start_ms)

    @cached_property
    def rules(self) -> Rules:
        """The rules in the units of the market's numbers."""
        return self.units.rules(self._plain_rules)

    @property
    def now_ms(self) -> int:
        """The open instant: events before it can no longer come, events at it can."""
        return self._state.now_ms

    def feed(self, columns: EventColumns) -> None:
        """Apply the events of this market, in order; those of other markets are passed over.

        Raises DataError, BoundError; the scorer is of no use after one.
        """
        tables = columns.split(makers=self.makers)
        if self.market in tables:
            self.feed_market(tables[self.market])

    def feed_market(self, events: MarketEvents) -> None:
        """Apply events that `EventColumns.split` made with this scorer's `makers`."""
        if self._splits and len(events):
            if self._state.first_ms is None:
                self._state.first_ms = int(events.time_ms[0])
                self._forget_units()
            events = self.units.scale(events, market=self.market, end_ms=self._plain_rules.end_ms)
        self._replay().feed(events)

    def advance_to(self, *, time_ms: int) -> None:
        """Settle all time before `time_ms` (at most to the epoch's end): no earlier event will come."""
        self._replay().advance_to(time_ms)

    def finish(self) -> MarketScore:
        """Settle the epoch to its end and return its score."""
        self.advance_to(time_ms=self._plain_rules.end_ms)
        return self.snapshot()

    def snapshot(self) -> MarketScore:
        """Return the score of all that is settled."""
        return self._state.score.copy()

    def take(self) -> MarketScore:
        """Return the score since the last `take` and begin a new one; `merge_scores` adds the parts up."""
        part = self._state.score
        self._state.score = MarketScore.zero(makers=part.makers)
        return part

    def state(self) -> bytes:
        """Return the state as bytes, from which `restore` goes on."""
        return statebytes.dump_state(state=self._state, key=self._key)

    def _forget_units(self) -> None:
        for name in ("units", "rules"):
            self.__dict__.pop(name, None)

    def _replay(self) -> CompiledReplay:
        return CompiledReplay(market=self.market, rules=self.rules, sessions=self.sessions, state=self._state)


def _key(terms: Terms, market: str, sessions: Sessions, makers: Mapping[str, str], splits: Sequence[Split]) -> str:
    """Return a hash of everything that a state depends on beside the events."""
    parts: list[object] = [terms.sha256, market, [list(row) for row in sessions.rows], sorted(makers.items())]
    if splits:
        parts.append([[split.time_ms, split.new, split.old] for split in splits])
    return hashlib.sha256(canonical_json(parts)).hexdigest()
