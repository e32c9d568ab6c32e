"""From anvil to rows: verified blocks, exact events, reorgs, restarts, and the carry-in of an epoch."""

import pytest

from onchain import derive, selectors
from onchain.derive import derive_markets, rewind_markets
from onchain.errors import IndexerStoppedError, MarketQuarantinedError, ReorgBelowFinalError
from onchain.indexer import follow, head_lock, node
from onchain.models import AdapterState, Alarm, Block, Cursor, Market, MarketEvent, RawLog
from onchain.services import market_register

pytestmark = pytest.mark.django_db
MAKER, OTHER, TAKER = ("0x" + digit * 40 for digit in "abc")
SECOND = 1_790_100_000


def register(exchange, *, name="AAPL-PERP", market_id=1) -> Market:
    return market_register(
        name=name, adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": market_id}},
        tick_size="0.01", lot_size="0.1", base_symbol="AAPL",
    )  # fmt: skip


def index(**options):
    client = node()
    try:
        return follow(client, **options)
    finally:
        client.close()


def events(market: str = "AAPL-PERP", *, from_ms: int = 0, to_ms: int = 10**15) -> list[tuple]:
    table = selectors.market_events_arrow(markets=[market], from_ms=from_ms, to_ms=to_ms)
    return [
        (row["kind"], row["order"], row["side"], row["price"], row["size"], row["taker"]) for row in table.to_pylist()
    ]


def everything() -> dict[str, list]:
    """All rows that indexing leaves behind, for comparison of two ways to get there."""
    return {
        "blocks": list(
            Block.objects.filter(canonical=True).order_by("number").values_list("number", "hash", "time_ms")
        ),
        "logs": list(
            RawLog.objects.order_by("block_number", "log_index").values_list("block_number", "log_index", "data")
        ),
        "events": list(MarketEvent.objects.order_by("block_number", "log_index").values_list()),
    }


def test_what_the_sequencer_submits_becomes_market_events(exchange):
    register(exchange)
    exchange.mark(20_000)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.place(2, owner=MAKER, side="ask", price=10_010, size=40)
    exchange.submit(time_s=SECOND)
    exchange.fill(2, 15, taker=TAKER)
    exchange.cancel(1, 20)
    exchange.cancel(2)
    exchange.submit(time_s=SECOND + 1)
    assert index().caught_up
    assert events() == [
        ("anchor", None, None, 20_000, None, None),
        ("place", "1", "bid", 9_990, 50, None),
        ("place", "2", "ask", 10_010, 40, None),
        ("fill", "2", None, None, 15, TAKER),
        ("cancel", "1", None, None, 20, None),
        ("cancel", "2", None, None, 25, None),
    ]


def test_logs_of_several_transactions_are_numbered_over_the_block(exchange):
    register(exchange)
    for batch in range(3):
        for order in range(4):
            exchange.place(10 * batch + order + 1, owner=MAKER, side="bid", price=9_000, size=order + 1)
        exchange.send()
    number = exchange.anvil.mine(time_s=SECOND)
    index()
    told = exchange.anvil.rpc("eth_getLogs", {"fromBlock": hex(number), "toBlock": hex(number)})
    stored = RawLog.objects.filter(block_number=number).order_by("log_index")
    assert [(row.log_index, row.transaction_hash, row.data) for row in stored] == [
        (int(log["logIndex"], 16), log["transactionHash"], log["data"]) for log in told
    ]
    assert len(told) == 12
    assert [row[1] for row in events()] == [str(10 * batch + order + 1) for batch in range(3) for order in range(4)]


def test_the_adapters_book_is_the_contracts_own_view(exchange):
    market = register(exchange)
    for order in range(1, 30):
        exchange.place(order, owner=MAKER, side="bid" if order % 2 else "ask", price=9_000 + order, size=order)
    exchange.submit(time_s=SECOND)
    for order in range(1, 30, 3):
        exchange.cancel(order, order // 2)
        exchange.fill(order + 1, 1, taker=TAKER)
    exchange.submit()
    index()
    adapter, _ = derive.load(market, at=Cursor.objects.get().block_number)
    book = adapter.contract_state()["orders"]
    for order in range(1, 31):
        answer = exchange.anvil.call(
            to=exchange.address, signature="order_of(uint32,uint64)", types=("uint32", "uint64"), values=(1, order)
        )
        owner, is_bid, price, size = (int(answer[2 + 64 * i : 66 + 64 * i], 16) for i in range(4))
        ours = book.get(str(order))
        assert (size > 0) == (ours is not None)
        if ours is not None:
            assert ours == {"owner": f"0x{owner:040x}", "side": "bid" if is_bid else "ask", "price": str(price),
                            "size": str(size)}  # fmt: skip


def test_blocks_are_verified_and_final_two_behind_the_head(exchange):
    register(exchange)
    exchange.anvil.mine(time_s=SECOND, blocks=5)
    index()
    head = selectors.head()
    assert head.number == int(exchange.anvil.rpc("eth_blockNumber"), 16)
    finalized = exchange.anvil.rpc("eth_getBlockByNumber", "finalized", False)
    assert selectors.final_block().hash == finalized["hash"]
    assert set(Block.objects.values_list("status", flat=True)) == {Block.Status.VERIFIED, Block.Status.FINAL}


def test_the_second_of_the_head_is_not_settled(exchange):
    register(exchange)
    exchange.anvil.mine(time_s=SECOND)
    exchange.anvil.mine(time_s=SECOND)
    exchange.anvil.mine(time_s=SECOND)
    index()
    assert list(Block.objects.filter(timestamp_s=SECOND).order_by("number").values_list("time_ms", "settled")) == [
        (SECOND * 1000, False), (SECOND * 1000 + 333, False), (SECOND * 1000 + 666, False),
    ]  # fmt: skip
    exchange.anvil.mine(time_s=SECOND)
    exchange.anvil.mine(time_s=SECOND + 5)
    exchange.anvil.mine(time_s=SECOND + 6, blocks=3)
    index()
    assert list(Block.objects.filter(timestamp_s=SECOND).order_by("number").values_list("time_ms", "settled")) == [
        (SECOND * 1000, True), (SECOND * 1000 + 250, True), (SECOND * 1000 + 500, True), (SECOND * 1000 + 750, True),
    ]  # fmt: skip
    assert (
        selectors.settled_through_ms()
        == 1000 * Block.objects.filter(settled=False).order_by("number").first().timestamp_s
    )


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_any_batch_size_leaves_the_same_rows(exchange, monkeypatch, batch):
    register(exchange)
    for step in range(12):
        exchange.place(step + 1, owner=MAKER, side="bid", price=9_000 - step, size=10)
        if step > 3:
            exchange.cancel(step - 2, 3)
        exchange.submit(time_s=SECOND + step // 3)
    monkeypatch.setattr("onchain.indexer.BATCH_BLOCKS", batch)
    index()
    assert [row[:2] for row in events()] == [
        row for step in range(12) for row in
        [("place", str(step + 1))] + ([("cancel", str(step - 2))] if step > 3 else [])
    ]  # fmt: skip
    assert Market.objects.get().derived_through == selectors.head().number


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("length", [-1, 0, 3])
def test_after_a_reorg_the_rows_are_those_of_a_clean_index(exchange, settings, depth, length):
    settings.CHAIN_CONFIRMATION_DEPTH = 50
    register(exchange)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    for step in range(depth):
        exchange.place(100 + step, owner=MAKER, side="ask", price=10_500, size=5)
        exchange.submit(time_s=SECOND + 1 + step)
    index()
    exchange.anvil.rpc("evm_revert", snapshot)
    for step in range(max(1, depth + length)):
        exchange.cancel(1, 1)
        exchange.place(200 + step, owner=OTHER, side="ask", price=10_600, size=7)
        exchange.submit(time_s=SECOND + 1 + step // 2)
    assert index().caught_up
    assert index().caught_up
    after = everything()
    canonical = {number for number, _, _ in after["blocks"]}
    assert "100" not in {row[1] for row in events()}
    for model in (AdapterState, MarketEvent, RawLog, Block, Cursor):
        model.objects.all().delete()
    Market.objects.update(derived_through=exchange.start_block - 1)
    from onchain.models import WatchedContract

    WatchedContract.objects.update(stored_through=exchange.start_block - 1)
    index()
    clean = everything()
    assert clean["blocks"] == after["blocks"]
    assert clean["events"] == after["events"]
    assert {number for number, _, _ in clean["blocks"]} == canonical


def test_a_branch_that_comes_back_is_taken_back(exchange, settings):
    settings.CHAIN_CONFIRMATION_DEPTH = 50
    register(exchange)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    first = exchange.submit(time_s=SECOND)
    index()
    hash_a = Block.objects.get(canonical=True, number=first).hash
    before = everything()
    exchange.anvil.rpc("evm_revert", snapshot)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    exchange.place(2, owner=OTHER, side="ask", price=10_990, size=50)
    exchange.submit(time_s=SECOND)
    index()
    assert events() == [("place", "2", "ask", 10_990, 50, None)]
    exchange.anvil.rpc("evm_revert", snapshot)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND)
    index()
    assert Block.objects.get(canonical=True, number=first).hash == hash_a
    again = everything()
    assert (again["blocks"], again["events"]) == (before["blocks"], before["events"])


def test_a_reorg_below_the_final_block_stops_with_an_alarm_and_changes_nothing(exchange):
    register(exchange)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    exchange.anvil.mine(time_s=SECOND, blocks=6)
    index()
    before = everything()
    exchange.anvil.rpc("evm_revert", snapshot)
    exchange.anvil.mine(time_s=SECOND + 1, blocks=9)
    with pytest.raises(ReorgBelowFinalError, match="was final"):
        index()
    assert everything() == before
    assert Alarm.objects.get().kind == "reorg_below_final"
    with pytest.raises(IndexerStoppedError):
        index()


def test_orders_that_rest_at_the_start_are_the_carry_in(exchange):
    register(exchange)
    exchange.mark(20_000)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.place(2, owner=MAKER, side="ask", price=10_010, size=40)
    exchange.submit(time_s=SECOND)
    exchange.mark(20_002)
    exchange.cancel(1, 20)
    exchange.cancel(2)
    exchange.submit(time_s=SECOND + 10)
    exchange.place(3, owner=OTHER, side="ask", price=10_020, size=9)
    exchange.submit(time_s=SECOND + 20)
    index()
    table = selectors.market_events_arrow(markets=["AAPL-PERP"], from_ms=(SECOND + 15) * 1000, to_ms=10**15)
    assert [(row["kind"], row["order"], row["price"], row["size"], row["time_ms"]) for row in table.to_pylist()] == [
        ("place", "1", 9_990, 30, SECOND * 1000),
        ("anchor", None, 20_002, None, (SECOND + 10) * 1000),
        ("place", "3", 10_020, 9, (SECOND + 20) * 1000),
    ]


def test_a_contract_that_is_registered_late_is_fetched_from_its_start(exchange):
    register(exchange)
    exchange.anvil.send(data="0x" + _selector("add_market(string)") + _encoded_string("TSLA-PERP"), to=exchange.address)
    exchange.anvil.mine()
    exchange.place(7, owner=MAKER, side="bid", price=100, size=1, market=2)
    exchange.submit(time_s=SECOND)
    index()
    register(exchange, name="TSLA-PERP", market_id=2)
    token = exchange.anvil.deploy("demo_exchange")
    index()
    assert events("TSLA-PERP") == [("place", "7", "bid", 100, 1, None)]
    assert events() == []
    assert selectors.stored_through(address=token) == -1


def test_a_market_whose_saved_state_is_of_no_use_is_derived_again(exchange):
    market = register(exchange)
    for order in range(1, 6):
        exchange.place(order, owner=MAKER, side="bid", price=9_000 + order, size=order)
        exchange.submit(time_s=SECOND + order)
    index()
    before = everything()
    AdapterState.objects.filter(market=market).update(state=b"of an older release")
    exchange.cancel(3)
    exchange.submit(time_s=SECOND + 9)
    index()
    assert everything()["events"][: len(before["events"])] == before["events"]
    assert events()[-1] == ("cancel", "3", None, None, 3, None)
    assert AdapterState.objects.get(market=market).block_number == Cursor.objects.get().block_number


def test_an_impossible_event_quarantines_its_market_and_no_other(exchange):
    """The real exchange refuses such input, so the state is made to differ from what the log says."""
    market = register(exchange)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND)
    index()
    state = AdapterState.objects.get(market=market, block_number=Market.objects.get().derived_through)
    state.state = derive.adapter_of(market).save()
    state.save()
    exchange.cancel(1, 5)
    bad = exchange.submit(time_s=SECOND + 5)
    exchange.place(2, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND + 6)
    index()
    market.refresh_from_db()
    assert market.quarantined_block == bad
    assert market.quarantine_reason == f"Block {bad}, log 0: order 1 is cancelled and does not rest."
    assert RawLog.objects.filter(block_number__gt=bad).exists()
    with pytest.raises(MarketQuarantinedError, match="does not rest"):
        events()
    assert selectors.settled_through_ms(markets=["AAPL-PERP"]) <= (SECOND + 5) * 1000


def test_deriving_again_from_a_checkpoint_gives_the_same_events(exchange):
    register(exchange)
    for step in range(6):
        exchange.place(step + 1, owner=MAKER, side="bid", price=9_000 + step, size=10)
        exchange.submit(time_s=SECOND + step)
        index()
    before = everything()
    rewind_markets(ancestor=selectors.head().number - 2)
    derive_markets(cursor=Cursor.objects.get())
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_only_one_process_follows_a_chain():
    import threading

    from django.db import connection

    seen = []

    def other():
        with head_lock(chain_id=1) as held:
            seen.append(held)
        connection.close()

    with head_lock(chain_id=1) as held:
        assert held
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [False]


def _selector(signature: str) -> str:
    from onchain.keccak import keccak256

    return keccak256(signature.encode())[:4].hex()


def _encoded_string(text: str) -> str:
    from eth_abi import encode

    return encode(("string",), (text,)).hex()
