"""Real order flow, recorded on Bitstamp, goes the whole way on a real chain; balances are the contract's own."""

import pytest

from config import embedded
from config.embedded.layout import free_port
from onchain.indexer import follow, node
from onchain.models import MarketEvent
from rewards import tasks
from rewards.demo.chain import LocalChain
from rewards.demo.node import Node
from rewards.demo.realflow import BUDGET, RealFlow
from rewards.demo.recording import order_rows, sample_folder
from rewards.models import Epoch
from tests.accounting import program_accounting

EVENTS = 22_000


@pytest.fixture
def recorded_chain(tmp_path, settings):
    """A chain whose clock begins before the recording."""
    root = tmp_path / "data"
    (root / "run").mkdir(parents=True)
    (root / "run" / "chain-port").write_text(str(free_port()))
    first_s = next(order_rows(folder=sample_folder(), most=1)).time_ms // 1000
    url = embedded.ensure_chain(root, extra=["--timestamp", str(first_s - 7200), "--no-mining"])
    settings.RPC_URLS, settings.EVIDENCE_DIR = [url], tmp_path / "evidence"
    roles = ("PROPOSER", "RELAYER")
    settings.SIGNERS = {**settings.SIGNERS, **{role: {"key": embedded.test_key(role.lower())} for role in roles}}
    with Node(url=url) as connection:
        chain = LocalChain(node=connection)
        chain.take_over()
        yield chain
    embedded.stop_chain(root)


def poke() -> None:
    client = node()
    try:
        follow(client)
    finally:
        client.close()
    tasks.watch_distributor()
    tasks.advance_epochs()
    tasks.review_epochs()
    tasks.relay_claims()


@pytest.mark.e2e
@pytest.mark.django_db
def test_twenty_thousand_real_events_end_in_collected_money(recorded_chain):
    said: list[str] = []
    outcome = RealFlow(chain=recorded_chain, poke=poke, say=said.append, events=EVENTS).run()
    # Which events can't be operations follows from the recording: they and the used ones are all there is.
    assert outcome.used + sum(outcome.left_out.values()) == EVENTS
    assert outcome.used >= 20_000
    assert MarketEvent.objects.count() >= outcome.used
    epoch = Epoch.objects.get()
    assert epoch.state == Epoch.State.ACTIVE
    assert sum(outcome.balances.values()) == outcome.paid
    assert 0 < outcome.paid <= BUDGET
    poke()
    books = program_accounting(program_id=epoch.program_id)
    assert (books.difference, books.claimed, books.claimable) == (0, outcome.paid, 0)
