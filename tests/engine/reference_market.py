"""Replays one market's events for the reference: at every instant the whole book is looked at again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.engine.reference_inputs import BrokenBundleError, Bundle

ONE_SHARE = 2**30
FULL_WEIGHT = 1_000_000
QUALITY_BOUND = 2**62
BAND_BOUND = 3_000_000


@dataclass
class Order:
    """What rests of one order: price in ticks, size in lots, and when it was placed."""

    owner: str
    side: str
    price: int
    lots: int
    placed_ms: int


@dataclass
class Tally:
    """What one market's replay leaves: credit by (maker, kind), times by kind, traded volume by maker."""

    credit: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    present_ms: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    stress_credit: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    live_ms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stress_ms: int = 0
    volume: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def times(number: int | Fraction | None, ratio: Fraction) -> Fraction | None:
    """A number that may be absent, times a ratio."""
    return None if number is None else number * ratio


class Replay:
    """Walks one market's events from instant to instant and tallies what each maker's orders were worth."""

    def __init__(self, bundle: Bundle, market: str) -> None:
        self.terms = bundle.terms["markets"][market]
        self.boosts = bundle.terms["boosts"]
        self.start, self.end = bundle.terms["epoch"]["start_ms"], bundle.terms["epoch"]["end_ms"]
        self.sessions, self.makers = bundle.sessions, bundle.makers
        self.events = [e for e in bundle.events if e["market"] == market and e["time_ms"] < self.end]
        self.splits = [row for row in bundle.splits if row["market"] == market]
        self.orders: dict[str, Order] = {}
        self.anchor: int | None = None
        self.halted = False
        self.stress_until: int | None = None
        # (start of the interval, its reference or None, whether it was halted), oldest first.
        self.history: list[tuple[int, int | None, bool]] = []
        self.last: dict[str, Any] | None = None
        self.tally = Tally()

    def run(self) -> Tally:
        """Intervals: applies all that is due at an instant, then lets the state count until the next one."""
        while self.events and self.events[0]["time_ms"] < self.start:
            self.apply(self.events.pop(0))
        now = self.start
        while now < self.end:
            while self.events and self.events[0]["time_ms"] <= now:
                self.apply(self.events.pop(0))
            reference = self.reference(self.kind_at(now))
            self.look_for_stress(now, reference)
            self.history.append((now, reference, self.halted))
            until = self.next_instant(now)
            self.count(now, until - now, reference)
            now = until
        return self.tally

    def kind_at(self, moment: int) -> str:
        """The kind of the session that begins at the moment or holds it."""
        return next(kind for start, end, kind in self.sessions if start <= moment < end)

    def next_instant(self, now: int) -> int:
        """Intervals: the first moment after now at which anything can change."""
        moments = [self.end]
        moments += [event["time_ms"] for event in self.events[:1]]
        moments += [end for _, end, _ in self.sessions]
        moments += [order.placed_ms + self.terms["min_rest_ms"] for order in self.orders.values()]
        moments += [self.stress_until] if self.stress_until is not None else []
        return min(moment for moment in moments if moment > now)

    # Splits

    def in_terms_units(self, event: dict[str, Any]) -> dict[str, Any]:
        """Splits: the event with its price and size as fractions in the units at the epoch's start."""
        event = dict(event)
        for split in self.splits:
            at, ratio = int(split["time_ms"]), Fraction(int(split["new"]), int(split["old"]))
            if self.start < at <= event["time_ms"]:
                event |= {"price": times(event["price"], ratio), "size": times(event["size"], 1 / ratio)}
            elif event["time_ms"] < at <= self.start:
                event |= {"price": times(event["price"], 1 / ratio), "size": times(event["size"], ratio)}
        return event

    # Events

    def apply(self, event: dict[str, Any]) -> None:
        """Inputs of one market: one event onto the book, the anchor or the halt state."""

        def broken(kind: str) -> BrokenBundleError:
            return BrokenBundleError(kind, block=event["block"], log_index=event["log_index"])

        last, self.last = self.last, event
        if last and (event["block"], event["log_index"]) <= (last["block"], last["log_index"]):
            raise broken("position_not_rising")
        if last and event["time_ms"] < last["time_ms"]:
            raise broken("time_decreases")
        kind = event["kind"]
        if self.splits:
            event = self.in_terms_units(event)
        if kind == "anchor":
            self.anchor = event["price"]
        elif kind in ("halt", "resume"):
            self.halted = kind == "halt"
        elif kind == "place":
            self.place(event, broken)
        else:
            self.take_away(event, broken)

    def place(self, event: dict[str, Any], broken: Callable[[str], BrokenBundleError]) -> None:
        """A new order; its id must not rest already."""
        if event["size"] is None or event["size"] <= 0:
            raise broken("size_below_one")
        if event["order"] in self.orders:
            raise broken("order_rests_already")
        self.orders[event["order"]] = Order(
            event["address"], event["side"], event["price"], event["size"], event["time_ms"]
        )

    def take_away(self, event: dict[str, Any], broken: Callable[[str], BrokenBundleError]) -> None:
        """A cancel or a fill; a cancel without a size takes all that rests."""
        size = event["size"]
        if (size is None and event["kind"] == "fill") or (size is not None and size <= 0):
            raise broken("size_below_one")
        order = self.orders.get(event["order"])
        if order is None:
            raise broken("unknown_order")
        size = order.lots if size is None else size
        if size > order.lots:
            raise broken("too_many_lots")
        if event["kind"] == "fill" and event["time_ms"] >= self.start:
            self.trade(order, size, event)
        order.lots -= size
        if order.lots == 0:
            del self.orders[event["order"]]

    def trade(self, order: Order, size: int, event: dict[str, Any]) -> None:
        """Payout of a market, fills: a stranger's fill of a maker's order counts, halted or not."""
        maker, taker = self.makers.get(order.owner), self.makers.get(event["taker"])
        if maker is not None and taker != maker:
            self.tally.volume[maker] += size * order.price * self.boosts[self.kind_at(event["time_ms"])]

    # State

    def reference(self, kind: str) -> int | None:
        """Reference, in half-ticks: every resting lot counts; None when the book is dark."""
        bid, ask = self.touch("bid"), self.touch("ask")
        if bid is None or ask is None or bid >= ask:
            return None
        mid2 = bid + ask
        if self.anchor is None:
            return mid2
        c = self.anchor * self.terms["clamp_bps"][kind] // 10000
        return min(max(mid2, self.anchor - c), self.anchor + c)

    def touch(self, side: str) -> int | None:
        """The best price of a side at which the lots there and better reach the reference depth."""
        total = 0
        orders = [order for order in self.orders.values() if order.side == side]
        for order in sorted(orders, key=lambda order: order.price, reverse=side == "bid"):
            total += order.lots
            if total >= self.terms["reference_depth_lots"]:
                return order.price
        return None

    def look_for_stress(self, now: int, reference: int | None) -> None:
        """Stress windows: a move of the reference against the one a window ago starts or extends one."""
        stress = self.terms.get("stress")
        before = self.history[-1][1] if self.history else None
        if stress is None or self.halted or reference is None or reference == before:
            return
        then = self.reference_held_at(now - stress["window_ms"])
        if then is not None and abs(reference - then) * 10000 >= stress["move_bps"] * then:
            self.stress_until = now + stress["hold_ms"]

    def reference_held_at(self, moment: int) -> int | None:
        """The reference of the interval that holds the moment; None before E0, in the dark, in a halt."""
        for start, reference, halted in reversed(self.history):
            if start <= moment:
                return None if halted else reference
        return None

    def in_stress(self, now: int) -> bool:
        """Whether the interval that starts now lies in a stress window."""
        return self.stress_until is not None and now < self.stress_until

    def band(self, now: int, reference: int) -> int:
        """Weight of an order: the band `v` in half-ticks, widened in a stress window."""
        v = reference * self.terms["max_spread_bps"][self.kind_at(now)] // 10000
        return v * self.terms["stress"]["widen_pct"] // 100 if self.in_stress(now) else v

    def weight(self, s: int, v: int) -> int:
        """Weight of an order at the distance `s` in the band `v`, both in half-ticks."""
        if v <= 0 or s >= v:
            return 0
        curve = self.terms["curve"]
        if curve["kind"] == "quadratic":
            return (v - s) * (v - s) * FULL_WEIGHT // (v * v)
        if curve["kind"] == "linear":
            return (v - s) * FULL_WEIGHT // v
        return next((weight for fraction, weight in curve["steps"] if s * 1_000_000 <= fraction * v), 0)

    def counting(self, now: int) -> list[tuple[str, Order]]:
        """Weight of an order: the enrolled, large and old enough orders with their makers."""
        return [
            (self.makers[order.owner], order)
            for order in self.orders.values()
            if order.owner in self.makers
            and order.lots >= self.terms["min_order_lots"]
            and now - order.placed_ms >= self.terms["min_rest_ms"]
        ]

    def quality(self, now: int, reference: int, v: int) -> dict[str, int]:
        """Quality of a maker: Q of every maker with a counting order."""
        sides: dict[str, dict[str, int]] = defaultdict(lambda: {"bid": 0, "ask": 0})
        for maker, order in self.counting(now):
            sides[maker][order.side] += order.lots * self.weight(abs(2 * order.price - reference), v)
        divisor = self.terms["two_sided_divisor"]
        if divisor == 0:
            return {maker: min(side["bid"], side["ask"]) for maker, side in sides.items()}
        return {
            maker: max(min(side["bid"], side["ask"]), max(side["bid"], side["ask"]) // divisor)
            for maker, side in sides.items()
        }

    def present(self, now: int, reference: int, v: int) -> list[str]:
        """Quality of a maker: the makers with enough lots inside the band on each side."""
        lots: dict[tuple[str, str], int] = defaultdict(int)
        for maker, order in self.counting(now):
            if abs(2 * order.price - reference) < v:
                lots[maker, order.side] += order.lots
        enough = self.terms["presence_lots"]
        return [
            maker
            for maker in set(self.makers.values())
            if lots[maker, "bid"] >= enough and lots[maker, "ask"] >= enough
        ]

    def count(self, now: int, dt: int, reference: int | None) -> None:
        """Credit: what the state that holds from now on for `dt` milliseconds adds."""
        if self.halted:
            return
        kind = self.kind_at(now)
        self.tally.live_ms[kind] += dt
        if self.in_stress(now):
            self.tally.stress_ms += dt
        if reference is None:
            return
        v = self.band(now, reference)
        if v >= BAND_BOUND:
            raise BrokenBundleError("tick_too_small")
        quality = self.quality(now, reference, v)
        together, target = sum(quality.values()), self.terms["target_lots"] * FULL_WEIGHT
        if together >= QUALITY_BOUND or target >= QUALITY_BOUND:
            raise BrokenBundleError("lot_too_small")
        for maker in self.present(now, reference, v):
            self.tally.present_ms[maker, kind] += dt
        if together == 0:
            return
        for maker, q in quality.items():
            share = q * ONE_SHARE // max(together, target)
            self.tally.credit[maker, kind] += share * dt
            if self.in_stress(now):
                self.tally.stress_credit[maker] += share * dt
