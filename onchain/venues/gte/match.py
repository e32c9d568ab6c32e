"""GTE's matching of one incoming order as the contract does it: by the head of the best level, in whole lots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from onchain.venues.events import BID
from onchain.venues.gte.book import GteOrder, Levels


class Taker(NamedTuple):
    """An incoming order. amount: base atoms, or quote atoms of a fill order that says so."""

    owner: str
    side: int
    price: int
    amount: int
    in_base: bool

    def reaches(self, price: int) -> bool:
        """Tell whether the order's limit allows a trade at that price."""
        return price <= self.price if self.side == BID else price >= self.price


class Match(NamedTuple):
    """What an incoming order got, in atoms, and what is left of its amount."""

    quote: int
    base: int
    left: int


def match(
    taker: Taker, *, orders: Mapping[int, GteOrder], levels: Levels, lot: int, base_size: int,
    expired: Callable[[GteOrder], bool], filled: Callable[[int, GteOrder, int, str], None],
    dropped: Callable[[int, GteOrder], None],
) -> Match:  # fmt: skip
    """Match until the limit, the amount, or a head that gives no whole lot; tell every fill and every expired order."""
    quote = base = 0
    left = taker.amount
    side = 1 - taker.side
    while left > 0:
        price = levels.best(side)
        if price is None or not taker.reaches(price):
            break
        order = levels.head(side, price)
        maker = orders.get(order)
        if maker is None:
            break  # the links lead nowhere: the contract finds an empty order, which gives nothing
        if expired(maker):
            dropped(order, maker)
            continue
        wanted = left if taker.in_base else left * base_size // price
        taken = min(maker.size, wanted) // lot * lot
        if taken == 0:
            break
        paid = taken * price // base_size
        if taker.in_base:
            left -= taken
        else:
            left -= paid if taken == maker.size else left
        quote += paid
        base += taken
        filled(order, maker, taken, taker.owner)
    return Match(quote, base, left)
