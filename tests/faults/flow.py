"""What makers do on the exchange while things break: of a seed, the same operations at the same seconds every time."""

import json
import random
from collections.abc import Iterator

from rewards.demo.exchange import Block, Book, Op
from rewards.demo.makers import address_of

FIRST_S = 1_795_011_600
"""When the first epoch begins: Wednesday 2026-11-18, 14:20 UTC; New York opens ten minutes later."""
EPOCH_S = 1_200
BLOCK_S = 5
BLOCKS_AN_EPOCH = EPOCH_S // BLOCK_S
MARKET, SLUG, BUDGET = "AAPL-PERP", "faults", 900 * 10**18
MAKERS = ("maker-0", "maker-1", "maker-2")
STRANGER = address_of("a stranger")
"""Quotes as well and is nobody's, until a correction says that the address was the first maker's."""
TAKER = address_of("a taker")
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")


def blocks(*, seed: int, epochs: int) -> Iterator[Block]:
    """Yield the blocks of so many epochs, each a few operations of makers who quote around a price that moves."""
    dice, log = random.Random(seed), list[Op]()
    book, middle = Book(market=1, log=log), 27_400
    owners = [*map(address_of, MAKERS), STRANGER]
    for number in range(epochs * BLOCKS_AN_EPOCH):
        middle += dice.randint(-6, 6)
        if number % 12 == 0:
            book.mark(price2=2 * middle)
        for owner in owners:
            if number < 2 or dice.random() < 0.2:
                _quote(book, owner, middle, dice)
        if dice.random() < 0.3 and (order := book.best(is_bid=dice.random() < 0.5)) is not None:
            book.fill(order, size=dice.randint(1, book[order].size), taker=TAKER)
        yield Block(FIRST_S + number * BLOCK_S, tuple(log))
        log.clear()


def _quote(book: Book, owner: str, middle: int, dice: random.Random) -> None:
    for order in book.of(owner):
        book.cancel(order)
    for side in (-1, 1):
        price = middle + side * dice.randint(7, 60)
        book.place(owner=owner, is_bid=side < 0, price=price, size=dice.randint(20, 400))


def terms(*, number: int, token: str) -> bytes:
    """Return the terms of epoch `number` (from 1), as JSON."""

    def every(value: int) -> dict[str, int]:
        return dict.fromkeys(KINDS, value)

    start_ms = (FIRST_S + (number - 1) * EPOCH_S) * 1000
    market = {
        "weight_bps": 10_000, "quoting_share_bps": 8_500, "fills_share_bps": 1_500, "stress_share_bps": 0,
        "min_order_lots": 1, "min_rest_ms": 500, "reference_depth_lots": 100, "max_spread_bps": every(50),
        "clamp_bps": every(10_000), "min_uptime_bps": every(0), "curve": {"kind": "quadratic"},
        "two_sided_divisor": 3, "target_lots": 600, "presence_lots": 1, "max_share_bps": 5_000,
    }  # fmt: skip
    document = {
        "version": 1, "program": SLUG, "token": token, "budget": str(BUDGET), "min_payout": "0", "unspent": "return",
        "boosts": every(100), "epoch": {"number": number, "start_ms": start_ms, "end_ms": start_ms + EPOCH_S * 1000},
        "markets": {MARKET: market},
    }  # fmt: skip
    return json.dumps(document).encode()
