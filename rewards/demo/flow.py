"""A seeded stream of blocks: the same seed gives the same operations, however it is cut into pieces."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rewards.calendars import build_sessions
from rewards.demo import crowd
from rewards.demo.exchange import Block, Op
from rewards.demo.makers import Flicker, Maker, the_seven
from rewards.demo.market import MARKETS, Burst, Market, MarketSpec

WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True)
class Pace:
    """How often the generator looks at the market, in seconds, and how much faster than usual people act."""

    regular_s: int = 300
    outside_s: int = 900
    burst_s: int = 30
    mark_every_s: int = 600
    hurry: float = 1.0

    def step_s(self, *, kind: str, now_s: int, burst: Burst | None) -> int:
        """Return the time to the next look."""
        if burst is not None and burst.start_s - 60 <= now_s < burst.start_s + burst.fall_s + 300:
            return self.burst_s
        return self.regular_s if kind == "regular" else self.outside_s


HISTORY = Pace()
LIVE = Pace(regular_s=4, outside_s=4, burst_s=4, mark_every_s=30, hurry=240.0)


class Sessions:
    """Which kind of session a moment has, by the real calendar, for as long as the demo runs."""

    def __init__(self, *, calendar: str, start_ms: int) -> None:
        self._calendar = calendar
        self._parts: list[tuple[int, int, str]] = []
        self._end_ms = start_ms
        self._at = 0

    def kind(self, now_s: int) -> str:
        """Return the kind that holds at a time that never goes back."""
        now_ms = now_s * 1000
        while now_ms >= self._end_ms:
            self._parts += build_sessions(self._calendar, self._end_ms, self._end_ms + WEEK_MS)
            self._end_ms += WEEK_MS
        while self._parts[self._at][1] <= now_ms:
            self._at += 1
        return self._parts[self._at][2]


class Flow:
    """The made-up exchange from `start_s` on."""

    def __init__(
        self,
        *,
        seed: int,
        start_s: int,
        burst: Burst | None = None,
        specs: Sequence[MarketSpec] = MARKETS,
        makers: Sequence[Maker] | None = None,
        calendar: str = "XNYS",
    ) -> None:
        self._rng = random.Random(seed)
        self._log: list[Op] = []
        self._burst = burst
        self._sessions = Sessions(calendar=calendar, start_ms=start_s * 1000)
        self._now_s = start_s
        self.markets = [Market(spec, number, self._log) for number, spec in enumerate(specs, start=1)]
        self.makers = list(makers if makers is not None else the_seven())

    def blocks(self, *, until_s: int, pace: Pace = HISTORY) -> Iterator[Block]:
        """Yield blocks up to and without `until_s`, ascending in time; the next call goes on from there."""
        while self._now_s < until_s:
            kind = self._sessions.kind(self._now_s)
            step_s = pace.step_s(kind=kind, now_s=self._now_s, burst=self._burst)
            # One block for all that happens in a step: the local chain works out its whole state at every block.
            self._outside_world(kind=kind, step_s=step_s, pace=pace)
            self._quote(self.makers, kind=kind, at_s=0, pace=pace)
            yield from self._cut(self._now_s)
            yield from self._flashes(kind=kind, pace=pace, at_s=self._now_s + 3 * step_s // 4)
            self._now_s += step_s

    def taken(self) -> list[Op]:
        """Return what was done to the books outside of `blocks`, and forget it."""
        found = list(self._log)
        self._log.clear()
        return found

    def _cut(self, time_s: int) -> Iterator[Block]:
        if self._log:
            yield Block(time_s, tuple(self._log))
            self._log.clear()

    def _outside_world(self, *, kind: str, step_s: int, pace: Pace) -> None:
        for market in self.markets:
            market.move(now_s=self._now_s, step_s=step_s, kind=kind, burst=self._burst, rng=self._rng)
            self._pause(market)
            if kind == "regular":
                market.mark_if_due(now_s=self._now_s, every_s=pace.mark_every_s, on_move_bps=15)
            crowd.pick_off(market=market, rng=self._rng)
            crowd.rest(market=market, step_s=step_s, rng=self._rng)
            crowd.trade(market=market, step_s=step_s, kind=kind, hurry=pace.hurry, rng=self._rng)

    def _pause(self, market: Market) -> None:
        if self._burst is None or market.spec.name != self._burst.pause_market:
            return
        pauses = self._burst.pauses(self._now_s)
        if pauses and not market.book.halted:
            market.book.halt()
        elif market.book.halted and not pauses:
            market.book.resume()

    def _quote(self, makers: Sequence[Maker], *, kind: str, at_s: int, pace: Pace) -> None:
        for maker in makers:
            for market in self.markets:
                maker.act(market=market, now_s=self._now_s + at_s, kind=kind, rng=self._rng, hurry=pace.hurry)

    def _flashes(self, *, kind: str, pace: Pace, at_s: int) -> Iterator[Block]:
        """Let flickering makers show quotes in several blocks of one second."""
        for maker in self.makers:
            if isinstance(maker, Flicker) and maker.due(now_s=at_s, hurry=pace.hurry):
                market = self._rng.choice(self.markets)
                for show in range(maker.shows + 1):
                    maker.flash(market=market, last=show == maker.shows, kind=kind, rng=self._rng)
                    yield from self._cut(at_s)
