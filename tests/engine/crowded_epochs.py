"""Draws short epochs in which everything falls on the same few milliseconds and numbers pass in and out of 64 bits.

What the random and extreme epochs do not draw: many events in a millisecond on either side of the epoch's start, its
sessions' borders, due times and ends of stress windows; sessions that begin before the epoch and end after it;
anchors, prices and strangers' sizes up to the largest int64 that come and go within one epoch.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from tests.engine.random_epochs import KINDS, Epoch, address, by_kind, draw_people, draw_terms, number, write_epoch
from tests.engine.random_walk import LARGEST, new_event

PRICES = (30, 100, 100, 1000, 10**6, 10**10, 2**47, 2**60, 2**62)


def draw_crowded(rng: Random) -> Epoch:
    """An epoch of at most a second, of one market."""
    terms = draw_terms(rng)
    length_ms = rng.choice((10, 30, 100, 300, 1000))
    start_ms = rng.choice((0, 1000, 1_790_000_000_000, 2**53 - 2000))
    terms["epoch"] |= {"start_ms": start_ms, "end_ms": start_ms + length_ms}
    market, rule = next(iter(terms["markets"].items()))
    price = rng.choice(PRICES)
    terms["markets"] = {market: rule | draw_rule(rng, rule, price, length_ms)}
    epoch = draw_people(rng, terms)
    epoch.payouts = [(name, address(rng), 1_000_000) for name in sorted({name for name, _, _ in epoch.payouts})]
    epoch.sessions = draw_sessions(rng, start_ms, start_ms + length_ms)
    times = draw_times(rng, epoch, terms["markets"][market])
    epoch.events = Crowd(rng, market, terms["markets"][market], [each for each, _ in epoch.makers], price).run(times)
    number(rng, epoch.events)
    return epoch


def draw_rule(rng: Random, rule: dict[str, Any], price: int, length_ms: int) -> dict[str, Any]:
    """What is shorter, nearer to its bound or larger than usual in the market's terms."""
    spreads = (0,) if price > 10**7 else (100, 1000) if price > 10**5 else (1000, 3000, 10_000)
    spreads = (0,) if rng.random() < 0.4 else spreads
    changes: dict[str, Any] = {
        "min_rest_ms": rng.choice((0, 0, 1, 2, 5, 10, rng.choice((length_ms, length_ms + 1, LARGEST)))),
        "reference_depth_lots": rng.choice((1, 1, 2, 5, 10, 2**40 if rng.random() < 0.2 else 3)),
        "min_order_lots": rng.choice((1, 1, 2, 5)),
        "presence_lots": rng.choice((1, 2, 5, 10)),
        "target_lots": rng.choice((0, 0, 1, 5, 100, 2**60 // 10**6 + 1 if rng.random() < 0.2 else 20)),
        "two_sided_divisor": rng.choice((0, 1, 2, 3, 2**30 - 1, 2**30, LARGEST)),
        "max_spread_bps": by_kind(rng, spreads),
        "clamp_bps": by_kind(rng, rng.choice(((0,), (0, 500), (10_000,), (0, 10_000)))),
    }
    if "stress" in rule:
        windows = {name: rng.choice((1, 2, 5, 10, 30, LARGEST)) for name in ("window_ms", "hold_ms")}
        changes["stress"] = windows | {
            "move_bps": rng.choice((1, 5, 200, 10_000)),
            "widen_pct": rng.choice((100, 101, 200, LARGEST if rng.random() < 0.2 else 150)),
            "full_ms": rng.choice((0, 50)),
        }
    return changes


def draw_sessions(rng: Random, start_ms: int, end_ms: int) -> list[tuple[int, int, str]]:
    """Sessions that may begin before the epoch and end after it."""
    cuts = {rng.randrange(start_ms + 1, end_ms) for _ in range(rng.choice((0, 1, 2, 5)))}
    first = max(0, start_ms - rng.choice((0, 0, 1, 10**6)))
    last = end_ms + rng.choice((0, 0, 1, 10**9))
    return [(start, end, rng.choice(KINDS)) for start, end in pairwise([first, *sorted(cuts), last])]


def draw_times(rng: Random, epoch: Epoch, rule: dict[str, Any]) -> list[int]:
    """Times on a coarse grid, at the edges, and at what is due because of other times."""
    start_ms, end_ms = epoch.terms["epoch"]["start_ms"], epoch.terms["epoch"]["end_ms"]
    edges = [edge + by for edge in (start_ms, end_ms, *(end for _, end, _ in epoch.sessions)) for by in (-1, 0, 1)]
    step = rng.choice((1, 1, 5, 25))
    grid = [rng.randrange(start_ms, end_ms, step) for _ in range(rng.choice((5, 20, 60, 100)))]
    times = [*grid, *rng.choices(edges, k=len(grid) // 3), *(start_ms - rng.choice((1, 2, 50)) for _ in grid[::4])]
    due = [rule["min_rest_ms"], *(rule.get("stress", {}).get(name, 0) for name in ("window_ms", "hold_ms"))]
    times += [at + rng.choice(due) for at in rng.sample(times, len(times) // 4)]
    return sorted(at for at in times if at <= end_ms + 9)


class Crowd:
    """Orders of makers and strangers around a middle, under few ids, so that an id comes again soon."""

    def __init__(self, rng: Random, market: str, rule: dict[str, Any], makers: list[str], middle: int) -> None:
        self.rng, self.market, self.rule, self.makers, self.middle = rng, market, rule, makers, middle
        self.ids = [f"o{each}" for each in range(rng.choice((6, 20, 100)))]
        self.stranger = address(rng)
        self.rests: dict[str, tuple[int, str]] = {}
        self.huge = rng.choice((0, 0, 0.05, 0.2)) if set(rule["max_spread_bps"].values()) == {0} else 0
        self.places = (middle, 2**47, 2**50, 2**61)
        self.leaving: list[str] = []

    def run(self, times: list[int]) -> list[dict[str, Any]]:
        """One event at each of the times."""
        drawn = [(at, *self.event()) for at in times]
        return [new_event(self.market, at, kind, **columns) for at, kind, columns in drawn]

    def event(self) -> tuple[str, dict[str, Any]]:
        """The next event's kind and columns."""
        rng = self.rng
        if rng.random() < 0.03:
            self.middle = min(2**62, max(2, self.middle * rng.choice((98, 99, 101, 102, 130)) // 100))
        kind = rng.choices(("place", "cancel", "fill", "anchor", "halt", "resume"), (9, 2, 2, 0.5, 0.05, 0.6))[0]
        if rng.random() < self.huge / 4:  # everybody leaves and comes back elsewhere
            self.middle, self.leaving = rng.choice(self.places), list(self.rests)
        while self.leaving:
            if (order := self.leaving.pop()) in self.rests:
                del self.rests[order]
                return "cancel", {"order": order}
        free = [each for each in self.ids if each not in self.rests]
        if kind == "place" and free:
            return kind, self.place(free[0])
        if kind in ("place", "cancel", "fill"):
            return self.reduce("fill" if kind == "fill" else "cancel") if self.rests else ("resume", {})
        huge = rng.choice((2**48, 2**50 - 1, 93 * 10**13, 2**61, LARGEST))
        near = 2 * self.middle + rng.choice((-1, 0, 1, self.middle // 10))
        price = {"price": huge if rng.random() < self.huge else min(near, LARGEST)} if kind == "anchor" else {}
        return kind, price

    def place(self, order: str) -> dict[str, Any]:
        """A new order, mostly off the middle, of a size at one of the limits or any."""
        rng, rule = self.rng, self.rule
        owner = self.stranger if rng.random() < 0.2 or not self.makers else rng.choice(self.makers)
        away = (1 + rng.randrange(3) + int(rng.random() * self.middle) // 40) * (-1 if rng.random() < 0.02 else 1)
        side = rng.choice(("bid", "ask"))
        limits = [rule[name] for name in ("min_order_lots", "presence_lots", "reference_depth_lots")]
        size = max(1, rng.choice((*limits, 20)) + rng.choice((-1, 0, 0, 1)))
        price = self.middle - away if side == "bid" else self.middle + away
        if rng.random() < self.huge:
            price, size = rng.choice((price, 2**60 - 1, 2**60, 2**62, LARGEST)), rng.choice((size, 2**40, 2**62))
        self.rests[order] = (size, owner)
        return {"order": order, "address": owner, "side": side, "price": min(max(1, price), LARGEST), "size": size}

    def reduce(self, kind: str) -> tuple[str, dict[str, Any]]:
        """A cancel or fill of an order that rests: of all, of a part, or down to the least that counts."""
        rng = self.rng
        order, (rests, owner) = rng.choice(list(self.rests.items()))
        size = rng.choice((rests, rng.randint(1, rests), max(1, rests - self.rule["min_order_lots"] + 1)))
        size = min(size, rests)
        columns: dict[str, Any] = {"order": order, "size": size}
        if kind == "fill":
            columns["taker"] = rng.choice((self.stranger, owner, *self.makers[:2]))
        elif size == rests and rng.random() < 0.7:
            columns["size"] = None
        self.rests[order] = (rests - size, owner)
        if size == rests:
            del self.rests[order]
        return kind, columns


def write_crowded_bundle(directory: Path, seed: int) -> None:
    """Writes the inputs of the crowded epoch of that seed."""
    write_epoch(directory, draw_crowded(Random(seed)))
