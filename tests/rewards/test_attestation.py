"""A second pair of eyes: an epoch worked out again from the chain, and attested only when all of it agrees."""

import shutil
import sys
from io import StringIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from config import embedded
from onchain.distributor import read_epoch
from onchain.indexer import node
from onchain.market_events import SCHEMA
from onchain.rederive import MarketSpec, events_from_chain
from onchain.signers import KeySigner
from onchain.transactions import RefusedByContractError, Sender
from rewards.engine.errors import BundleError
from rewards.engine.evidence import ManifestFields, read_terms, write_manifest
from rewards.errors import ApprovalRefusedError, AttestationRefusedError
from rewards.models import Epoch
from rewards.services.attestation import attest
from rewards.services.programs import epoch_schedule
from rewards.services.recompute import events_difference, read_manifest, recompute
from tests.chain import calldata
from tests.rewards.conftest import GUARDIAN, PROPOSER, REAL_RUN, house, one_process
from tests.rewards.test_publishing import END_S, approve, poke, proposed
from tests.rewards.test_scoring import START_S, terms_of

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db
ATTESTOR = 6


@pytest.fixture
def client(anvil):
    client = node()
    yield client
    client.close()


def attestor() -> Sender:
    return Sender(signer=KeySigner(embedded.test_key("attestor")), chain_id=31337)


@pytest.fixture
def appointed(house):
    """The treasury wants one second opinion from now on."""
    accounts = house.anvil.accounts
    data = calldata(
        "appoint(address,address,address[],uint256)", ("address", "address", "address[]", "uint256"),
        (accounts[PROPOSER], accounts[GUARDIAN], [accounts[ATTESTOR]], 1),
    )  # fmt: skip
    house.treasury_sends(to=house.distributor, data=data)
    house.anvil.mine()


def bundle_of(epoch, settings):
    return settings.EVIDENCE_DIR / epoch.evidence_name


def rewritten(folder, target, change):
    """A copy of a bundle whose manifest is right again after `change` did something to it, as a forger would."""
    shutil.copytree(folder, target)
    manifest = read_manifest(folder)
    change(target, manifest)
    for key in ("version", "engine_version", "files"):
        manifest.pop(key)
    write_manifest(target, ManifestFields(**manifest))
    return target


def test_without_its_attestation_an_epoch_is_not_approved_and_with_it_it_is(
    appointed, house, proposed, client, settings, anvil_process
):
    with pytest.raises(ApprovalRefusedError, match="too few attestations"):
        approve(house, proposed)
    bundle = bundle_of(proposed, settings)
    settings.SIGNERS = {**settings.SIGNERS, "ATTESTOR": {"key": embedded.test_key("attestor")}}
    out = StringIO()
    for _ in range(2):
        house.anvil.rpc("evm_setAutomine", True)
        call_command("attest", str(bundle), "--rpc", anvil_process, stdout=out)
    house.anvil.rpc("evm_setAutomine", False)
    assert out.getvalue().count("was attested") == 2
    assert "before; there is nothing to do" in out.getvalue()
    assert read_epoch(client=client, distributor=house.distributor, epoch=1).attestations == 1
    approve(house, proposed)
    house.anvil.mine()
    poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.APPROVED


def test_only_who_was_appointed_can_attest(house, proposed, client, settings):
    with pytest.raises(RefusedByContractError, match="not your role"):
        attest(client, bundle=bundle_of(proposed, settings), sender=attestor(), wait_s=1)


def test_events_that_the_chain_does_not_have_are_found_though_every_hash_is_right(
    house, proposed, client, settings, tmp_path, anvil_process
):
    folder = bundle_of(proposed, settings)
    # As a stranger runs it: a process without any database of ours.
    done = REAL_RUN(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "verify_epoch", str(folder), "--rpc", anvil_process],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "RPC_URLS": "http://[::1]:1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[-1:]) == (0, [proposed.root]), done.stderr

    def bigger(target, manifest):
        table = pq.read_table(target / "events.parquet")
        sizes = [size and size + 1 for size in table.column("size").to_pylist()]
        column = table.schema.get_field_index("size")
        pq.write_table(table.set_column(column, "size", pa.array(sizes, pa.int64())), target / "events.parquet")

    forged = rewritten(folder, tmp_path / "forged", bigger)
    with pytest.raises(CommandError, match=r"events\.parquet, row 1, size") as caught:
        call_command("verify_epoch", str(forged), "--rpc", anvil_process)
    assert caught.value.returncode == 1
    with pytest.raises(AttestationRefusedError, match="size"):
        attest(client, bundle=forged, sender=attestor(), wait_s=1)

    def elsewhere(target, manifest):
        manifest["to_block_hash"] = "0x" + "1" * 64

    other = rewritten(folder, tmp_path / "elsewhere", elsewhere)
    with pytest.raises(CommandError, match="to_block_hash"):
        call_command("verify_epoch", str(other), "--rpc", anvil_process)
    # The events of the chain are those of the evidence, by an adapter that starts in the middle of nothing.
    manifest, terms = read_manifest(folder), read_terms(folder / "terms.json")
    market = MarketSpec(name="AAPL-PERP", **manifest["venue"]["markets"]["AAPL-PERP"])
    found = events_from_chain(
        client, markets=[market], from_block=manifest["from_block"], to_block=manifest["to_block"],
        from_ms=terms.epoch.start_ms, to_ms=terms.epoch.end_ms,
    )  # fmt: skip
    assert found.events.num_rows > 0


def test_a_proposal_that_is_not_what_the_evidence_gives_is_not_attested(house, proposed, client, settings, tmp_path):
    def another_program(target, manifest):
        manifest["time_source"] = "somebody's watch"

    other = rewritten(bundle_of(proposed, settings), tmp_path / "other", another_program)
    with pytest.raises(AttestationRefusedError, match="the chain proposes"):
        attest(client, bundle=other, sender=attestor(), wait_s=1)


def test_there_is_nothing_to_attest_of_an_epoch_that_pays_nobody(house, one_process, client, settings):
    terms = terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    epoch = epoch_schedule(program=house.program, terms=terms)
    house.anvil.mine(time_s=START_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    poke(house)
    epoch.refresh_from_db()
    assert epoch.state == Epoch.State.EMPTY, epoch.note
    with pytest.raises(AttestationRefusedError, match="pays nobody"):
        attest(client, bundle=bundle_of(epoch, settings), sender=attestor(), wait_s=1)


def test_a_manifest_whose_venue_is_malformed_is_one_sentence_that_says_so(house, proposed, client, settings, tmp_path):
    folder = bundle_of(proposed, settings)

    def market(change):
        return lambda venue: venue["markets"]["AAPL-PERP"].update(change)

    changes = [
        market({"start_block": "3"}), market({"start_block": -1}), market({"address": 7}), market({"config": 7}),
        market({"adapter": ["gte"]}), lambda venue: venue.update(markets=[]), lambda venue: venue.update(vaults=[]),
        lambda venue: venue.update(vaults={"0x" + "1" * 40: 7}),
        lambda venue: venue.update(vaults={"0x" + "1" * 40: {"start_block": "0"}}),
        lambda venue: venue.update(vaults={"0x" + "1" * 40: {"start_block": 0, "left_out": [7]}}),
    ]  # fmt: skip
    for number, change in enumerate(changes):
        forged = rewritten(folder, tmp_path / str(number), lambda _, manifest, change=change: change(manifest["venue"]))
        with pytest.raises(BundleError, match=r"^manifest\.json.*venue"):
            recompute(client, bundle=forged)


def test_times_that_a_node_gave_live_are_compared_by_their_second():
    def table(time_ms: int, price: int) -> pa.Table:
        row = {"market": "M", "block": 1, "log_index": 0, "time_ms": time_ms, "kind": "anchor", "price": price}
        return pa.table({field.name: pa.array([row.get(field.name)], field.type) for field in SCHEMA}, schema=SCHEMA)

    assert events_difference(table(1_700, 5), table(1_000, 5), exact_times=False) is None
    assert events_difference(table(1_700, 5), table(2_000, 5), exact_times=False) is not None
    assert "time_ms" in str(events_difference(table(1_700, 5), table(1_000, 5), exact_times=True))
    assert "row 1, price" in str(events_difference(table(1_700, 5), table(1_000, 6), exact_times=False))
