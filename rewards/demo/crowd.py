"""Everybody else: strangers whose orders rest in the book, and those who trade against what rests."""

import random

from rewards.demo.makers import address_of
from rewards.demo.market import Market

RESTING = tuple(address_of(f"stranger {n}") for n in range(4))
TAKERS = tuple(address_of(f"taker {n}") for n in range(5))
ORDERS_A_SIDE = 4
FAR_BPS = 160.0
PICKED_OFF_BPS = 2.0
TRADES_PER_HOUR = {"regular": 9.0, "pre": 3.0, "post": 3.0, "overnight": 1.2, "weekend": 1.0, "holiday": 1.0}


def rest(*, market: Market, step_s: int, rng: random.Random) -> None:
    """Keep a few orders of strangers on each side; now and then one is moved."""
    book = market.book
    for is_bid in (True, False):
        mine = [order for owner in RESTING for order in book.of(owner) if book[order].is_bid == is_bid]
        for order in mine:
            if abs(book[order].price / market.fair - 1) * 10_000 > FAR_BPS or rng.random() < step_s / 18_000:
                book.cancel(order)
        missing = ORDERS_A_SIDE - sum(order in book for order in mine)
        for _ in range(missing):
            price = market.price_at(distance_bps=rng.uniform(8, 90), is_bid=is_bid)
            book.place(owner=rng.choice(RESTING), is_bid=is_bid, price=price, size=rng.randint(20, 60))


def pick_off(*, market: Market, rng: random.Random) -> None:
    """Trade against orders that the price has left behind."""
    if market.book.halted:
        return
    taker = rng.choice(TAKERS)
    for is_bid in (True, False):
        sign = 1 if is_bid else -1
        limit = market.fair * (1 + sign * PICKED_OFF_BPS / 10_000)
        while (order := market.book.best(is_bid=is_bid)) is not None:
            resting = market.book[order]
            if sign * (resting.price - limit) <= 0:
                break
            market.book.fill(order, size=resting.size, taker=taker)


def trade(*, market: Market, step_s: int, kind: str, hurry: float, rng: random.Random) -> None:
    """Now and then somebody takes a few lots at the best price."""
    if market.book.halted or rng.random() > TRADES_PER_HOUR[kind] * hurry * step_s / 3_600:
        return
    lots, is_bid, taker = rng.randint(5, 80), rng.random() < 0.5, rng.choice(TAKERS)
    while lots > 0 and (order := market.book.best(is_bid=is_bid)) is not None:
        size = min(lots, market.book[order].size)
        market.book.fill(order, size=size, taker=taker)
        lots -= size
