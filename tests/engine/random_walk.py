"""Walks one market's book at random; its events make sense: known ids, lots that rest, mostly uncrossed sides.

Times are drawn towards the awkward ones: ends of sessions, of minimum rests and of stress windows, the epoch's
first and last moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

LARGEST = 2**63 - 1
POSITION = ("market", "block", "log_index", "time_ms", "kind")
EVENT = (*POSITION, "order", "address", "side", "price", "size", "taker")


def new_event(market: str, time_ms: int, kind: str, **columns: Any) -> dict[str, Any]:
    """An event without a position; columns that are not given are null."""
    return dict.fromkeys(EVENT) | {"market": market, "time_ms": time_ms, "kind": kind} | columns


class Walk:
    """One market's walk: `mid` is the middle in ticks; quotes move by the `band`, the middle by a `step`."""

    def __init__(
        self,
        rng: Random,
        *,
        market: str,
        rule: Mapping[str, Any],
        maker_of: Mapping[str, str],
        strangers: Sequence[str],
        edges_ms: Sequence[int],
        count: int,
        base_price: int | None = None,
        lots_scale: int = 1,
    ) -> None:
        self.rng, self.market, self.rule, self.count, self.scale = rng, market, rule, count, lots_scale
        self.maker_of, self.strangers = dict(maker_of), list(strangers)
        self.clusters: dict[str, list[str]] = {}
        for owner, maker in maker_of.items():
            self.clusters.setdefault(maker, []).append(owner)
        self.mid = base_price or rng.choice((30, 400, 2_000, 20_000, 300_000))
        self.step = max(1, self.mid * rng.choice((5, 20, 60)) // 10000)
        self.band = max(2, self.mid * sorted(rule["max_spread_bps"].values())[2] // 10000)
        self.start, self.end = edges_ms[0], edges_ms[-1]
        self.gap_ms = (self.end - self.start) / count
        self.now = self.start - int(rng.choice((0, 1, 5, 20)) * self.gap_ms)
        self.edges = list(edges_ms)
        self.awkward = [*edges_ms, self.end - 1]
        self.round_anchor = 2 * self.mid // 10000 * 10000 or 2 * self.mid
        self.resting: dict[str, dict[str, Any]] = {}
        self.free_ids: list[str] = []
        self.next_id = 0
        self.halted = False
        self.events: list[dict[str, Any]] = []

    def run(self) -> list[dict[str, Any]]:
        """The events, from before the epoch's start to a little after its end."""
        acts: dict[Callable[[], None], int] = {
            self.quote: 34,
            self.place_any: 12,
            self.deepen: 16,
            self.cancel_any: 12,
            self.fill_any: 14,
            self.drift: 12,
            self.jump: 4,
            self.blink: 3,
            self.anchor: 10,
            self.sweep: 1,
            self.halt_or_resume: 3,
        }
        while self.now < self.end + 2 * self.gap_ms and len(self.events) < 4 * self.count:
            if self.now in self.edges and self.rng.random() < 0.5:
                self.fill_any()
            self.rng.choices(list(acts), list(acts.values()))[0]()
            self.now = self.next_time()
        return self.events

    def next_time(self) -> int:
        """The next event's time: the same, an awkward one that is near, or any."""
        if self.rng.random() < 0.2:
            return self.now
        far = self.now + 4 * self.gap_ms
        near = [moment for moment in self.awkward if self.now < moment < far]
        if near and self.rng.random() < 0.4:
            return self.rng.choice(near)
        return self.now + 1 + int(self.rng.expovariate(1 / self.gap_ms))

    def add(self, kind: str, **columns: Any) -> None:
        """Writes an event down and remembers the moments at which it will matter again."""
        self.events.append(new_event(self.market, self.now, kind, **columns))
        self.awkward.append(self.now + self.rule["min_rest_ms"])
        if "stress" in self.rule:
            self.awkward += [self.now + self.rule["stress"][name] for name in ("window_ms", "hold_ms")]

    # What happens to single orders

    def place(self, owner: str, side: str, price: int, lots: int) -> None:
        """A place event; a free id is sometimes used again."""
        if self.free_ids and self.rng.random() < 0.3:
            order = self.free_ids.pop(self.rng.randrange(len(self.free_ids)))
        else:
            self.next_id += 1
            order = str(self.next_id)
        price = min(max(1, price), LARGEST)
        self.resting[order] = {"owner": owner, "side": side, "price": price, "lots": lots}
        self.add("place", order=order, address=owner, side=side, price=price, size=lots)

    def take(self, kind: str, order: str, **columns: Any) -> None:
        """A cancel or fill of all or a part of an order."""
        rests = self.resting[order]
        lots = self.rng.randint(1, rests["lots"])
        if lots == rests["lots"] or self.rng.random() < 0.5:
            self.take_all(kind, order, **columns)
            return
        self.add(kind, order=order, size=lots, **columns)
        rests["lots"] -= lots

    def take_all(self, kind: str, order: str, **columns: Any) -> None:
        """A cancel or fill of all that rests of an order; a cancel mostly without a size."""
        lots = self.resting.pop(order)["lots"]
        unsaid = kind == "cancel" and self.rng.random() < 0.7
        self.add(kind, order=order, size=None if unsaid else lots, **columns)
        self.free_ids.append(order)

    def lots(self) -> int:
        """A size around the rule's limits."""
        low = self.rule["min_order_lots"]
        small = max(1, self.rng.choice((1, low - 1, low, low + 1, 12, 25, 60, self.rule["presence_lots"])))
        return small if self.scale == 1 else min(small * self.scale + self.rng.randint(-9, 9), LARGEST)

    def price(self, side: str) -> int:
        """A price on the right side of the middle, seldom outside the band."""
        away = self.rng.randint(0, max(1, self.rng.choice((1, 3, 4, 5)) * self.band // 4))
        return self.mid - away if side == "bid" else self.mid + 1 + away

    def any_owner(self) -> str:
        """An address, enrolled or not."""
        return self.rng.choice(self.strangers + list(self.maker_of))

    def side_lots(self, side: str) -> int:
        """What rests on a side."""
        return sum(order["lots"] for order in self.resting.values() if order["side"] == side)

    # Acts

    def quote(self) -> None:
        """A maker quotes both sides, from whichever of its addresses."""
        cluster = self.rng.choice(list(self.clusters.values()))
        for side in ("bid", "ask"):
            self.place(self.rng.choice(cluster), side, self.price(side), self.lots())

    def place_any(self) -> None:
        """Anyone places one order, now and then on the wrong side of the middle."""
        side = self.rng.choice(("bid", "ask"))
        wrong = {"bid": "ask", "ask": "bid"}[side]
        self.place(self.any_owner(), side, self.price(wrong if self.rng.random() < 0.06 else side), self.lots())

    def deepen(self) -> None:
        """Gives every side that is too thin for a reference enough lots; adds an order when none is."""
        thin = [s for s in ("bid", "ask") if self.side_lots(s) < self.rule["reference_depth_lots"]]
        for side in thin or [self.rng.choice(("bid", "ask"))]:
            self.place(self.any_owner(), side, self.price(side), self.rule["reference_depth_lots"])

    def cancel_any(self) -> None:
        """Someone takes lots away."""
        if self.resting:
            self.take("cancel", self.rng.choice(list(self.resting)))

    def fill_any(self) -> None:
        """Someone trades: a stranger, another maker, or the owner's own cluster."""
        for _ in range(min(len(self.resting), self.rng.choice((1, 1, 2)))):
            order = self.rng.choice(list(self.resting))
            owner = self.resting[order]["owner"]
            own = self.clusters.get(self.maker_of.get(owner, ""), [owner])
            taker = self.rng.choice(own) if self.rng.random() < 0.3 else self.any_owner()
            self.take("fill", order, taker=taker)

    def drift(self) -> None:
        """The middle moves a little and someone quotes there."""
        self.mid = max(2, self.mid + self.rng.randint(-self.step, self.step))
        self.clear_the_way()
        self.quote()

    def jump(self) -> None:
        """The middle jumps by about what stress needs; the far side is taken away and the market requotes."""
        bps = self.rule.get("stress", {}).get("move_bps", 20) * self.rng.choice((1, 2, 3)) + 1
        self.mid = max(2, self.mid + self.rng.choice((-1, 1)) * max(1, self.mid * bps // 10000))
        self.clear_the_way()
        self.deepen()
        self.quote()

    def clear_the_way(self) -> None:
        """Takes away most orders that the middle has passed: books are crossed sometimes, not always."""
        for order, rests in list(self.resting.items()):
            passed = rests["price"] > self.mid if rests["side"] == "bid" else rests["price"] <= self.mid
            if passed and self.rng.random() < 0.9:
                self.take_all("cancel", order)

    def blink(self) -> None:
        """A side goes and comes back as it was, mostly after a jump: dark between two equal references."""
        if self.rng.random() < 0.6:
            self.jump()
            self.now = self.next_time()
        side = self.rng.choice(("bid", "ask"))
        gone = [(order, rests) for order, rests in self.resting.items() if rests["side"] == side]
        for order, _ in gone:
            self.take_all("cancel", order)
        self.now = self.next_time()
        for _, rests in gone:
            self.place(rests["owner"], side, rests["price"], rests["lots"])

    def anchor(self) -> None:
        """An external price about the middle, or from a round one exactly what triggers stress away."""
        reach = max(1, self.mid * max(self.rule["clamp_bps"].values()) // 10000)
        price = 2 * self.mid + self.rng.randint(-2 * reach, 2 * reach) // 3
        if self.rng.random() < 0.5:
            move_bps = self.rule.get("stress", {}).get("move_bps", 20)
            price = self.round_anchor * (10000 + self.rng.choice((-1, 0, 0, 1)) * move_bps) // 10000
        self.add("anchor", price=min(max(1, price), LARGEST))

    def sweep(self) -> None:
        """One side goes, most often wholly: the book is dark."""
        side = self.rng.choice(("bid", "ask"))
        for order in [order for order, rests in self.resting.items() if rests["side"] == side]:
            self.take("cancel", order)

    def halt_or_resume(self) -> None:
        """A halt in which the market moves, mostly with its end; each now and then twice in a row."""
        self.say("resume" if self.halted else "halt")
        if self.halted and self.rng.random() < 0.8:
            self.fill_any()
            self.rng.choice((self.jump, self.blink, self.quote))()
            self.now = self.next_time()
            self.say("resume")

    def say(self, kind: str) -> None:
        """A halt or a resume, and perhaps another one that changes nothing."""
        self.halted = kind == "halt"
        for _ in range(self.rng.choice((1, 1, 2))):
            self.add(kind)
