"""What no honest contract could have left, and what a node left out, stops a market with block, log and rule."""

import dataclasses
import json

import numpy as np
import pytest
from eth_utils.abi import event_abi_to_log_topic
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain.venues.replay import Replayed, replay
from tests.onchain.venues.data import DATA, LogMaker, book_of, recording, rows, without

KURU, GTE = recording("kuru", "small"), recording("gte", "plain")
CREATED = "OrderCreated(uint40 orderId,address owner,uint96 size,uint32 price,bool isBuy)"
MAKER = "0x" + "aa" * 20


def rows_of(run, *names: str) -> list[int]:
    """The rows of the recording's logs of these events, by the topics that the contract's ABI gives."""
    entries = json.loads((DATA / run.venue / "abi.json").read_text())
    topics = [event_abi_to_log_topic(entry) for entry in entries if entry["name"] in names]
    return [row for row in range(len(run.logs)) if run.logs.topics[row, 0].tobytes() in topics]


def replayed(run, logs=None, **market) -> Replayed:
    config = {**run.market.config, **market}
    return replay(dataclasses.replace(run.market, config=config), logs=run.logs if logs is None else logs,
                  blocks=run.blocks)  # fmt: skip


def place(run, row: int) -> tuple[int, int]:
    return int(run.logs.block[row]), int(run.logs.log_index[row])


def with_word(run, row: int, word: int, change):
    """The recording's logs with one word of one log's data changed."""
    at = int(run.logs.data_offsets[row]) + 32 * word
    data = run.logs.data.copy()
    value = change(int.from_bytes(data[at : at + 32].tobytes()))
    data[at : at + 32] = np.frombuffer((value % 2**256).to_bytes(32), np.uint8)
    return dataclasses.replace(run.logs, data=data)


def stops_at(run, row: int, said: str, logs, *, touched: int | None = None) -> None:
    """The market stops at this log, and what came before the block that was touched is as it always was."""
    done = replayed(run, logs)
    assert done.impossible is not None
    assert (done.impossible.block_number, done.impossible.log_index) == place(run, row)
    assert said in done.impossible.rule
    before = place(run, row if touched is None else touched)[0]
    sound, found = ([e for e in rows(events) if e[0] < before] for events in (replayed(run).events, done.events))
    assert found == sound
    assert all(event[0] < done.impossible.block_number for event in rows(done.events))


@pytest.mark.parametrize("flavour", ["plain", "small"])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_log_that_gte_lost_shows_at_its_next_one(flavour, data):
    run = recording("gte", flavour)
    own = sorted(set(range(len(run.logs))) - set(rows_of(run, "Initialized", "OwnershipTransferred",
                                                         "OwnershipTransferStarted")) - {0})  # fmt: skip
    lost = data.draw(st.integers(0, len(own) - 2))
    stops_at(run, own[lost + 1], "logs are missing", without(run.logs, own[lost]), touched=own[lost])


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_birth_that_kuru_lost_shows_at_the_latest_at_the_next_birth(data):
    births = rows_of(KURU, "OrderCreated", "FlipOrderCreated", "FlippedOrderCreated")
    lost = data.draw(st.integers(0, len(births) - 2))
    error = replayed(KURU, without(KURU.logs, births[lost])).impossible
    assert error is not None
    assert (error.block_number, error.log_index) <= place(KURU, births[lost + 1])


@pytest.mark.parametrize(
    ("event", "word", "said"),
    [
        ("Trade", 3, "not at its price"), ("Trade", 4, "rested"), ("Trade", 7, "rested"),
        ("OrderCanceled", 3, "it rests as"), ("OrderCanceled", 2, "it rests as"), ("OrderCreated", 0, "born after"),
        ("OrderCreated", 3, "no multiple of the market's tick"),
    ],
)  # fmt: skip
def test_a_number_that_kuru_can_not_have_logged_stops_the_market(event, word, said):
    row = rows_of(KURU, event)[100]
    stops_at(KURU, row, said, with_word(KURU, row, word, lambda value: value + 1))


@pytest.mark.parametrize(
    ("event", "word", "said"),
    [
        ("LimitOrderProcessed", 0, "posted"), ("LimitOrderProcessed", 1, "the book gives it"),
        ("LimitOrderProcessed", 2, "the book gives it"), ("FillOrderProcessed", 0, "the book gives it"),
        ("FillOrderProcessed", 1, "the book gives it"), ("LimitOrderCreated", 1, "the book leaves"),
        ("OrderCanceled", 0, "the book has"), ("OrderCanceled", 1, "the book has"), ("OrderAmended", 7, "the book has"),
        ("OrderAmended", 1, "the book has"),
    ],
)  # fmt: skip
def test_a_number_that_contradicts_gtes_book_stops_the_market_at_that_operation(event, word, said):
    row = rows_of(GTE, event)[50]
    stops_at(GTE, row, said, with_word(GTE, row, word, lambda value: value + 1))


def test_plain_first_in_first_out_is_contradicted_by_the_published_contract():
    """`mended` queues on the logs of the broken ones: stopped, not led astray."""
    run = recording("gte", "small")
    done = replayed(run, gte={**run.market.config["gte"], "queue": "mended"})
    assert done.impossible is not None
    assert done.impossible.block_number < run.state["block"]


@pytest.mark.parametrize(("run", "tick"), [(KURU, "20"), (GTE, "100000")], ids=["kuru", "gte"])
def test_a_price_off_the_tick_stops_the_market_at_its_first_order(run, tick):
    done = replayed(run, tick_raw=tick)
    assert done.impossible is not None
    first = min(int(order) for order, said in run.state["orders"].items() if int(said["price"]) % int(tick)) \
        if run is KURU else None  # fmt: skip
    assert f"multiple of the market's tick of {tick}" in done.impossible.rule
    if first is not None:
        births = rows_of(KURU, "OrderCreated", "FlipOrderCreated", "FlippedOrderCreated")
        assert (done.impossible.block_number, done.impossible.log_index) == place(KURU, births[first - 1])


@pytest.mark.parametrize("length", [0, 31, 159, 161, 192])
def test_a_log_of_another_length_than_its_event_stops_the_market(length):
    row = rows_of(KURU, "OrderCreated")[3]
    start, end = (int(KURU.logs.data_offsets[row + step]) for step in (0, 1))
    piece = np.resize(KURU.logs.data[start:end], length)
    data = np.concatenate([KURU.logs.data[:start], piece, KURU.logs.data[end:]])
    offsets = KURU.logs.data_offsets.copy()
    offsets[row + 1 :] += length - (end - start)
    stops_at(KURU, row, "not an encoded OrderCreated", dataclasses.replace(KURU.logs, data=data, data_offsets=offsets))


@pytest.mark.parametrize(("word", "value"), [(0, 1 << 40), (1, 1 << 160), (2, 1 << 96), (3, 1 << 32), (4, 2)])
def test_bits_that_a_type_does_not_have_stop_the_market(word, value):
    row = rows_of(KURU, "OrderCreated")[3]
    stops_at(KURU, row, "not an encoded OrderCreated", with_word(KURU, row, word, lambda _: value))


def kuru(lot: str):
    maker = LogMaker(address=KURU.market.address)
    return maker, dataclasses.replace(KURU.market, config={**KURU.market.config, "lot_raw": lot}).make()


def test_sizes_beyond_63_bits_are_counted_exactly():
    maker, adapter = kuru(str(2**40))
    maker.log(CREATED, 1, MAKER, 2**96 - 1, 2**32 - 6, True)
    maker.log("Trade(uint40 o,address m,bool b,uint256 p,uint96 u,address t,address x,uint96 f)", 1, MAKER, False,
              (2**32 - 6) * 10**16, 2**96 - 2**90, "0x" + "bb" * 20, MAKER, 2**90 - 1)  # fmt: skip
    events = rows(adapter.apply(**maker.take()).events)
    assert [(event[2], event[6], event[7]) for event in events] == [
        ("place", (2**32 - 6) // 10, 2**56 - 1), ("fill", -1, 2**50 - 1),
    ]  # fmt: skip
    assert adapter.contract_state()["orders"]["1"]["size"] == str(2**96 - 2**90)


def test_a_size_of_more_lots_than_an_event_holds_stops_the_market():
    maker, adapter = kuru("1")
    maker.log(CREATED, 1, MAKER, 2**63, 10, True)
    error = adapter.apply(**maker.take()).impossible
    assert error is not None
    assert "9223372036854775808 lots, out of a market's range" in error.rule


def test_a_partner_that_grows_is_placed_anew_only_where_its_lots_grow():
    maker, adapter = kuru("100")
    grown = "FlipOrderUpdated(uint40 orderId,uint96 size)"
    maker.log(CREATED, 1, MAKER, 250, 10, True)
    maker.log(grown, 1, 299)
    maker.log(grown, 1, 300)
    maker.log(CREATED, 2, MAKER, 99, 10, True)
    maker.log(grown, 2, 100)
    events = rows(adapter.apply(**maker.take()).events)
    assert [(event[2], event[3], event[7]) for event in events] == [
        ("place", "1", 2), ("cancel", "1", 2), ("place", "1", 3), ("place", "2", 1),
    ]  # fmt: skip
    assert book_of(events) == {"1": 3, "2": 1}


def test_pauses_are_halts_and_orders_survive_them():
    maker, adapter = kuru("1")
    state = "MarketStateUpdated(uint8 previousState,uint8 newState)"
    maker.log(CREATED, 1, MAKER, 5, 10, True)
    for before, after in ((0, 1), (1, 2), (2, 0)):
        maker.log(state, before, after)
    assert [event[2] for event in rows(adapter.apply(**maker.take()).events)] == ["place", "halt", "resume"]
    assert adapter.lots() == {"1": 5}


def test_logs_out_of_order_and_logs_of_unknown_blocks_are_the_callers_fault():
    adapter = KURU.market.make()
    back = KURU.logs.take(np.arange(len(KURU.logs))[::-1])
    with pytest.raises(ValueError, match="must rise"):
        adapter.apply(logs=back, blocks=KURU.blocks)
    adapter.apply(logs=KURU.logs, blocks=KURU.blocks)
    with pytest.raises(ValueError, match="follow the batch before"):
        adapter.apply(logs=KURU.logs, blocks=KURU.blocks)
    empty = dataclasses.replace(KURU.blocks, number=KURU.blocks.number[:0], timestamp_s=KURU.blocks.timestamp_s[:0])
    with pytest.raises(ValueError, match="not among the batch's blocks"):
        KURU.market.make().apply(logs=KURU.logs, blocks=empty)
