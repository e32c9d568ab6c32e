"""A book of resting orders in the contract's raw units, and the market events that its changes are in ticks and lots.

Source: docs/spec/venues.md, Rules for every adapter: an order counts `remaining_raw // lot_raw` lots at all times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onchain.venues import config as read
from onchain.venues.base import Difference, Impossible
from onchain.venues.events import ASK, BID, CANCEL, PLACE, SIDES
from onchain.venues.logadapter import LogAdapter

MAX_INT64 = (1 << 63) - 1


class Resting:
    """An order in the book. price, size: raw units; lots: how many of it count in the market's events right now."""

    __slots__ = ("lots", "owner", "price", "side", "size")

    def __init__(self, owner: str, side: int, price: int, size: int, lots: int = 0) -> None:
        self.owner, self.side, self.price, self.size, self.lots = owner, side, price, size, lots


class BookAdapter(LogAdapter):
    """Base of adapters that keep a book of orders by id: a number, or a text that a state's JSON keeps as it is."""

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read tick_raw and lot_raw. Raises MarketConfigError."""
        super().__init__(config=config)
        self._tick = read.positive(config, "tick_raw")
        self._lot = read.positive(config, "lot_raw")
        self._orders: dict[Any, Resting] = {}

    def contract_state(self) -> dict[str, Any]:
        """Return the book as the contract stores it; ids, prices and sizes as decimal strings."""
        bid, ask = self._best()
        return {
            "orders": {
                str(order): {
                    "owner": resting.owner, "side": SIDES[resting.side], "price": str(resting.price),
                    "size": str(resting.size),
                }
                for order, resting in self._orders.items()
            },
            "best_bid": None if bid is None else str(bid),
            "best_ask": None if ask is None else str(ask),
        }  # fmt: skip

    def lots(self) -> dict[str, int]:
        """Return what the market's events add up to: lots by order, for orders that count at least one."""
        return {str(order): resting.lots for order, resting in self._orders.items() if resting.lots}

    def _best(self) -> tuple[int | None, int | None]:
        bids = [resting.price for resting in self._orders.values() if resting.side == BID]
        asks = [resting.price for resting in self._orders.values() if resting.side == ASK]
        return max(bids, default=None), min(asks, default=None)

    # --- changes -----------------------------------------------------------------------------------------------

    def _begin(self, order: Any, owner: str, side: int, price: int, size: int) -> Resting:
        """Let an order rest. Raises Impossible when the id is taken or the price is off the tick."""
        if order in self._orders:
            raise Impossible(f"order {order} begins to rest while it rests already")
        resting = self._orders[order] = Resting(owner, side, price, size)
        self._place(order, resting)
        return resting

    def _place(self, order: Any, resting: Resting) -> None:
        """Let the order's lots count from now on."""
        ticks = self._ticks(resting.price, resting.side)
        resting.lots = self._whole_lots(resting.size)
        if resting.lots:
            self._emit(PLACE, str(order), address=resting.owner, side=resting.side, price=ticks, size=resting.lots)

    def _shrink(self, order: Any, resting: Resting, left: int, kind: int, taker: str | None = None) -> None:
        """Take the order's size down to `left`; it goes on resting, even at nothing."""
        resting.size = left
        lots = left // self._lot
        if lots < resting.lots:
            self._emit(kind, str(order), size=resting.lots - lots, taker=taker)
            resting.lots = lots

    def _remove(self, order: Any, resting: Resting, kind: int, taker: str | None = None) -> None:
        """Take the whole order out of the book."""
        self._shrink(order, resting, 0, kind, taker)
        del self._orders[order]

    def _resize(self, order: Any, resting: Resting, size: int) -> None:
        """Change an order's size in place: a cancel of the difference, or of all and a place of the new size."""
        if size <= resting.size or self._whole_lots(size) == resting.lots:
            self._shrink(order, resting, size, CANCEL)
            return
        self._shrink(order, resting, 0, CANCEL)
        resting.size = size
        self._place(order, resting)

    def _resting(self, order: Any, what: str) -> Resting:
        """Return an order. Raises Impossible when it does not rest."""
        resting = self._orders.get(order)
        if resting is None:
            raise Impossible(f"order {order} is {what} and does not rest")
        return resting

    def _ticks(self, price: int, side: int) -> int:
        """Return a price in ticks. Raises Impossible when it is off the tick or beyond what a market event holds."""
        ticks, off = divmod(price, self._tick)
        if off:
            raise Impossible(f"the price {price} is no multiple of the market's tick of {self._tick}")
        if not 1 <= ticks <= MAX_INT64:
            raise Impossible(f"the price {price} is {ticks} ticks, out of a market's range")
        return ticks

    def _whole_lots(self, size: int) -> int:
        """Return a size in whole lots. Raises Impossible when it is beyond what a market event holds."""
        lots = size // self._lot
        if lots > MAX_INT64:
            raise Impossible(f"the size {size} is {lots} lots, out of a market's range")
        return lots

    # --- the state ---------------------------------------------------------------------------------------------

    def _save(self) -> Any:
        return {
            "orders": [
                [order, resting.owner, resting.side, resting.price, resting.size, resting.lots]
                for order, resting in self._orders.items()
            ]
        }

    def _load(self, state: Any) -> None:
        self._orders = {order: Resting(*fields) for order, *fields in state["orders"]}


def compare(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Difference]:
    """Return a Difference for every field whose values differ."""
    return [
        Difference(f"{name} of {what}", str(ours[name]), str(theirs[name]))
        for name in ours
        if ours[name] != theirs[name]
    ]
