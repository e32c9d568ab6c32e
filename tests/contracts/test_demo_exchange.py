"""The demo exchange refuses what no order book could have produced."""

import pytest

from tests.contracts.stage import NOBODY, boa, deploy


class Market:
    def __init__(self) -> None:
        self.exchange = deploy("demo_exchange")
        self.exchange.add_market("AAPL-PERP")
        self.owner = boa.env.generate_address("owner")

    def submit(self, *ops: tuple) -> None:
        self.exchange.submit(list(ops))

    def place(self, order: int, *, price: int = 100, size: int = 10) -> tuple:
        return (1, 1, order, self.owner, True, price, size)


@pytest.mark.parametrize(
    "ops",
    [
        [("place", 1), ("place", 1)],
        [(2, 1, 9, NOBODY, False, 0, 1)],
        [("place", 1), (3, 1, 1, "taker", False, 0, 11)],
        [("place", 1), (2, 1, 1, NOBODY, False, 0, 11)],
        [(1, 1, 1, "taker", True, 0, 5)],
        [(1, 1, 1, "taker", True, 5, 0)],
        [(1, 2, 1, "taker", True, 5, 5)],
        [(5, 1, 0, NOBODY, False, 0, 0), (5, 1, 0, NOBODY, False, 0, 0)],
        [(9, 1, 0, NOBODY, False, 0, 0)],
    ],
    ids=["placed twice", "unknown order", "filled too much", "cancelled too much", "no price", "no size",
         "no such market", "halted twice", "no such kind"],
)  # fmt: skip
def test_input_that_no_order_book_could_have_produced_reverts(ops):
    with boa.env.anchor():
        market = Market()
        taker = boa.env.generate_address("taker")
        batch = [
            market.place(op[1]) if op[0] == "place" else tuple(taker if part == "taker" else part for part in op)
            for op in ops
        ]
        with boa.reverts():
            market.submit(*batch)


def test_a_maker_rests_and_cancels_orders_of_its_own_and_nobody_elses():
    with boa.env.anchor():
        market, stranger = Market(), boa.env.generate_address("stranger")
        with boa.env.prank(market.owner):
            first = market.exchange.place(1, True, 100, 10)
            second = market.exchange.place(1, False, 110, 5)
        assert second == first + 1
        assert market.exchange.order_of(1, first) == (market.owner, True, 100, 10)
        with boa.env.prank(stranger), boa.reverts("not your order"):
            market.exchange.cancel(1, first)
        # The sequencer matches it as any other.
        market.submit((3, 1, first, stranger, False, 0, 4))
        assert market.exchange.order_of(1, first)[3] == 6
        with boa.env.prank(market.owner):
            market.exchange.cancel(1, first)
            with boa.reverts("unknown order"):
                market.exchange.cancel(1, first)
            for wrong in ((2, True, 100, 10), (0, True, 100, 10), (1, True, 0, 10), (1, True, 100, 0)):
                with boa.reverts():
                    market.exchange.place(*wrong)


def test_the_sequencer_gives_out_no_id_that_may_become_a_makers_own():
    with boa.env.anchor():
        market = Market()
        market.submit(market.place(2**48 - 1))
        with boa.reverts("a maker's own id"):
            market.submit(market.place(2**48))
