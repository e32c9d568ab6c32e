"""When resting orders of GTE's book expire, the next one first."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from onchain.venues.gte.book import GteOrder

SPARE_ENTRIES = 1000


class Expiries:
    """The expiries of an adapter's orders, of which each comes up once."""

    def __init__(self, orders: dict[int, GteOrder]) -> None:
        self._orders = orders
        # (expiry, placing, order); entries of orders that are gone or changed are passed over
        self._entries: list[tuple[int, int, int]] = []

    def due(self, second: int) -> Iterator[tuple[int, GteOrder]]:
        """Yield the orders that count and whose expiry lies before `second`, by expiry and then by placing."""
        entries = self._entries
        while entries and entries[0][0] < second:
            expiry, placing, order = heappop(entries)
            resting = self._orders.get(order)
            if resting is not None and resting.placed == placing and resting.expiry == expiry and resting.lots:
                yield order, resting

    def add(self, order: int, resting: GteOrder, *, second: int) -> None:
        """Keep a stored order's expiry (its own, in seconds, not 0). second: the block's."""
        heappush(self._entries, (resting.expiry, resting.placed, order))
        # Orders that went before their expiry leave entries behind, some of them for years.
        if len(self._entries) > 2 * len(self._orders) + SPARE_ENTRIES:
            self.collect(second=second)

    def collect(self, *, second: int) -> None:
        """Keep what the stored orders say and nothing else; what expired before `second` has come up already."""
        self._entries = [(o.expiry, o.placed, order) for order, o in self._orders.items() if o.expiry >= second]
        heapify(self._entries)
