"""One chain for all faults, the rows of a clean index of it, and how many times each fault is tried."""

import os
from dataclasses import dataclass, field

import pytest

from config import embedded
from config.embedded import processes
from config.embedded.layout import free_port
from onchain.models import AdapterState, Block, Cursor, Market, MarketEvent, RawLog, WatchedContract
from onchain.services import market_register
from tests.chain import Anvil, Exchange, calldata

FULL = os.environ.get("FAULTS") == "full"
MAKER, TAKER = "0x" + "a" * 40, "0x" + "b" * 40
SECOND = 1_790_100_000
BLOCKS = 24


def seeds(full: int, sample: int) -> range:
    """All seeds with `make faults`, a fixed sample of them otherwise."""
    return range(full if FULL else sample)


@dataclass
class Scene:
    """A chain with a market on it, and what a clean index of it leaves behind."""

    exchange: Exchange
    clean: dict[str, list] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.exchange.anvil.url

    def register(self) -> Market:
        return register(self.exchange)


def register(exchange: Exchange) -> Market:
    return market_register(
        name="AAPL-PERP", adapter="lamplight", address=exchange.address, start_block=exchange.start_block,
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}}, tick_size="0.01", lot_size="0.1",
        base_symbol="AAPL",
    )  # fmt: skip


def rows() -> dict[str, list]:
    """All rows that indexing leaves behind and anybody reads, for comparison of two ways to get there."""
    alive = Block.objects.filter(canonical=True)
    logs = RawLog.objects.filter(block_hash__in=alive.values("hash")).order_by("block_number", "log_index")
    fields = [f.name for f in MarketEvent._meta.fields if f.name not in ("pk", "market_id")]
    return {
        "blocks": list(alive.order_by("number").values_list("number", "hash", "time_ms", "settled", "status")),
        "logs": list(logs.values_list("block_number", "log_index", "transaction_index", "transaction_hash", "address",
                                      "topics", "data")),
        "events": list(MarketEvent.objects.order_by("block_number", "log_index").values_list(*fields)),
        "markets": list(Market.objects.values_list("name", "derived_through", "quarantined_block")),
        "cursor": list(Cursor.objects.values_list("block_number", "block_hash", "verified_block", "final_block")),
    }  # fmt: skip


def forget() -> None:
    """Empty all tables of the indexer but for what is watched."""
    for model in (AdapterState, MarketEvent, RawLog, Block, Cursor):
        model.objects.all().delete()
    for market in Market.objects.all():
        Market.objects.filter(pk=market.pk).update(derived_through=market.start_block - 1, quarantined_block=None)
    for contract in WatchedContract.objects.all():
        WatchedContract.objects.filter(pk=contract.pk).update(stored_through=contract.start_block - 1)


def trade(exchange: Exchange, step: int) -> None:
    """Queue what a sequencer does in one block: some steps do nothing, some are several transactions."""
    if step % 4 == 3:
        return
    exchange.place(2 * step + 1, owner=MAKER, side="bid", price=9_000 - step, size=10)
    exchange.place(2 * step + 2, owner=MAKER, side="ask", price=11_000 + step, size=10)
    if step > 4 and (step - 4) % 4 != 3:
        exchange.cancel(2 * (step - 4) + 1, 4)
    exchange.send()
    if step % 3 == 0:
        exchange.fill(2 * step + 2, 3, taker=TAKER)
        exchange.mark(20_000 + step)
        exchange.send()


@pytest.fixture(scope="session")
def faulty_chain(tmp_path_factory):
    """A chain of its own with a market and BLOCKS blocks of trading; nothing is mined on it later."""
    root = tmp_path_factory.mktemp("faults")
    (root / "run").mkdir()
    (root / "run" / "chain-port").write_text(str(free_port()))
    url = embedded.ensure_chain(root, extra=["--timestamp", "1790000000", "--no-mining"])
    node = Anvil(url=url)
    node.accounts = [account.lower() for account in node.rpc("eth_accounts")]
    address = node.deploy("demo_exchange")
    start = int(node.rpc("eth_blockNumber"), 16)
    node.send(data=calldata("add_market(string)", ("string",), ("AAPL-PERP",)), to=address)
    node.mine()
    exchange = Exchange(anvil=node, address=address, start_block=start)
    for step in range(BLOCKS):
        trade(exchange, step)
        node.mine(time_s=SECOND + step // 2)
    yield Scene(exchange)
    embedded.stop_chain(root)
    assert processes.load(root, name="chain") is None


@pytest.fixture
def scene(faulty_chain, db) -> Scene:
    """The chain, with the market registered and nothing indexed yet; the clean rows are worked out once."""
    from onchain.indexer import follow
    from onchain.rpc import connect

    faulty_chain.register()
    if not faulty_chain.clean:
        client = connect(urls=[faulty_chain.url])
        follow(client)
        client.close()
        faulty_chain.clean = rows()
        forget()
    return faulty_chain
