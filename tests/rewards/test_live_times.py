"""An epoch of a chain whose node stamps blocks more finely than their headers: what its evidence says of times."""

import pytest

from onchain.heads import LiveTimes
from onchain.indexer import Indexer, node
from rewards import tasks
from rewards.engine.bundle import read_inputs
from rewards.models import Epoch
from rewards.services.programs import epoch_schedule
from rewards.services.recompute import read_manifest, recompute
from tests.rewards.conftest import ALICE, BOB, house, one_process
from tests.rewards.test_scoring import HOUR_S, START_S, quote, terms_of

__all__ = ["house", "one_process"]
pytestmark = pytest.mark.django_db
END_S = START_S + 2 * HOUR_S


def test_times_that_a_node_gave_live_are_named_as_such_and_compared_by_their_second(house, one_process, settings):
    live = LiveTimes()

    def stamped(time_s: int, *, after_us: int) -> None:
        number = int(house.anvil.rpc("eth_blockNumber"), 16) + 1
        live.take({"block_number": number, "index": 0, "mini_block_timestamp": time_s * 10**6 + after_us})
        house.exchange.submit(time_s=time_s)

    terms = terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    epoch = epoch_schedule(program=house.program, terms=terms)
    quote(house.exchange, ALICE, 1)
    stamped(START_S, after_us=250_000)
    quote(house.exchange, BOB, 11)
    stamped(START_S + HOUR_S, after_us=700_000)
    house.anvil.mine(time_s=END_S, blocks=5)
    client = node()
    try:
        Indexer(client, live=live).run()
        tasks.advance_epochs()
        epoch.refresh_from_db()
        assert epoch.state == Epoch.State.SCORED, epoch.note
        bundle = settings.EVIDENCE_DIR / epoch.evidence_name
        times = sorted(set(read_inputs(bundle).events.time_ms.tolist()))
        assert times == [START_S * 1000 + 250, (START_S + HOUR_S) * 1000 + 700]
        assert read_manifest(bundle)["time_source"].startswith("node's live stamps")
        again = recompute(client, bundle=bundle)
    finally:
        client.close()
    assert again.difference is None
    assert again.ok
