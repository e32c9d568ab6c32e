"""Price feeds from a real chain: a contract that emits what Chainlink and Pyth emit, read as a node sends it."""

import json
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onchain.columns import BlockColumns, LogColumns
from onchain.decode import decode_logs
from onchain.errors import MarketConfigError
from onchain.venues import make_adapter
from onchain.venues.events import ANCHOR
from onchain.venues.feeds import make_feed
from tests.onchain.venues.data import LogMaker, recording, rows
from tests.onchain.venues.test_reconcile import deploy, tell

SECOND = 1_790_200_000
PRICE_ID = bytes(range(32))
OTHER_ID = bytes(32)


def chain_logs(anvil) -> tuple[LogColumns, BlockColumns]:
    """All logs of the chain by the raw bytes of eth_getLogs, and all its blocks."""
    query = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{"fromBlock": "0x0", "toBlock": "latest"}]}
    request = urllib.request.Request(anvil.url, json.dumps(query).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        logs = decode_logs(answer.read())
    heads = [anvil.rpc("eth_getBlockByNumber", hex(n), False) for n in range(int(anvil.rpc("eth_blockNumber"), 16) + 1)]
    return logs, BlockColumns.of(
        number=[int(head["number"], 16) for head in heads], timestamp_s=[int(head["timestamp"], 16) for head in heads]
    )


def market(anchor: dict):
    run = recording("kuru", "small")
    return make_adapter(name="kuru", config={**run.market.config, "address": "0x" + "99" * 20, "anchor": anchor})


def anchors(adapter, logs, blocks) -> list[tuple[int, int]]:
    applied = adapter.apply(logs=logs, blocks=blocks)
    assert applied.impossible is None
    assert set(applied.events.kind.tolist()) <= {ANCHOR}
    return [(event[0], event[6]) for event in rows(applied.events)]


def test_chainlink_answers_are_anchors_in_half_ticks_from_the_block_that_carries_them(anvil):
    address = deploy(anvil, "feeds")
    first = int(anvil.rpc("eth_blockNumber"), 16) + 1
    answers = [
        (18_912_345_678, SECOND), (0, SECOND + 1), (-5, SECOND + 2), (18_912_500_000, SECOND + 3),
        (18_912_499_999, SECOND + 2), (18_950_000_000, SECOND + 3),
    ]  # fmt: skip
    for current, updated_at in answers:
        tell(anvil, address, "answer", ("int256", "uint256"), current, updated_at)
        anvil.mine()
    adapter = market({"feed": "chainlink", "address": address, "decimals": 8, "tick_size": "0.05"})
    # 189.12345678 / 0.025 = 7564.938..; 189.125 / 0.025 = 7565; 189.5 / 0.025 = 7580
    assert anchors(adapter, *chain_logs(anvil)) == [(first, 7565), (first + 3, 7565), (first + 5, 7580)]
    assert adapter.feed.left_out == {"not above zero": 2, "older": 1}
    again = market({"feed": "chainlink", "address": address, "decimals": 8, "tick_size": "0.05"})
    again.load(adapter.save())
    assert again.feed.left_out == adapter.feed.left_out


def test_pyth_prices_of_the_markets_id_are_anchors_and_others_are_not(anvil):
    address = deploy(anvil, "feeds")
    for price_id, published, price in (
        (PRICE_ID, SECOND, 250_012_500), (OTHER_ID, SECOND, 1), (PRICE_ID, SECOND - 1, 260_000_000),
        (PRICE_ID, SECOND + 1, -1), (PRICE_ID, SECOND + 1, 250_012_499),
    ):  # fmt: skip
        tell(anvil, address, "update", ("bytes32", "uint64", "int64"), price_id, published, price)
        anvil.mine()
    adapter = market({"feed": "pyth", "address": address, "decimals": 5, "id": "0x" + PRICE_ID.hex(),
                      "tick_size": "0.05"})  # fmt: skip
    # 2500.125 / 0.025 = 100005; 2500.12499 / 0.025 = 100004.9996
    assert [price for _, price in anchors(adapter, *chain_logs(anvil))] == [100_005, 100_005]
    assert adapter.feed.left_out == {"not above zero": 1, "older": 1}


def test_a_feed_is_heard_only_from_its_own_contract_and_between_the_markets_own_events():
    answer = "AnswerUpdated(int256 indexed current,uint256 indexed roundId,uint256 updatedAt)"
    created = "OrderCreated(uint40 orderId,address owner,uint96 size,uint32 price,bool isBuy)"
    feed, maker = "0x" + "88" * 20, "0x" + "aa" * 20
    logs = LogMaker(address="0x" + "99" * 20)
    logs.log(created, 1, maker, 10**7, 10, True)
    logs.log(answer, 100, 1, 1, address=feed)
    logs.log(answer, 500, 1, 1)
    logs.log(created, 2, maker, 10**7, 20, True, address=feed)
    logs.log(created, 2, maker, 10**7, 30, True)
    adapter = market({"feed": "chainlink", "address": feed, "decimals": 0, "tick_size": "10"})
    assert adapter.addresses == ("0x" + "99" * 20, feed)
    events = rows(adapter.apply(**logs.take()).events)
    assert [(event[1], event[2], event[6]) for event in events] == [(0, "place", 1), (1, "anchor", 20), (2, "place", 3)]


@given(answer=st.integers(1, 2**60), decimals=st.integers(0, 18), tick=st.integers(1, 10**6))
def test_half_ticks_are_rounded_half_up(answer, decimals, tick):
    out: list[int] = []
    feed = make_feed(
        {"address": "0x" + "99" * 20, "anchor": {"feed": "chainlink", "address": "0x" + "88" * 20,
         "decimals": decimals, "tick_size": f"{tick // 100}.{tick % 100:02}"}}, emit=out.append,
    )  # fmt: skip
    # Twice the exact number of half-ticks is 4 * answer * 100 / (10^decimals * tick); half up: (that + 1) // 2.
    numerator, denominator = 4 * answer * 100, 10**decimals * tick
    wanted = (numerator + denominator) // (2 * denominator)
    if 1 <= wanted < 2**63:
        feed.heard[0][2](answer, 1)
        assert out == [wanted]


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        ({"feed": "oracle"}, "anchor.feed: there is no feed oracle"), ({"feed": "pyth", "id": "0x12"}, "anchor.id"),
        ({"tick_size": "0.00"}, "anchor.tick_size"), ({"tick_size": 0.05}, "anchor.tick_size"),
        ({"address": "0x"}, "anchor.address"), ({"decimals": 78}, "anchor.decimals"),
        ({"decimal": 8}, "anchor.decimal: no such key"),
    ],
)  # fmt: skip
def test_a_wrong_feed_is_refused_by_its_key(anchor, said):
    with pytest.raises(MarketConfigError) as error:
        market({"feed": "chainlink", "address": "0x" + "88" * 20, "decimals": 8, "tick_size": "0.05"} | anchor)
    assert said in str(error.value)
