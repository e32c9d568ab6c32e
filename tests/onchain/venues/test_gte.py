"""GTE's rules one by one, on short runs written out by hand from the contract's rules."""

import json
from itertools import count

import pytest

from onchain.venues import make_adapter
from onchain.venues.gte.events import EVENTS
from tests.onchain.venues.data import DATA, LogMaker, book_of, rows

MAKER, OTHER, TAKER = ("0x" + digit * 40 for digit in "abc")
BUY, SELL = 0, 1
LOT, PRICE = 10**13, 100_000_000
DECLARED = {declaration.split("(")[0]: declaration for declaration, _ in reversed(EVENTS)}


class Clob(LogMaker):
    """Writes what the contract emits for what its users do; totals are worked out by whoever writes the test."""

    nonces = None

    def emit(self, name: str, *values) -> None:
        self.nonces = self.nonces or count(1)
        self.log(DECLARED[name], next(self.nonces), *values)

    def limit(self, order: int, side: int, price: int, lots: int, *, rests=None, quote=0, base=0, expiry=0,
              owner=MAKER) -> None:  # fmt: skip
        self.emit("LimitOrderSubmitted", owner, order, lots * LOT, price, expiry, side, 0, 0)
        rests = lots if rests is None else rests
        if rests:
            self.emit("LimitOrderCreated", order, price, rests * LOT, side)
        self.emit("LimitOrderProcessed", owner, order, rests * LOT, quote, base * LOT, 0)

    def fill(self, order: int, side: int, lots: int, *, quote: int, base: int, price: int | None = None) -> None:
        limit = price or (2**255 if side == BUY else 0)
        self.emit("FillOrderSubmitted", TAKER, order, lots * LOT, limit, side, True, 1)
        self.emit("FillOrderProcessed", TAKER, order, quote, base * LOT, 0)

    def cancel(self, order: int, side: int, lots: int, *, price=PRICE, owner=MAKER, context=0) -> None:
        worth = lots * LOT * price // 10**18
        self.emit("OrderCanceled", order, owner, *((worth, 0) if side == BUY else (0, lots * LOT)), context)

    def amend(self, order: int, before: dict, after: dict) -> None:
        self.emit("OrderAmended", *before.values(), order, *after.values(), 1, 0, 0)


def order(side=SELL, expiry=0, id_=1, prev=0, next_=0, owner=MAKER, price=PRICE, lots=5) -> dict:
    return {"side": side, "expiry": expiry, "id": id_, "prev": prev, "next": next_, "owner": owner, "price": price,
            "amount": lots * LOT}  # fmt: skip


def amended(lots=5, price=PRICE, expiry=0, side=SELL) -> dict:
    return {"amount": lots * LOT, "price": price, "expiry": expiry, "side": side}


def adapter(*, queue="published"):
    return make_adapter(name="gte", config={
        "address": "0x" + "11" * 20, "tick_raw": "1000000", "lot_raw": str(LOT),
        "gte": {"base_size": str(10**18), "contract_lot_raw": str(LOT), "contract_min_raw": str(LOT), "queue": queue},
    })  # fmt: skip


def told(clob: Clob, venue=None) -> list[tuple]:
    """Kind, order and size of every event; the log must be a possible one."""
    applied = (venue or adapter()).apply(**clob.take())
    assert applied.impossible is None, applied.impossible
    book_of(rows(applied.events))
    return [(event[2], event[3], event[7]) for event in rows(applied.events)]


def lots_worth(lots: int, price: int = PRICE) -> int:
    return lots * LOT * price // 10**18


def test_the_first_in_is_filled_first_and_the_rest_of_a_sweep_goes_on():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE, 5, owner=OTHER)
    clob.limit(3, SELL, PRICE + 1_000_000, 5)
    cost = lots_worth(5) + lots_worth(5) + lots_worth(1, PRICE + 1_000_000)
    clob.fill(4, BUY, 11, quote=-cost, base=11)
    assert told(clob)[3:] == [("fill", "1", 5), ("fill", "2", 5), ("fill", "3", 1)]


def test_an_amend_in_place_keeps_its_turn_and_its_expiry_and_starts_its_rest_anew_only_when_it_grows():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5, expiry=clob.second + 5)
    clob.limit(2, SELL, PRICE, 5)
    links = {"expiry": clob.second + 5, "next_": 2}
    clob.amend(1, order(**links), amended(8, expiry=clob.second + 1000))
    clob.amend(1, order(lots=8, **links), amended(3, expiry=0))
    clob.fill(3, BUY, 1, quote=-lots_worth(1), base=1)
    clob.next_block(seconds=6)
    assert told(clob)[2:] == [
        ("cancel", "1", 5), ("place", "1", 8), ("cancel", "1", 5), ("fill", "1", 1), ("cancel", "1", 2),
    ]  # fmt: skip


def test_an_amend_to_another_price_goes_to_the_end_of_the_queue_with_its_new_expiry():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE + 1_000_000, 5)
    clob.emit("LimitOrderCreated", 1, PRICE + 1_000_000, 4 * LOT, SELL)
    clob.amend(1, order(), amended(4, PRICE + 1_000_000, clob.second + 2))
    clob.next_block(seconds=1)
    clob.fill(3, BUY, 6, quote=-lots_worth(5, PRICE + 1_000_000) - lots_worth(1, PRICE + 1_000_000), base=6)
    clob.next_block(seconds=2)
    assert told(clob)[2:] == [
        ("cancel", "1", 5), ("place", "1", 4), ("fill", "2", 5), ("fill", "1", 1), ("cancel", "1", 3),
    ]  # fmt: skip


def test_an_order_trades_in_its_expirys_second_and_counts_no_more_in_the_next():
    clob = Clob()
    expiry = clob.second + 1
    clob.limit(1, SELL, PRICE, 5, expiry=expiry)
    clob.next_block(seconds=1)
    clob.fill(2, BUY, 1, quote=-lots_worth(1), base=1)
    clob.next_block(seconds=3)
    clob.next_block(seconds=1)
    venue = adapter()
    applied = venue.apply(**clob.take())
    assert [(e[0], e[2], e[7], e[9]) for e in rows(applied.events)] == [
        (1, "place", 5, -1), (2, "fill", 1, -1), (3, "cancel", 4, (expiry + 1) * 1000),
    ]  # fmt: skip
    # The contract stores it until a taker comes by, and the adapter says what the contract stores.
    assert venue.contract_state()["orders"]["1"]["size"] == str(4 * LOT)
    clob.limit(3, BUY, PRICE, 2)
    assert told(clob, venue) == [("place", "3", 2)]
    assert set(venue.contract_state()["orders"]) == {"3"}


def test_an_expired_order_amended_in_place_stays_expired_and_one_that_moves_lives_again():
    clob = Clob()
    expiry = clob.second + 1
    clob.limit(1, SELL, PRICE, 5, expiry=expiry)
    clob.next_block(seconds=5)
    clob.amend(1, order(expiry=expiry), amended(9))
    venue = adapter()
    assert told(clob, venue) == [("place", "1", 5), ("cancel", "1", 5)]
    clob.emit("LimitOrderCreated", 1, PRICE + 1_000_000, 9 * LOT, SELL)
    clob.amend(1, order(expiry=expiry, lots=9), amended(9, PRICE + 1_000_000))
    assert told(clob, venue) == [("place", "1", 9)]


def test_an_order_below_a_lot_that_grows_still_expires_after_its_state_was_restored():
    clob = Clob()
    expiry = clob.second + 10
    clob.limit(1, SELL, PRICE, 2, expiry=expiry)
    config = adapter()._config | {"lot_raw": str(3 * LOT)}
    venue, restored = (make_adapter(name="gte", config=config) for _ in range(2))
    assert told(clob, venue) == []
    restored.load(venue.save())
    clob.amend(1, order(expiry=expiry, lots=2), amended(6))
    clob.next_block(seconds=11)
    assert told(clob, restored) == [("place", "1", 2), ("cancel", "1", 2)]


@pytest.mark.parametrize(("queue", "filled"), [("published", [("fill", "3", 1)]), ("mended", [("fill", "1", 1)])])
def test_a_cancel_in_the_middle_orphans_those_before_it_only_in_the_published_contract(queue, filled):
    clob = Clob()
    for number in (1, 2, 3):
        clob.limit(number, SELL, PRICE, 5)
    clob.cancel(2, SELL, 5)
    clob.fill(4, BUY, 1, quote=-lots_worth(1), base=1)
    assert told(clob, adapter(queue=queue))[4:] == filled


def test_a_level_whose_tail_was_cancelled_gives_a_taker_nothing_in_the_published_contract():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE, 5)
    clob.cancel(2, SELL, 5)
    clob.limit(3, BUY, PRICE, 2)  # crosses, finds an empty queue, and rests
    clob.limit(4, SELL, PRICE, 3, rests=1, quote=lots_worth(2), base=-2)
    clob.fill(5, BUY, 1, quote=-lots_worth(1), base=1)
    venue = adapter()
    assert told(clob, venue)[3:] == [("place", "3", 2), ("fill", "3", 2), ("place", "4", 1), ("fill", "4", 1)]
    assert venue.contract_state()["best_ask"] == str(PRICE)


def test_orders_pushed_out_by_better_ones_are_cancelled_also_inside_an_amend():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE + 9_000_000, 5, owner=OTHER)
    clob.cancel(2, SELL, 5, owner=OTHER, context=2)
    clob.emit("LimitOrderCreated", 1, PRICE + 1_000_000, 5 * LOT, SELL)
    clob.amend(1, order(), amended(5, PRICE + 1_000_000))
    assert told(clob)[2:] == [("cancel", "1", 5), ("cancel", "2", 5), ("place", "1", 5)]


def test_lots_and_minimum_of_the_contract_follow_its_settings():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.emit("LotSizeInBaseUpdated", 2 * LOT)
    clob.emit("MinLimitOrderAmountInBaseUpdated", 4 * LOT)
    clob.emit("TickSizeUpdated", 1)
    clob.limit(2, BUY, PRICE, 6, rests=0, quote=-lots_worth(4), base=4)  # 5 // 2 lots of 2; 2 are left, below 4
    assert told(clob)[1:] == [("fill", "1", 4)]


def test_an_amount_in_quote_buys_whole_lots_and_spends_all_where_it_takes_a_part():
    clob = Clob()
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE, 5)
    spend = lots_worth(5) + lots_worth(2) + 7
    clob.emit("FillOrderSubmitted", TAKER, 3, spend, 2**255, BUY, False, 1)
    clob.emit("FillOrderProcessed", TAKER, 3, -lots_worth(7), 7 * LOT, 0)
    assert told(clob)[2:] == [("fill", "1", 5), ("fill", "2", 2)]


def mended_run(directory):
    """Files of a run whose amend shows a link backwards: a contract with mended queues."""
    clob = Clob(address="0x" + "11" * 20)
    clob.limit(1, SELL, PRICE, 5)
    clob.limit(2, SELL, PRICE, 5)
    clob.amend(2, order(id_=2, prev=1), amended(6))
    clob.cancel(2, SELL, 6)
    clob.fill(3, BUY, 5, quote=-lots_worth(5), base=5)
    lines = [
        {"address": log[6], "topics": ["0x" + log[7][at : at + 32].hex() for at in range(0, len(log[7]), 32)],
         "data": "0x" + log[8].hex(), "blockNumber": log[0], "logIndex": log[1], "transactionHash": "0x" + "00" * 32,
         "blockHash": "0x" + "00" * 32, "timestamp": log[3]}
        for log in clob.logs
    ]  # fmt: skip
    logs, market = directory / "mended.jsonl", directory / "market.toml"
    logs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = (DATA / "gte/market.toml").read_text()
    market.write_text(
        text.replace("0xb293507f3e2f04a19647235eeafbc65fc45d8874", clob.address).replace("start_block = 15",
                                                                                        "start_block = 1")
        .replace("5000000000000000", str(LOT))
    )  # fmt: skip
    return logs, market
