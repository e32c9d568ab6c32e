"""Books compared with the contract's own views: the demo exchange's, and stand-ins with Kuru's and GTE's ABI."""

from pathlib import Path

import pytest
from eth_abi import encode
from vyper.compiler import compile_code

from onchain import derive
from onchain.errors import MarketConfigError, ViewError
from onchain.indexer import follow, node
from onchain.services import market_register
from onchain.venues import make_adapter
from onchain.venues.replay import replay
from onchain.venues.views import eth_call_of
from tests.chain import calldata
from tests.onchain.venues.data import LogMaker, recording
from tests.onchain.venues.test_declared import BASE, QUOTE, ask, bid

MAKER, TAKER = "0x" + "a" * 40, "0x" + "b" * 40
SECOND = 1_790_300_000
CONTRACTS = Path(__file__).parent / "contracts"
KURU_ORDER = "(address,uint96,uint40,uint40,uint40,uint32,uint32,bool)"
KURU_VAULT = "(address,uint256,uint96,uint256,uint96,uint96,uint96,uint96)"
GTE_ORDER = "(uint8,uint32,uint256,uint256,uint256,address,uint256,uint256)"
GTE_MARKET = "(uint256,uint256,uint256,uint256,uint256,uint256)"


def deploy(anvil, name: str) -> str:
    """Compile and deploy one of the test's own contracts; returns its address."""
    bytecode = compile_code((CONTRACTS / f"{name}.vy").read_text(), output_formats=["bytecode"])["bytecode"]
    sent = anvil.send(data=bytecode)
    anvil.mine()
    return anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"].lower()


def tell(anvil, address: str, name: str, types: tuple[str, ...], *values) -> None:
    anvil.send(to=address, data=calldata(f"{name}({','.join(types)})", types, values))


@pytest.fixture
def eth_call(anvil):
    client = node()
    yield eth_call_of(client)
    client.close()


@pytest.mark.django_db
def test_the_demo_exchange_agrees_with_its_book_and_differences_are_named(exchange, eth_call):
    market = market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}}, tick_size="0.01", lot_size="0.1",
        base_symbol="AAPL",
    )  # fmt: skip
    for order in range(1, 20):
        exchange.place(order, owner=MAKER, side="bid" if order % 2 else "ask", price=9_000 + order, size=order)
    exchange.mark(18_000)
    exchange.submit(time_s=SECOND)
    exchange.fill(19, 4, taker=TAKER)
    exchange.cancel(2)
    block = exchange.submit()
    client = node()
    follow(client)
    client.close()
    adapter, _ = derive.load(market, at=block)
    assert len(adapter.lots()) == 18
    assert adapter.reconcile(block_number=block, eth_call=eth_call) == []
    # At the block before, the contract said otherwise.
    assert [str(difference) for difference in adapter.reconcile(block_number=block - 1, eth_call=eth_call)] == [
        "size of order 19: the logs say 15, the contract says 19."
    ]
    exchange.cancel(7)
    exchange.mark(18_001)
    later = exchange.submit()
    assert {difference.what for difference in adapter.reconcile(block_number=later, eth_call=eth_call)} == {
        "owner of order 7", "side of order 7", "price of order 7", "size of order 7", "mark of the market",
    }  # fmt: skip


def kuru_vault(run, **changes) -> tuple:
    said = run.state["vault_params"] | changes
    return (run.state["vault"], int(said["best_bid_1e18"]), int(said["bid_partially_filled_size"]),
            int(said["best_ask_1e18"]), int(said["ask_partially_filled_size"]), int(said["bid_order_size"]),
            int(said["ask_order_size"]), said["spread"])  # fmt: skip


def test_kurus_views_agree_with_the_replayed_book(anvil, eth_call):
    run = recording("kuru", "small")
    adapter = replay(run.market, logs=run.logs, blocks=run.blocks).adapter
    adapter.address = deploy(anvil, "kuru_views")
    for order, said in run.state["orders"].items():
        if said["live"]:
            fields = (said["owner"], int(said["storage_size"]), 0, 0, said["flipped_id"], said["price"],
                      said["flipped_price"], said["side"] == "buy")  # fmt: skip
            tell(anvil, adapter.address, "set_order", ("uint40", KURU_ORDER), int(order), fields)
    market = ("uint40", "uint8", KURU_VAULT)
    births, state = run.state["order_id_counter"], run.state["market_state"]
    tell(anvil, adapter.address, "set_market", market, births, state, kuru_vault(run))
    agreed = anvil.mine()
    assert adapter.reconcile(block_number=agreed, eth_call=eth_call) == []
    changed = next(order for order, said in run.state["orders"].items() if said["live"])
    tell(anvil, adapter.address, "set_order", ("uint40", KURU_ORDER), int(changed), (MAKER, 5, 0, 0, 0, 1, 0, True))
    tell(anvil, adapter.address, "set_market", market, births + 1, 2, kuru_vault(run, ask_order_size="1"))
    found = adapter.reconcile(block_number=anvil.mine(), eth_call=eth_call)
    assert {difference.what for difference in found} >= {
        f"owner of order {changed}", f"size of order {changed}", "number of orders of the market",
        "state of the market", "ask_size of the vault",
    }  # fmt: skip
    assert adapter.reconcile(block_number=agreed, eth_call=eth_call) == []


@pytest.mark.parametrize("flavour", ["plain", "small"])
def test_gtes_views_agree_with_the_replayed_book(anvil, eth_call, flavour):
    run = recording("gte", flavour)
    adapter = replay(run.market, logs=run.logs, blocks=run.blocks).adapter
    adapter.address = deploy(anvil, "gte_views")
    for order, said in run.state["orders"].items():
        if said["live"]:
            fields = (int(said["side"] == "sell"), said["expiry"], int(order), int(said["prev"]), int(said["next"]),
                      said["owner"], int(said["price"]), int(said["remaining"]))  # fmt: skip
            tell(anvil, adapter.address, "set_order", (GTE_ORDER,), fields)
    told = run.state
    market = [int(told[name]) for name in ("best_bid", "best_ask", "num_bids", "num_asks", "event_nonce")]
    market.append(int(told["params"]["final"]["lot_size_in_base"]))
    tell(anvil, adapter.address, "set_market", (GTE_MARKET,), tuple(market))
    agreed = anvil.mine()
    assert adapter.reconcile(block_number=agreed, eth_call=eth_call) == []
    market[2] += 1
    tell(anvil, adapter.address, "set_market", (GTE_MARKET,), tuple(market))
    found = adapter.reconcile(block_number=anvil.mine(), eth_call=eth_call)
    assert [str(difference) for difference in found] == [
        f"number of bids of the market: the logs say {told['num_bids']}, the contract says {told['num_bids'] + 1}."
    ]


def test_a_contract_that_gives_no_answer_is_an_error_and_no_agreement():
    run = recording("gte", "plain")
    adapter = replay(run.market, logs=run.logs, blocks=run.blocks).adapter
    with pytest.raises(ViewError, match="gave no usable answer to getOrder"):
        adapter.reconcile(block_number=1, eth_call=lambda address, data, block: b"")


def test_a_declared_venue_is_compared_through_the_view_that_its_file_declares():
    config = {
        "address": "0x" + "11" * 20, "tick_raw": "1", "lot_raw": "1",
        "declared": {"events": "oasis.toml", "base": BASE, "quote": QUOTE, "base_size": "1"},
    }  # fmt: skip
    adapter = make_adapter(name="declared", config=config)
    logs = LogMaker()
    bid(logs, 1, 5, 50)
    ask(logs, 2, 6, 60)
    adapter.apply(**logs.take())
    answers = {2: (6, BASE, 60, QUOTE), 1: (50, QUOTE, 4, BASE)}

    def eth_call(address, data, block):
        return encode(["uint256", "address", "uint256", "address"], answers[int.from_bytes(data[4:])])

    assert {str(d) for d in adapter.reconcile(block_number=1, eth_call=eth_call)} == {
        "size of order 1: the logs say 5, the contract says 4."
    }
    mangrove = make_adapter(name="declared", config=config | {"declared": {
        "events": "mangrove.toml", "asks": "0x1", "bids": "0x2", "base_size": "1", "off_tick": "away"}})  # fmt: skip
    with pytest.raises(MarketConfigError, match="the file declares none"):
        mangrove.reconcile(block_number=1, eth_call=eth_call)
