"""Venues by a file: OasisDEX and Mangrove on logs of our own, a venue made up here, and files that are wrong."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain.columns import BlockColumns
from onchain.errors import MarketConfigError
from onchain.venues import make_adapter
from onchain.venues.declared import power
from onchain.venues.market import read_market
from tests.onchain.venues.data import LogMaker, book_of, rows

BASE, QUOTE, OTHER_TOKEN = ("0x" + digit * 40 for digit in "123")
MAKER, TAKER = "0x" + "aa" * 20, "0x" + "bb" * 20
ATOM = 10**18
PAIR = bytes(32)
MAKE = ("LogMake(bytes32 indexed id,bytes32 indexed pair,address indexed maker,address pay_gem,address buy_gem,"
        "uint128 pay_amt,uint128 buy_amt,uint64 timestamp)")  # fmt: skip
KILL = MAKE.replace("LogMake", "LogKill")
TAKE = ("LogTake(bytes32 id,bytes32 indexed pair,address indexed maker,address pay_gem,address buy_gem,"
        "address indexed taker,uint128 take_amt,uint128 give_amt,uint64 timestamp)")  # fmt: skip
DELETED = "OfferDeleted(bytes32 indexed id)"


def config(**declared):
    return {"address": "0x" + "11" * 20, "tick_raw": "10000", "lot_raw": str(ATOM // 1000), "declared": declared}


def oasis(**more):
    return make_adapter(name="declared", config=config(
        events="oasis.toml", base=BASE, quote=QUOTE, base_size=str(ATOM), **more))  # fmt: skip


def id_(number: int) -> bytes:
    return number.to_bytes(32)


def ask(logs: LogMaker, number: int, base: int, quote: int, *, make=MAKE, base_token=BASE) -> None:
    logs.log(make, id_(number), PAIR, MAKER, base_token, QUOTE, base, quote, 0)


def bid(logs: LogMaker, number: int, base: int, quote: int, *, make=MAKE) -> None:
    logs.log(make, id_(number), PAIR, MAKER, QUOTE, BASE, quote, base, 0)


def told(venue, logs: LogMaker) -> list[tuple]:
    """Kind, order, side, price, size, taker of every event; the logs must be possible ones."""
    applied = venue.apply(**logs.take())
    assert applied.impossible is None, applied.impossible
    return [(e[2], e[3], e[5], e[6], e[7], e[8]) for e in rows(applied.events)]


def refused(venue, logs: LogMaker) -> str:
    applied = venue.apply(**logs.take())
    assert applied.impossible is not None
    return applied.impossible.rule


def test_oasis_offers_are_asks_of_the_base_and_bids_in_the_quote():
    logs, venue = LogMaker(), oasis()
    ask(logs, 1, 2 * ATOM, 200_000_000)  # two base atoms' worth for 200 units of six decimals: 100 each
    bid(logs, 2, 4 * ATOM, 396_000_000)
    ask(logs, 3, ATOM, 5, base_token=OTHER_TOKEN)
    logs.log(TAKE, id_(1), PAIR, MAKER, BASE, QUOTE, TAKER, ATOM // 2, 50_000_000, 0)
    logs.log(TAKE, id_(2), PAIR, MAKER, QUOTE, BASE, TAKER, 99_000_000, ATOM, 0)
    logs.log(TAKE, id_(3), PAIR, MAKER, OTHER_TOKEN, QUOTE, TAKER, 1, 1, 0)
    ask(logs, 1, ATOM, 1, make=KILL)
    assert told(venue, logs) == [
        ("place", "1", "ask", 10_000, 2000, None), ("place", "2", "bid", 9_900, 4000, None),
        ("fill", "1", None, -1, 500, TAKER), ("fill", "2", None, -1, 1000, TAKER),
        ("cancel", "1", None, -1, 1500, None),
    ]  # fmt: skip
    assert venue.contract_state() == {
        "orders": {"2": {"owner": MAKER, "side": "bid", "price": "99000000", "size": str(3 * ATOM)}},
        "best_bid": "99000000", "best_ask": None,
    }  # fmt: skip


def test_an_oasis_bid_whose_money_is_spent_is_gone_with_the_dust_it_still_wanted():
    logs, venue = LogMaker(), oasis()
    bid(logs, 1, ATOM, 100_000_000)
    logs.log(TAKE, id_(1), PAIR, MAKER, QUOTE, BASE, TAKER, 100_000_000, ATOM - ATOM // 1000 - 5, 0)
    logs.log(DELETED, id_(1))
    assert told(venue, logs)[1:] == [("fill", "1", None, -1, 999, TAKER), ("cancel", "1", None, -1, 1, None)]
    assert venue.contract_state()["orders"] == {}


def test_an_offer_deleted_of_another_pair_is_passed_over_and_one_of_ours_is_cancelled():
    logs, venue = LogMaker(), oasis()
    ask(logs, 1, ATOM, 100_000_000)
    logs.log(DELETED, id_(77))
    logs.log(DELETED, id_(1))
    assert [event[:2] for event in told(venue, logs)] == [("place", "1"), ("cancel", "1")]


def test_a_ratio_off_the_tick_is_refused_or_rounded_away_from_the_other_side():
    logs, venue = LogMaker(), oasis()
    ask(logs, 1, 3 * ATOM, 100_000_000)
    assert "no multiple of the market's tick" in refused(venue, logs)
    logs, venue = LogMaker(), oasis(off_tick="away")
    ask(logs, 1, 3 * ATOM, 100_000_000)
    bid(logs, 2, 3 * ATOM, 100_000_000)
    assert [(event[2], event[3]) for event in told(venue, logs)] == [("ask", 3334), ("bid", 3333)]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda logs: logs.log(TAKE, id_(9), PAIR, MAKER, BASE, QUOTE, TAKER, 1, 1, 0), "order 9 is filled and does"),
        (lambda logs: logs.log(TAKE, id_(1), PAIR, MAKER, BASE, QUOTE, TAKER, ATOM + 1, 1, 0), "of which"),
        (lambda logs: ask(logs, 1, ATOM, 100_000_000), "while it rests already"),
        (lambda logs: ask(logs, 2, ATOM, 0), "has no price"),
        (lambda logs: ask(logs, 9, ATOM, 1, make=KILL), "order 9 is cancelled and does not rest"),
    ],
)
def test_what_can_not_have_happened_stops_the_market(write, said):
    logs, venue = LogMaker(), oasis()
    ask(logs, 1, ATOM, 100_000_000)
    write(logs)
    assert said in refused(venue, logs)


ASKS, BIDS = b"\xaa" * 32, b"\xbb" * 32
WRITE = ("OfferWrite(bytes32 indexed olKeyHash,address indexed maker,int256 tick,uint256 gives,uint256 gasprice,"
         "uint256 gasreq,uint256 id)")  # fmt: skip


def test_a_strangers_offer_that_no_tick_or_lot_can_hold_does_not_stop_a_market_whose_offers_say_anything():
    logs, venue = LogMaker(), oasis(off_tick="away")
    bid(logs, 1, ATOM, 1)  # a price of less than one tick
    ask(logs, 2, 1, 2**127)  # a price above all ticks
    ask(logs, 3, 2**127, 2**127)  # more lots than there are numbers for
    bid(logs, 4, 4 * ATOM, 396_000_000)
    logs.log(TAKE, id_(1), PAIR, MAKER, QUOTE, BASE, TAKER, 1, ATOM, 0)
    logs.log(TAKE, id_(3), PAIR, MAKER, BASE, QUOTE, TAKER, 2**127 - ATOM, 2**127 - ATOM, 0)
    ask(logs, 2, 1, 2**127, make=KILL)
    most = 2**63 - 1
    assert told(venue, logs) == [
        ("place", "3", "ask", ATOM // 10_000, most, None), ("place", "4", "bid", 9_900, 4000, None),
        ("fill", "3", None, -1, most - 1000, TAKER),
    ]  # fmt: skip
    assert venue.lots() == {"3": 1000, "4": 4000}
    assert sorted(venue.contract_state()["orders"]) == ["3", "4"]


RETRACT = "OfferRetract(bytes32 indexed olKeyHash,address indexed maker,uint256 id,bool deprovision)"
SUCCESS = ("OfferSuccess(bytes32 indexed olKeyHash,address indexed taker,uint256 indexed id,uint256 takerWants,"
           "uint256 takerGives)")  # fmt: skip
FAIL = ("OfferFail(bytes32 indexed olKeyHash,address indexed taker,uint256 indexed id,uint256 takerWants,"
        "uint256 takerGives,uint256 penalty,bytes mgvData)")  # fmt: skip
START = "OrderStart(bytes32 indexed olKeyHash,address indexed taker,int256 maxTick,uint256 fillVolume,bool fillWants)"
COMPLETE = "OrderComplete(bytes32 indexed olKeyHash,address indexed taker,uint256 fee)"


def mangrove(**more):
    return make_adapter(name="declared", config=config(
        events="mangrove.toml", asks="0x" + ASKS.hex(), bids="0x" + BIDS.hex(), base_size=str(ATOM),
        off_tick="away", **more))  # fmt: skip


def write(logs: LogMaker, offers: bytes, number: int, tick: int, gives: int) -> None:
    logs.log(WRITE, offers, MAKER, tick, gives, 0, 0, number)


# 1.0001 ** -230270 is 1.0000 to 4 digits times 10 ** -10: one base atom of 18 decimals is worth 1e-10 quote atoms of 6.
PRICE_TICK = -230_270


def test_mangroves_lists_are_the_two_sides_and_ids_count_on_their_own():
    logs, venue = LogMaker(), mangrove()
    write(logs, ASKS, 1, PRICE_TICK, 2 * ATOM)
    write(logs, BIDS, 1, -PRICE_TICK, 100_000_000)
    write(logs, b"\xcc" * 32, 1, 0, ATOM)
    worth = Context(prec=60).power(Decimal("1.0001"), PRICE_TICK)
    price = worth * ATOM / 10_000
    asked, offered = told(venue, logs)
    assert asked[:5] == ("place", "ask-1", "ask", int(price) + 1, 2000)
    lots = int(100_000_000 / worth / (ATOM // 1000))
    assert offered[:5] == ("place", "bid-1", "bid", int(price), lots)


def test_a_taken_offer_leaves_mangroves_book_and_a_failed_one_too():
    logs, venue = LogMaker(), mangrove()
    for number in (1, 2, 3):
        write(logs, ASKS, number, PRICE_TICK, ATOM)
    logs.log(SUCCESS, ASKS, TAKER, 1, ATOM, 100)
    logs.log(SUCCESS, ASKS, TAKER, 2, ATOM // 4, 25)
    logs.log(FAIL, ASKS, TAKER, 3, ATOM, 100, 5, b"mgv/makerRevert")
    logs.log(RETRACT, ASKS, MAKER, 3, True)
    assert [(kind, order, size) for kind, order, _, _, size, _ in told(venue, logs)][3:] == [
        ("fill", "ask-1", 1000), ("fill", "ask-2", 250), ("cancel", "ask-2", 750), ("cancel", "ask-3", 1000),
    ]  # fmt: skip
    assert venue.lots() == {}


def test_what_a_maker_wrote_anew_in_its_callback_stays_though_the_fill_is_logged_after_it():
    logs, venue = LogMaker(), mangrove()
    write(logs, ASKS, 1, PRICE_TICK, ATOM)
    write(logs, ASKS, 2, PRICE_TICK, ATOM)
    logs.log(START, ASKS, TAKER, 0, 1, True)
    write(logs, ASKS, 2, PRICE_TICK + 10, ATOM // 2)
    logs.log(SUCCESS, ASKS, TAKER, 2, ATOM // 4, 25)
    write(logs, ASKS, 1, PRICE_TICK, ATOM // 2)
    logs.log(SUCCESS, ASKS, TAKER, 1, ATOM, 100)
    logs.log(COMPLETE, ASKS, TAKER, 0)
    assert [(kind, order, size) for kind, order, _, _, size, _ in told(venue, logs)][2:] == [
        ("fill", "ask-2", 250), ("cancel", "ask-2", 750), ("fill", "ask-1", 1000), ("place", "ask-2", 500),
        ("place", "ask-1", 500),
    ]  # fmt: skip


def test_a_group_that_does_not_end_in_its_block_stops_the_market():
    logs, venue = LogMaker(), mangrove()
    logs.log(START, ASKS, TAKER, 0, 1, True)
    logs.next_block()
    write(logs, ASKS, 1, PRICE_TICK, ATOM)
    assert "began in block 1 has not ended there" in refused(venue, logs)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_batches_and_saved_states_change_nothing(data):
    logs = LogMaker()
    write(logs, ASKS, 1, PRICE_TICK, ATOM)
    write(logs, BIDS, 1, -PRICE_TICK, 100_000_000)
    logs.log(START, ASKS, TAKER, 0, 1, True)
    write(logs, ASKS, 1, PRICE_TICK + 7, ATOM // 2)
    logs.log(SUCCESS, ASKS, TAKER, 1, ATOM // 4, 25)
    logs.log(COMPLETE, ASKS, TAKER, 0)
    logs.next_block()
    write(logs, ASKS, 1, PRICE_TICK + 7, ATOM)
    write(logs, BIDS, 1, -PRICE_TICK, 50_000_000)
    batch = logs.take()
    whole = rows(mangrove().apply(**batch).events)
    assert book_of(whole) == {"ask-1": 1000, "bid-1": 499}
    found, venue, start = [], mangrove(), 0
    for end in [*data.draw(st.lists(st.integers(1, 7), max_size=3, unique=True).map(sorted)), 8]:
        part = batch["logs"].cut(start, end)
        known = batch["blocks"].number <= part.block[-1]
        blocks = BlockColumns(batch["blocks"].number[known], batch["blocks"].timestamp_s[known])
        found += rows(venue.apply(logs=part, blocks=blocks).events)
        state, venue, start = venue.save(), mangrove(), end
        venue.load(state)
    assert found == whole


@given(st.integers(-887_272, 887_272))
@settings(max_examples=60, deadline=None)
def test_a_list_ticks_price_agrees_with_decimal_arithmetic(tick):
    wide = Context(prec=120)
    exact = wide.power(Decimal("1.0001"), tick)
    ours = power(tick)
    found = wide.divide(Decimal(ours.numerator), Decimal(ours.denominator))
    assert abs(wide.subtract(wide.divide(found, exact), Decimal(1))) < Decimal(10) ** -80
    assert isinstance(ours, Fraction)


MADE_UP = """
[[event]]
signature = "Quoted(uint64 indexed book,uint256 number,address who,bool sell,uint64 limit,uint128 amount)"
does = "place"
where = { book = "$book" }
order = "number"
owner = "who"
side = "sell"
bid = 0
ask = 1
price = "limit"
size = "amount"
[[event]]
signature = "Hit(uint64 indexed book,uint256 number,uint128 amount,address who)"
does = "fill"
where = { book = "$book" }
order = "number"
taker = "who"
size = "amount"
[[event]]
signature = "Cut(uint64 indexed book,uint256 number,uint128 amount)"
does = "cancel"
where = { book = "$book" }
order = "number"
size = "amount"
[[event]]
signature = "Index(uint256 value)"
does = "anchor"
price = "value"
[[event]]
signature = "Stopped()"
does = "halt"
[[event]]
signature = "Started()"
does = "resume"
"""
MARKET = """
name = "MADE-UP"
address = "0x1111111111111111111111111111111111111111"
tick_raw = "100"
lot_raw = "10"
start_block = 1
[declared]
events = "made_up.toml"
book = 7
"""


def made_up(tmp_path, *, events=MADE_UP, market=MARKET):
    (tmp_path / "made_up.toml").write_text(events)
    (tmp_path / "market.toml").write_text(market)
    return read_market(tmp_path / "market.toml", adapter="declared")


def test_a_venue_made_up_here_needs_a_file_and_no_code(tmp_path):
    logs, venue = LogMaker(), made_up(tmp_path).make()
    quoted, hit, cut = (
        "Quoted(uint64 indexed book,uint256 number,address who,bool sell,uint64 limit,uint128 amount)",
        "Hit(uint64 indexed book,uint256 number,uint128 amount,address who)",
        "Cut(uint64 indexed book,uint256 number,uint128 amount)",
    )
    logs.log(quoted, 7, 1, MAKER, True, 500, 99)
    logs.log(quoted, 8, 1, MAKER, True, 555, 99)
    logs.log("Stopped()")
    logs.log("Index(uint256 value)", 525)  # 10.5 half-ticks
    logs.log("Started()")
    logs.log(hit, 7, 1, 20, TAKER)
    logs.log(cut, 7, 1, 9)
    logs.log(cut, 7, 1, 1)
    logs.log(hit, 7, 1, 69, TAKER)
    assert told(venue, logs) == [
        ("place", "1", "ask", 5, 9, None), ("halt", None, None, -1, -1, None), ("anchor", None, None, 11, -1, None),
        ("resume", None, None, -1, -1, None), ("fill", "1", None, -1, 2, TAKER), ("cancel", "1", None, -1, 1, None),
        ("fill", "1", None, -1, 6, TAKER),
    ]  # fmt: skip
    assert venue.contract_state()["orders"] == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('signature = "Stopped()"', 'signature = "Stopped("'), "event[4].signature: 'Stopped(' is not of the form"),
        (('does = "halt"', 'does = "stop"'), "event[4].does: 'stop' is none of place"),
        (('does = "halt"', 'does = "halt"\nprice = "x"'), "event[4].price: a halt has no such key"),
        (('owner = "who"', ""), "event[0].owner: a place needs it"),
        (('order = "number"', 'order = "nummer"'), "event[0].order: Quoted has no argument 'nummer'"),
        (('owner = "who"', 'owner = "limit"'), "event[0].owner: limit is of type uint64"),
        (('price = "limit"', 'price = "who"'), "event[0].price: who is of type address"),
        (('size = "amount"', ""), "event[0]: an order's amounts are either"),
        (('side = "sell"\nbid = 0\nask = 1\n', ""), "event[0]: an order's side comes from either"),
        (("ask = 1", 'ask = "sold"'), "event[0].ask: 'sold' is no number"),
        (('"$book"', '"$page"'), "declared.page: the file of events asks for it"),
        (("uint64 limit", "bytes limit"), "event[0].price: limit is of type bytes, which has no single value"),
        (('signature = "Started()"', 'signature = "Stopped()"'), "event[5].signature: Stopped is declared twice"),
        (("[[event]]", "[event]"), "no TOML"), (("[[event]]", "[[events]]"), "no such key is known"),
        (('does = "fill"', 'does = "fill"\nleaves = 1'), "event[1].leaves: it is true or false"),
        (('does = "cancel"', 'does = "cancel"\nunknown = 1'), "event[2].unknown: it is refuse or ignore"),
        (("where = { book", "where = { book = 1, buch"), "event[0].where: Quoted has no argument 'buch'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_place_in_it(tmp_path, change, said):
    assert change[0] in MADE_UP
    with pytest.raises(MarketConfigError) as error:
        made_up(tmp_path, events=MADE_UP.replace(*change, 1)).make()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("book = 7", ""), "declared.book: the file of events asks for it"),
        (("book = 7", "book = 7\noff_tik = 1"), "declared.off_tik: nothing asks for it"),
        (("book = 7", 'book = 7\noff_tick = "up"'), "declared.off_tick: 'up' is neither"),
        (('"made_up.toml"', '"made_down.toml"'), "the ready ones are mangrove.toml, oasis.toml"),
    ],
)
def test_a_market_that_does_not_fit_its_file_is_refused(tmp_path, change, said):
    with pytest.raises(MarketConfigError) as error:
        made_up(tmp_path, market=MARKET.replace(*change, 1)).make()
    assert said in str(error.value)


def test_mangrove_without_rounding_and_oasis_without_tokens_are_refused():
    with pytest.raises(MarketConfigError, match="has to be away"):
        make_adapter(name="declared", config=config(events="mangrove.toml", asks="0x1", bids="0x2", base_size="1"))
    with pytest.raises(MarketConfigError, match=r"declared\.base: "):
        make_adapter(name="declared", config=config(events="oasis.toml", quote=QUOTE, base_size="1"))
