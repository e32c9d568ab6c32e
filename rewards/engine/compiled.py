"""Replay of one market by the compiled kernel, and by the exact replay wherever the kernel has to pass.

The state is the same for both, so that they can take turns; results are the same integers.
"""

from __future__ import annotations

from rewards.engine import eventrules
from rewards.engine.events import MarketEvents
from rewards.engine.exact import ExactReplay, Observer
from rewards.engine.kernel import arrays, parts, storing
from rewards.engine.kernel.replay import run
from rewards.engine.marketstate import MarketState
from rewards.engine.rules import Rules
from rewards.engine.sessions import Sessions

EXACT_ROWS = 4096
"""How many events the exact replay takes before the kernel is tried again."""
MOST_ROWS = 1 << 21
"""How many events one run takes; more are replayed in several runs."""


class CompiledReplay:
    """A replay of one market from a state, which it changes as it goes."""

    observe: Observer | None = None
    """Told of the intervals that the exact replay settles."""

    def __init__(self, *, market: str, rules: Rules, sessions: Sessions, state: MarketState) -> None:
        self.market, self.rules, self.sessions, self.state = market, rules, sessions, state
        self._numbers = arrays.rule_numbers(rules, sessions)

    def feed(self, events: MarketEvents) -> None:
        """Apply events. Raises DataError, BoundError; the state is of no use after one."""
        late = events.time_ms >= self.rules.end_ms
        inside = int(late.argmax()) if late.any() else len(events)
        for row in range(0, inside, MOST_ROWS):
            self._feed_part(events.slice(row, min(inside, row + MOST_ROWS)))
        if inside < len(events):
            self._feed_rest(events.slice(inside, len(events)))

    def advance_to(self, time_ms: int) -> None:
        """Settle all time before `time_ms`; the instant `time_ms` itself stays open for its events."""
        time_ms = min(time_ms, self.rules.end_ms)
        if self.state.now_ms < time_ms:
            nothing = MarketEvents.none()
            self._run(nothing, time_ms)
            if self.state.now_ms < time_ms:
                self._exactly(nothing, time_ms)

    def _feed_part(self, events: MarketEvents) -> None:
        """Apply events that lie before the epoch's end."""
        while len(events):
            applied = self._run(events, self.state.now_ms)
            events = events.slice(applied, len(events))
            if len(events):
                self._exactly(events.slice(0, EXACT_ROWS), self.state.now_ms)
                events = events.slice(EXACT_ROWS, len(events))

    def _run(self, events: MarketEvents, until_ms: int) -> int:
        """Apply events and settle time as far as the kernel goes; return how many it applied."""
        applied, room, status = 0, arrays.Room(), parts.TAKE_OUT
        while self._numbers is not None and status not in (parts.DONE, parts.NOT_HERE):
            rest = events.slice(applied, len(events)) if applied else events
            if len(rest):
                eventrules.check_sequence(self.market, self.rules, self.state, rest, 0)
            it = arrays.load(self._numbers, self.sessions, self.state, rest, room)
            if it is None:
                break
            status = self._go(it, len(rest), until_ms)
            applied += storing.store(it, self.state, rest)
            room.grow(status)
        return applied

    def _go(self, it: parts.Run, end_row: int, until_ms: int) -> int:
        """Run the kernel once; who watches a replay does it here."""
        return run(it, end_row, until_ms)

    def _exactly(self, events: MarketEvents, until_ms: int) -> None:
        replay = ExactReplay(
            market=self.market, rules=self.rules, sessions=self.sessions, state=self.state, observe=self.observe
        )
        replay.feed(events)
        replay.advance_to(until_ms)
        replay.finish()

    def _feed_rest(self, events: MarketEvents) -> None:
        """Pass over events from the epoch's end on: the first has to follow, those behind it are ignored."""
        if (events.time_ms < self.rules.end_ms).any():
            self._exactly(events, self.state.now_ms)
            return
        eventrules.check_sequence(self.market, self.rules, self.state, events, 0)
        self.state.ended = True
        self.state.last = (int(events.block[-1]), int(events.log_index[-1]), int(events.time_ms[-1]))
