"""Computes a market's statistics a second time, from the written rule and docs/statistics.md alone, in plain Python."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.engine.reference_inputs import Bundle
from tests.engine.reference_market import ONE_SHARE, Order, Replay

FIVE_MINUTES = 300_000
DEPTHS_BPS = (10, 25, 50, 100)


class WatchedReference(Replay):
    """The reference's replay, which writes down every interval's figures by (cell, maker), and by cell.

    Sums are exact: integers and fractions, each multiplied by milliseconds.
    """

    def __init__(self, bundle: Bundle, market: str) -> None:
        super().__init__(bundle, market)
        self.names = sorted(set(self.makers.values()), key=str.encode)
        whole_minutes = range(self.start // FIVE_MINUTES * FIVE_MINUTES, self.end, FIVE_MINUTES)
        inner = {
            cut for cut in (*whole_minutes, *(start for start, _, _ in self.sessions)) if self.start < cut < self.end
        }
        self.starts = [self.start, *sorted(inner)]
        self.ends = [*self.starts[1:], self.end]
        self.sums: dict[tuple[int, str], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
        self.market_sums: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
        self.intervals: list[tuple[int, int, dict[str, int], set[str], bool]] = []

    def cell_at(self, moment: int) -> int:
        return bisect_right(self.starts, moment) - 1

    def trade(self, order: Order, size: int, event: dict[str, Any]) -> None:
        super().trade(order, size, event)
        maker, taker = self.makers.get(order.owner), self.makers.get(event["taker"])
        if maker is not None and maker != taker:
            self.sums[self.cell_at(event["time_ms"]), maker]["volume"] += size * order.price

    def count(self, now: int, dt: int, reference: int | None) -> None:
        super().count(now, dt, reference)
        figures = {maker: dict(self.figures(maker, now, reference)) for maker in self.names}
        market = dict(self.market_figures(now, reference))
        at = now
        while at < now + dt:
            cell = self.cell_at(at)
            until = min(now + dt, self.ends[cell])
            for maker, row in figures.items():
                for name, value in row.items():
                    self.sums[cell, maker][name] += value * (until - at)
            for name, value in market.items():
                self.market_sums[cell][name] += value * (until - at)
            at = until

    def market_figures(self, now: int, reference: int | None) -> Iterator[tuple[str, Any]]:
        if self.halted:
            yield "halted_ms", 1
            return
        yield "stress_ms", int(self.in_stress(now))
        if reference is None:
            yield "dark_ms", 1
            return
        yield "lit_ms", 1
        yield "reference", reference
        yield "band_bps", Fraction(10_000 * self.band(now, reference), reference)
        yield "book_spread_bps", Fraction(20_000 * (self.touch("ask") - self.touch("bid")), reference)
        yield "quality", sum(self.quality(now, reference, self.band(now, reference)).values())

    def figures(self, maker: str, now: int, reference: int | None) -> Iterator[tuple[str, Any]]:
        own = [order for order in self.orders.values() if self.makers.get(order.owner) == maker]
        if self.halted or reference is None:
            word = "halted" if self.halted else "dark"
            yield f"{word}_ms", 1
            yield f"order_{word}_ms", len(own)
            return
        band = self.band(now, reference)
        qualities = self.quality(now, reference, band)
        quality = qualities.get(maker, 0)
        yield "quality", quality
        total = max(sum(qualities.values()), self.terms["target_lots"] * 1_000_000)
        share = quality * ONE_SHARE // total if quality else 0
        yield "credit", share
        yield "stress_credit", share if self.in_stress(now) else 0
        yield "present_ms", int(maker in self.present(now, reference, band))
        ripe = [order for name, order in self.counting(now) if name == maker]
        yield from self.depths(ripe, reference)
        fates = [self.fate(order, now, reference, band) for order in own]
        for fate in ("counting", "too_small", "too_young", "too_far"):
            yield f"order_{fate}_ms", fates.count(fate)
        sides = {order.side for order, fate in zip(own, fates, strict=True) if fate == "counting"}
        if quality:
            yield "counting_ms", 1
            yield "single_side_ms", int(len(sides) == 1)
        elif not own:
            yield "no_quotes_ms", 1
        elif sides:
            yield "one_sided_ms", 1
        else:
            reached = next(fate for fate in ("too_far", "too_young", "too_small") if fate in fates)
            yield f"{reached}_ms", 1

    def fate(self, order: Order, now: int, reference: int, band: int) -> str:
        """What an order is, in the order in which the rule asks."""
        if order.lots < self.terms["min_order_lots"]:
            return "too_small"
        if now - order.placed_ms < self.terms["min_rest_ms"]:
            return "too_young"
        return "counting" if self.weight(abs(2 * order.price - reference), band) else "too_far"

    def depths(self, ripe: list[Order], reference: int) -> Iterator[tuple[str, Any]]:
        best = {}
        for side, pick in (("bid", max), ("ask", min)):
            orders = [order for order in ripe if order.side == side]
            for bps in DEPTHS_BPS:
                near = [
                    each.lots for each in orders if Fraction(abs(2 * each.price - reference), reference) * 10_000 <= bps
                ]
                yield f"{side}_depth_{bps}_bps", sum(near)
            if orders:
                best[side] = pick(order.price for order in orders)
                yield f"{side}_ms", 1
                gap = (reference - 2 * best[side]) * (1 if side == "bid" else -1)
                yield f"{side}_distance_bps", Fraction(gap * 10_000, reference)
        if len(best) == 2:
            yield "two_sided_ms", 1
            yield "spread_bps", Fraction(20_000 * (best["ask"] - best["bid"]), reference)
