"""The demo exchange off the chain: operations as the contract takes them, and the book that they leave."""

from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

OWN = 2**48
"""The contract gives the orders that makers rest by themselves ids from here on."""
NOBODY = "0x" + "0" * 40
IDS_KEPT_BACK = 32
"""So many freed order ids wait before the oldest is given out again."""


class Kind(IntEnum):
    """What an operation does; the numbers are the contract's."""

    PLACE = 1
    CANCEL = 2
    FILL = 3
    MARK = 4
    HALT = 5
    RESUME = 6


class Op(NamedTuple):
    """One operation of the contract's `submit`: prices in ticks (a mark: half-ticks), sizes in lots."""

    kind: Kind
    market: int
    order: int = 0
    owner: str = NOBODY
    is_bid: bool = False
    price: int = 0
    size: int = 0


class Block(NamedTuple):
    """The operations of one block; consecutive blocks may carry the same second (whole seconds UTC)."""

    time_s: int
    ops: tuple[Op, ...]


class Resting(NamedTuple):
    """An order that rests: price in ticks, size in lots."""

    owner: str
    is_bid: bool
    price: int
    size: int


class Book:
    """One market's resting orders; every change is also written down as an operation.

    Order ids are given out again, oldest freed first. The chain recomputes its state over every id ever used, so a
    week with an id of its own for each order would take minutes to send.
    """

    def __init__(self, *, market: int, log: list[Op]) -> None:
        self.market = market
        self.halted = False
        self._log = log
        self._orders: dict[int, Resting] = {}
        self._of: dict[str, set[int]] = {}
        self._freed: deque[int] = deque()
        self._last_id = 0

    def place(self, *, owner: str, is_bid: bool, price: int, size: int) -> int:
        """Rest an order and return its id."""
        order = self._next_id()
        self._orders[order] = Resting(owner, is_bid, price, size)
        self._of.setdefault(owner, set()).add(order)
        self._log.append(Op(Kind.PLACE, self.market, order, owner, is_bid, price, size))
        return order

    def cancel(self, order: int, *, size: int = 0) -> None:
        """Take `size` lots of an order away, 0 for all that rests."""
        self._log.append(Op(Kind.CANCEL, self.market, order, size=size))
        self._take(order, size or self._orders[order].size)

    def fill(self, order: int, *, size: int, taker: str) -> None:
        """Trade `size` lots of an order against `taker`."""
        self._log.append(Op(Kind.FILL, self.market, order, owner=taker, size=size))
        self._take(order, size)

    def hear_placed(self, order: int, *, owner: str, is_bid: bool, price: int, size: int) -> None:
        """Note an order that its maker has rested on the chain by itself."""
        self._orders[order] = Resting(owner, is_bid, price, size)
        self._of.setdefault(owner, set()).add(order)

    def hear_cancelled(self, order: int, *, size: int) -> None:
        """Note what a maker has cancelled on the chain by itself; nothing when it is gone already."""
        if order in self._orders:
            self._take(order, min(size, self._orders[order].size))

    def mark(self, *, price2: int) -> None:
        """Publish the home exchange's price, in half-ticks."""
        self._log.append(Op(Kind.MARK, self.market, price=price2))

    def halt(self) -> None:
        """Stop trading."""
        self.halted = True
        self._log.append(Op(Kind.HALT, self.market))

    def resume(self) -> None:
        """Go on trading."""
        self.halted = False
        self._log.append(Op(Kind.RESUME, self.market))

    def __getitem__(self, order: int) -> Resting:
        return self._orders[order]

    def __contains__(self, order: int) -> bool:
        return order in self._orders

    def of(self, owner: str) -> list[int]:
        """Return the ids of an owner's resting orders, ascending."""
        return sorted(self._of.get(owner, ()))

    def best(self, *, is_bid: bool) -> int | None:
        """Return the order that trades first on a side: best price, then oldest."""
        side = [(order, resting.price) for order, resting in self._orders.items() if resting.is_bid == is_bid]
        if not side:
            return None
        # max and min keep the first of equals, and the orders are in order of age.
        pick = max if is_bid else min
        return pick(side, key=lambda entry: entry[1])[0]

    def best_price(self, *, is_bid: bool) -> int | None:
        """Return the best price of a side in ticks, None when nobody quotes it."""
        order = self.best(is_bid=is_bid)
        return None if order is None else self._orders[order].price

    def items(self) -> Iterator[tuple[int, Resting]]:
        """Walk the resting orders, oldest first."""
        return iter(self._orders.items())

    def _next_id(self) -> int:
        if len(self._freed) > IDS_KEPT_BACK:
            return self._freed.popleft()
        self._last_id += 1
        return self._last_id

    def _take(self, order: int, size: int) -> None:
        resting = self._orders[order]
        if size < resting.size:
            self._orders[order] = resting._replace(size=resting.size - size)
            return
        del self._orders[order]
        self._of[resting.owner].discard(order)
        if order < OWN:
            self._freed.append(order)
