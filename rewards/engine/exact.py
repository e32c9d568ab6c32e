"""The scoring rule in plain Python integers, interval by interval, for numbers beyond what 64 bits hold.

The compiled kernel does the same for every ordinary market, a thousand times faster; it hands over to this
replay when lots or prices leave its domain. It is also the way to look at each interval (`observe`).
Source: docs/spec/scoring.md, *Intervals* to *Stress windows*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rewards.engine import eventrules
from rewards.engine.errors import LotTooSmallError, TickTooSmallError
from rewards.engine.events import ANCHOR, ASK, BID, FILL, HALT, PLACE, RESUME, MarketEvents
from rewards.engine.marketstate import MarketState, RestingOrders
from rewards.engine.rules import (
    BAND_BOUND,
    BPS,
    QUALITY_BOUND,
    SHARE_BITS,
    WEIGHT_ONE,
    Rules,
    band_of,
    clamp_reference,
    quality_of,
    weight_of,
)
from rewards.engine.sessions import Sessions


@dataclass
class Order:
    """A resting order. maker: index, -1 for a stranger's."""

    maker: int
    side: int
    price: int
    size: int
    placed_ms: int


@dataclass(frozen=True)
class Interval:
    """The state of a market between two instants. Lists are by maker; reference and band 0 mean none.

    kind: index into KINDS. bid, ask: weighted sums. near: lots of (bids, asks) that count within the band.
    orders: what rests, by id; a view of the replay's own book, to be read before the observer returns.
    """

    start_ms: int
    end_ms: int
    kind: int
    live: bool
    stressed: bool
    reference: int
    band: int
    bid: Sequence[int]
    ask: Sequence[int]
    near: Sequence[tuple[int, int]]
    quality: Sequence[int]
    present: Sequence[bool]
    orders: dict[str, Order]


Observer = Callable[[Interval], None]


class ExactReplay:
    """A replay of one market from a state; `finish` writes the state back."""

    def __init__(
        self,
        *,
        market: str,
        rules: Rules,
        sessions: Sessions,
        state: MarketState,
        observe: Observer | None = None,
    ) -> None:
        self.market, self.rules, self.sessions, self.state = market, rules, sessions, state
        self._observe = observe
        held = state.orders
        columns = [each.tolist() for each in (held.maker, held.side, held.price, held.size, held.placed_ms)]
        self.orders = {
            order_id: Order(*row) for order_id, row in zip(held.ids, zip(*columns, strict=True), strict=True)
        }

    def feed(self, events: MarketEvents, *, start: int = 0) -> None:
        """Apply the events from index `start` on. Raises DataError, BoundError."""
        ids = events.order_ids.to_pylist()
        for row in range(start, len(events)):
            time_ms = int(events.time_ms[row])
            eventrules.check_sequence(self.market, self.rules, self.state, events, row)
            self.state.last = (int(events.block[row]), int(events.log_index[row]), time_ms)
            if time_ms >= self.rules.end_ms:
                self.state.ended = True
                continue
            if time_ms > self.state.now_ms:
                self.advance_to(time_ms)
            self._apply(events, row, ids)

    def advance_to(self, time_ms: int) -> None:
        """Settle all time before `time_ms`; the instant `time_ms` itself stays open for its events."""
        time_ms = min(time_ms, self.rules.end_ms)
        while self.state.now_ms < time_ms:
            self._settle_until(time_ms)

    def finish(self) -> None:
        """Write the book back to the state."""
        self.state.forget_history(window_ms=self.rules.window_ms)
        ids, held = list(self.orders), list(self.orders.values())
        columns = (
            np.array([getattr(order, name) for order in held], dtype=np.int64)
            for name in ("maker", "side", "price", "size", "placed_ms")
        )
        self.state.orders = RestingOrders(ids, *columns)

    def _apply(self, events: MarketEvents, row: int, ids: list[str]) -> None:
        kind = int(events.kind[row])
        if kind == ANCHOR:
            eventrules.check_price(self.market, events, row)
            self.state.anchor = int(events.price[row])
        elif kind in (HALT, RESUME):
            self.state.halted = kind == HALT
        elif kind == PLACE:
            self._place(events, row, ids)
        else:
            self._reduce(events, row, ids)

    def _place(self, events: MarketEvents, row: int, ids: list[str]) -> None:
        eventrules.check_place(self.market, events, row)
        order_id = ids[events.order[row]]
        if order_id in self.orders:
            raise eventrules.rests_already(self.market, events, row, order_id)
        self.orders[order_id] = Order(
            maker=max(int(events.owner[row]), -1),
            side=int(events.side[row]),
            price=int(events.price[row]),
            size=int(events.size[row]),
            placed_ms=int(events.time_ms[row]),
        )

    def _reduce(self, events: MarketEvents, row: int, ids: list[str]) -> None:
        """Apply a cancel or a fill."""
        eventrules.check_reduce(self.market, events, row)
        order_id = ids[events.order[row]]
        order = self.orders.get(order_id)
        size = eventrules.reduced_lots(self.market, events, row, order_id, resting=order.size if order else 0)
        assert order is not None  # noqa: S101 - reduced_lots raised if it was
        if events.kind[row] == FILL and int(events.time_ms[row]) >= self.rules.start_ms:
            self._count_fill(order, taker=int(events.taker[row]), size=size, time_ms=int(events.time_ms[row]))
        order.size -= size
        if order.size == 0:
            del self.orders[order_id]

    def _count_fill(self, order: Order, *, taker: int, size: int, time_ms: int) -> None:
        if order.maker >= 0 and order.maker != taker:
            kind = self.sessions.kind_indices[self.sessions.index_at(time_ms)]
            self.state.score.volume[order.maker][kind] += size * order.price

    def _settle_until(self, time_ms: int) -> None:
        """Close the open instant and settle the interval that it begins; the next instant becomes open."""
        state, rules = self.state, self.rules
        session = self.sessions.index_at(state.now_ms)
        kind = self.sessions.kind_indices[session]
        reference = self._reference(rules.clamp_bps[kind])
        live = not state.halted
        self._stress_rule(reference if live else 0, before=state.reference)
        stressed = state.now_ms < state.stress_until_ms
        end_ms = self._next_instant(self.sessions.rows[session][1], time_ms)
        interval = self._interval(end_ms, kind=kind, live=live, stressed=stressed, reference=reference)
        self._accrue(interval)
        if self._observe is not None:
            self._observe(interval)
        state.reference = reference
        state.now_ms = end_ms

    def _reference(self, clamp_bps: int) -> int:
        bid, ask = self._cut(BID), self._cut(ASK)
        if bid == 0 or ask == 0 or bid >= ask:
            return 0
        return clamp_reference(
            mid2=bid + ask, anchor=self.state.anchor, clamp_bps=clamp_bps, scale=self.rules.tick_scale
        )

    def _cut(self, side: int) -> int:
        """Return the price at which the side reaches the reference depth, 0 if it does not."""
        levels: dict[int, int] = {}
        for order in self.orders.values():
            if order.side == side:
                levels[order.price] = levels.get(order.price, 0) + order.size
        lots = 0
        for price in sorted(levels, reverse=side == BID):
            lots += levels[price]
            if lots >= self.rules.reference_depth_lots:
                return price
        return 0

    def _stress_rule(self, reference: int, *, before: int) -> None:
        state, rules = self.state, self.rules
        if not rules.window_ms:
            return
        if reference and reference != before:
            then = self._reference_at(state.now_ms - rules.window_ms)
            if then and abs(reference - then) * BPS >= rules.move_bps * then:
                state.stress_until_ms = state.now_ms + rules.hold_ms
        if (state.history[-1][1] if state.history else 0) != reference:
            state.history.append((state.now_ms, reference))
            state.forget_history(window_ms=rules.window_ms)

    def _reference_at(self, time_ms: int) -> int:
        place = bisect_right(self.state.history, time_ms, key=lambda entry: entry[0])
        return self.state.history[place - 1][1] if place else 0

    def _next_instant(self, session_end_ms: int, limit_ms: int) -> int:
        now_ms, rest_ms = self.state.now_ms, self.rules.min_rest_ms
        dues = [order.placed_ms + rest_ms for order in self.orders.values() if order.maker >= 0]
        dues += [session_end_ms, self.state.stress_until_ms]
        return min([limit_ms, *(due for due in dues if due > now_ms)])

    def _interval(self, end_ms: int, *, kind: int, live: bool, stressed: bool, reference: int) -> Interval:
        rules, count = self.rules, len(self.state.score.makers)
        band = 0
        sums = [[0] * count, [0] * count]
        near = [[0] * count, [0] * count]
        if live and reference:
            band = band_of(
                reference=reference,
                max_spread_bps=rules.max_spread_bps[kind],
                widen_pct=rules.widen_pct if stressed else 100,
                scale=rules.tick_scale,
            )
            self._check_band(band)
            self._weigh(reference, band, sums, near)
        quality = [quality_of(rules, bid=bid, ask=ask) for bid, ask in zip(*sums, strict=True)]
        if live and reference:
            self._check_quality(sum(quality))
        least = rules.presence_lots
        return Interval(
            start_ms=self.state.now_ms,
            end_ms=end_ms,
            kind=kind,
            live=live,
            stressed=stressed,
            reference=reference,
            band=band,
            bid=sums[BID],
            ask=sums[ASK],
            near=list(zip(*near, strict=True)),
            quality=quality,
            present=[bid >= least and ask >= least for bid, ask in zip(*near, strict=True)],
            orders=self.orders,
        )

    def _weigh(self, reference: int, band: int, sums: list[list[int]], near: list[list[int]]) -> None:
        rules = self.rules
        oldest_ms = self.state.now_ms - rules.min_rest_ms
        for order in self.orders.values():
            if order.maker < 0 or order.size < rules.min_order_lots or order.placed_ms > oldest_ms:
                continue
            distance = abs(2 * order.price - reference)
            if distance < band:
                sums[order.side][order.maker] += order.size * weight_of(rules, distance=distance, band=band)
                near[order.side][order.maker] += order.size

    def _accrue(self, interval: Interval) -> None:
        if not interval.live:
            return
        score, kind = self.state.score, interval.kind
        dt = interval.end_ms - interval.start_ms
        score.live_ms[kind] += dt
        score.stress_ms += dt if interval.stressed else 0
        if not interval.reference:
            return
        for maker, present in enumerate(interval.present):
            score.present_ms[maker][kind] += dt if present else 0
        total = sum(interval.quality)
        if not total:
            return
        full = max(total, self.rules.target_lots * WEIGHT_ONE)
        for maker, quality in enumerate(interval.quality):
            credit = ((quality << SHARE_BITS) // full) * dt
            score.credit[maker][kind] += credit
            score.stress_credit[maker] += credit if interval.stressed else 0

    def _check_band(self, band: int) -> None:
        scale = self.rules.tick_scale
        if band >= BAND_BOUND * scale:
            what = f"the band is {band // scale} half-ticks and has to be below {BAND_BOUND}"
            raise TickTooSmallError(market=self.market, time_ms=self.state.now_ms, what=what)

    def _check_quality(self, total: int) -> None:
        target, scale = self.rules.target_lots * WEIGHT_ONE, self.rules.lot_scale
        for what, value in (("the quality of all makers", total), ("target_lots in millionths", target)):
            if value >= QUALITY_BOUND * scale:
                said = f"{what} is {value // scale} and has to be below 2^62"
                raise LotTooSmallError(market=self.market, time_ms=self.state.now_ms, what=said)
