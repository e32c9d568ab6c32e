"""GTE's price levels as the contract links them, with the broken links of its published code or with mended ones.

At the published commit an order's link to the one before it never reaches storage. Taking an order out of the middle of
a queue then orphans all that stand before it, taking out the last one leaves a level that nobody can trade with, and a
stale link may lead to an order that is gone or now rests elsewhere. What a taker really gets follows from those links,
so they are kept here exactly as the contract keeps them.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any

from onchain.venues.bookadapter import Resting
from onchain.venues.events import BID

NONE = 0


class GteOrder(Resting):
    """An order with its links and its expiry (seconds; 0 for never). An order lasts through its expiry's second."""

    __slots__ = ("before", "expiry", "next", "placed")

    def __init__(self, owner: str, side: int, price: int, size: int, lots: int = 0) -> None:
        super().__init__(owner, side, price, size, lots)
        self.expiry = 0
        self.before = NONE
        self.next = NONE
        self.placed = 0


class Level:
    """A price level: how many orders are stored at its price, and the ends of the queue that a taker walks."""

    __slots__ = ("count", "head", "tail")

    def __init__(self, count: int, head: int, tail: int) -> None:
        self.count, self.head, self.tail = count, head, tail


class Levels:
    """Both sides' levels over the adapter's orders. `mended`: links backwards are stored."""

    def __init__(self, orders: dict[int, GteOrder], *, mended: bool) -> None:
        self._orders, self._mended = orders, mended
        self._at: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
        # Prices, the best first; one that has no level any more is dropped when it comes to the top.
        self._prices: tuple[list[int], list[int]] = ([], [])

    def best(self, side: int) -> int | None:
        """Return the best price of a side that has a level, whether or not a taker can trade there."""
        prices, levels = self._prices[side], self._at[side]
        while prices:
            price = -prices[0] if side == BID else prices[0]
            if price in levels:
                return price
            heappop(prices)
        return None

    def head(self, side: int, price: int) -> int:
        """Return the id at the head of a level's queue; NONE when the links lead nowhere."""
        return self._at[side][price].head

    def counts(self) -> tuple[int, int]:
        """Return how many bids and asks are stored."""
        bids, asks = (sum(level.count for level in side.values()) for side in self._at)
        return bids, asks

    def levels(self, side: int) -> dict[int, tuple[int, int, int]]:
        """Return (count, head, tail) by price."""
        return {price: (level.count, level.head, level.tail) for price, level in self._at[side].items()}

    def append(self, order: int, resting: GteOrder) -> None:
        """Link an order that is stored already at the tail of its level."""
        resting.before = resting.next = NONE
        levels = self._at[resting.side]
        level = levels.get(resting.price)
        if level is None:
            level = levels[resting.price] = Level(0, NONE, NONE)
            heappush(self._prices[resting.side], -resting.price if resting.side == BID else resting.price)
        level.count += 1
        if level.head == NONE:
            level.head = level.tail = order
            return
        last = self._orders.get(level.tail)
        if last is not None:
            last.next = order
            if self._mended:
                resting.before = level.tail
        level.tail = order

    def remove(self, resting: GteOrder) -> None:
        """Unlink an order."""
        levels = self._at[resting.side]
        level = levels[resting.price]
        if level.count == 1:
            del levels[resting.price]
            return
        level.count -= 1
        before, after = self._orders.get(resting.before), self._orders.get(resting.next)
        if resting.before != NONE:
            if before is not None:
                before.next = resting.next
        else:
            level.head = resting.next
        if resting.next != NONE:
            if after is not None:
                after.before = resting.before
        else:
            level.tail = resting.before

    def save(self) -> Any:
        """Return JSON values."""
        return [[[price, level.count, level.head, level.tail] for price, level in side.items()] for side in self._at]

    def load(self, state: Any) -> None:
        """Take what `save` returned."""
        for side, stored in enumerate(state):
            self._at[side].clear()
            self._at[side].update({price: Level(*fields) for price, *fields in stored})
            self._prices[side][:] = [-price if side == BID else price for price in self._at[side]]
            heapify(self._prices[side])
