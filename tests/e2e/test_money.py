"""Money on its way, end to end on a chain: batches, vetoes, pauses, other recipients, and the end of a programme."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from config import embedded
from onchain.contracts import artefact
from onchain.models import ChainClaim, ChainDistributor, ChainEpoch, ChainRecipient, OutgoingTransaction
from rewards import tasks
from rewards.models import Alarm, AutoCollect, ClaimRequest, Epoch
from rewards.services import claims
from rewards.services.auto_collect import auto_collect_set
from rewards.services.claims import claim_request
from rewards.services.proofs import proof_packs_write
from tests.chain import calldata
from tests.rewards.conftest import (
    ALICE_LP,
    ALICE_PAY,
    BOB_PAY,
    DELAY_S,
    GUARDIAN,
    PROPOSER,
    TREASURY,
    house,
    one_process,
)
from tests.rewards.test_publishing import END_S, activated, approve, books, poke, proposed

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db
DAY_S = 86_400
CLAIM = "claim(address,address,uint256,bytes32[])"


def claim_data(epoch, account: str, token: str) -> str:
    leaf = epoch.entitlements.get(account=account)
    proof = [bytes.fromhex(node[2:]) for node in leaf.proof]
    types = ("address", "address", "uint256", "bytes32[]")
    return calldata(CLAIM, types, (account, token, leaf.cumulative, proof))


def act(house, who: int, signature: str, types=(), values=()) -> None:
    sent = house.anvil.send(data=calldata(signature, types, values), to=house.distributor, sender=who)
    house.anvil.mine()
    assert house.anvil.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1", signature
    house.index()
    tasks.watch_distributor()


def alarms(code: str) -> list[str]:
    return list(Alarm.objects.filter(code=code, cleared_at=None).values_list("message", flat=True))


def test_a_batch_with_a_claim_that_somebody_sent_first_pays_the_others_and_nobody_twice(house, proposed):
    activated(house, proposed)
    for account in (ALICE_PAY, ALICE_LP, BOB_PAY):
        claim_request(program=house.program, account=account)
    # The rival's transaction is in the same block, before the batch.
    rival = house.anvil.send(data=claim_data(proposed, ALICE_LP, house.token), to=house.distributor, sender=7)
    tasks.relay_claims()
    house.anvil.mine()
    batch = OutgoingTransaction.objects.get(purpose__startswith="collect ")
    receipts = [house.anvil.rpc("eth_getTransactionReceipt", hash_) for hash_ in (rival, batch.tx_hash)]
    assert [receipt["status"] for receipt in receipts] == ["0x1", "0x1"]
    assert receipts[0]["blockNumber"] == receipts[1]["blockNumber"]
    assert int(receipts[0]["transactionIndex"], 16) < int(receipts[1]["transactionIndex"], 16)
    poke(house)
    poke(house)
    assert [house.balance(account) for account in (ALICE_PAY, ALICE_LP, BOB_PAY)] == [583_334, 249_999, 166_666]
    assert set(ClaimRequest.objects.values_list("state", flat=True)) == {"done"}
    assert ChainClaim.objects.count() == 3
    assert books(house)["claimable"] == 0


def test_a_veto_gives_the_money_back_and_the_epoch_can_be_scored_again(house, proposed):
    treasury = house.anvil.accounts[TREASURY]
    before = house.balance(treasury)
    approve(house, proposed)
    house.anvil.mine()
    poke(house)
    assert house.balance(treasury) == before - 999_999
    act(house, GUARDIAN, "veto(uint256,string)", ("uint256", "string"), (1, "wrong week"))
    proposed.refresh_from_db()
    assert (proposed.state, "wrong week" in proposed.note) == (Epoch.State.VETOED, True)
    assert (house.balance(treasury), house.balance(house.distributor)) == (before, 0)
    house.anvil.mine(time_s=END_S + 3 * DELAY_S)
    poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.VETOED


def test_a_pause_holds_collections_back_in_plain_words_and_they_go_on_afterwards(house, proposed, client):
    activated(house, proposed)
    act(house, GUARDIAN, "pause()")
    assert ChainDistributor.objects.get().paused
    assert "paused" in client.get(f"/collect/{BOB_PAY}/").content.decode()
    assert len(alarms("paused")) == 1
    claim_request(program=house.program, account=BOB_PAY)
    poke(house)
    request = ClaimRequest.objects.get(account=BOB_PAY)
    assert (request.state, "paused" in request.note) == ("waiting", True)
    act(house, TREASURY, "unpause()")
    poke(house)
    poke(house)
    assert house.balance(BOB_PAY) == 166_666
    assert alarms("paused") == []


def test_money_goes_to_the_recipient_that_the_account_has_named(house, proposed):
    activated(house, proposed)
    account, elsewhere = house.anvil.accounts[8], "0x" + "e" * 40
    act(house, 8, "set_recipient(address)", ("address",), (elsewhere,))
    row = ChainRecipient.objects.get()
    assert (row.account, row.recipient) == (account, elsewhere)
    house.anvil.rpc("anvil_impersonateAccount", BOB_PAY)
    house.anvil.rpc("anvil_setBalance", BOB_PAY, hex(10**18))
    set_recipient = calldata("set_recipient(address)", ("address",), (elsewhere,))
    house.anvil.rpc("eth_sendTransaction", {"from": BOB_PAY, "to": house.distributor, "data": set_recipient})
    house.anvil.mine()
    claim_request(program=house.program, account=BOB_PAY)
    poke(house)
    poke(house)
    assert (house.balance(BOB_PAY), house.balance(elsewhere)) == (0, 166_666)
    claim = ChainClaim.objects.get()
    assert (claim.account, claim.recipient) == (BOB_PAY, elsewhere)
    act(house, 8, "set_recipient(address)", ("address",), ("0x" + "0" * 40,))
    assert list(ChainRecipient.objects.values_list("account", flat=True)) == [BOB_PAY]


def test_a_programme_ends_with_notice_and_what_nobody_collected_goes_back(house, proposed):
    activated(house, proposed)
    act(house, TREASURY, "announce_wind_down()")
    row = ChainDistributor.objects.get()
    head = house.anvil.rpc("eth_getBlockByNumber", "latest", False)
    assert row.wind_down_at_s - int(head["timestamp"], 16) <= 90 * DAY_S
    assert len(alarms("wind_down")) == 1
    claim_request(program=house.program, account=BOB_PAY)
    poke(house)
    poke(house)
    assert house.balance(BOB_PAY) == 166_666
    before = house.balance(house.anvil.accounts[TREASURY])
    house.anvil.mine(time_s=row.wind_down_at_s + 1)
    treasury = house.anvil.accounts[TREASURY]
    act(house, TREASURY, "wind_down(address,address)", ("address", "address"), (house.token, treasury))
    assert house.balance(treasury) == before + 999_999 - 166_666
    claim_request(program=house.program, account=ALICE_LP)
    poke(house)
    request = ClaimRequest.objects.get(account=ALICE_LP)
    assert (request.state, "too little of the token" in request.note) == ("failed", True)


def test_who_switched_it_on_is_collected_for_by_itself_once_for_each_amount(house, proposed):
    auto_collect_set(by=User(wallet=ALICE_LP), program=house.program, account=ALICE_LP, on=True)
    auto_collect_set(by=User(wallet="0x" + "9" * 40), program=house.program, account="0x" + "9" * 40, on=True)
    activated(house, proposed)
    for _ in range(3):
        poke(house)
    assert house.balance(ALICE_LP) == 249_999
    assert ClaimRequest.objects.count() == 1
    auto_collect_set(by=User(wallet=ALICE_LP), program=house.program, account=ALICE_LP, on=False)
    assert AutoCollect.objects.count() == 1


def test_the_gas_of_a_day_bounds_the_batch_and_what_one_account_costs(house, proposed, settings):
    activated(house, proposed)
    settings.RELAYER_DAILY_GAS = 2 * claims.GAS_A_CLAIM
    for account in (ALICE_PAY, ALICE_LP, BOB_PAY):
        claim_request(program=house.program, account=account)
    tasks.relay_claims()
    assert list(ClaimRequest.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "sent", "waiting"]
    poke(house)
    last = ClaimRequest.objects.order_by("pk").last()
    assert (last.state, last.note) == ("waiting", claims.BUDGET_USED)
    settings.RELAYER_ACCOUNT_DAILY_GAS = 10_000
    assert claims._had_its_share(ClaimRequest.objects.filter(account=ALICE_PAY), now=timezone.now())
    assert not claims._had_its_share(ClaimRequest.objects.filter(account=BOB_PAY), now=timezone.now())


def test_a_proposal_and_an_approval_that_we_do_not_know_raise_an_alarm_that_people_see(house, client):
    """Somebody has the proposer's key, and then fools the treasury."""
    poke(house)
    root, manifest = b"\x11" * 32, b"\x22" * 32
    act(
        house, PROPOSER, "propose(uint256,bytes32,bytes32,bytes32,address[],uint256[])",
        ("uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]"),
        (1, root, bytes(32), manifest, [house.token], [500]),
    )  # fmt: skip
    (message,) = alarms("unknown_proposal")
    assert "epoch 1 proposed" in message
    digest = ChainEpoch.objects.get().digest
    assert digest in message
    allow = calldata("approve(address,uint256)", ("address", "uint256"), (house.distributor, 500))
    house.treasury_sends(to=house.token, data=allow)
    act(house, TREASURY, "approve(uint256,bytes32)", ("uint256", "bytes32"), (1, bytes.fromhex(digest[2:])))
    treasurer = User.objects.create_user(username="tess", password="lamps-burn-all-night", role="treasurer")
    assert digest in client.get("/status/").content.decode()
    client.force_login(treasurer)
    assert digest in client.get("/treasury/").content.decode()
    act(house, GUARDIAN, "veto(uint256,string)", ("uint256", "string"), (1, "not ours"))
    assert alarms("unknown_proposal") == []


def test_a_change_of_roles_is_told_and_a_proposer_who_lost_the_role_knows_it(house):
    poke(house)
    assert alarms("role_change") == []
    accounts = house.anvil.accounts
    types = ("address", "address", "address[]", "uint256")
    act(house, TREASURY, "appoint(address,address,address[],uint256)", types, (accounts[8], accounts[GUARDIAN], [], 0))
    (message,) = alarms("role_change")
    assert accounts[8] in message
    assert accounts[8] in alarms("wrong_proposer")[0]
    act(house, TREASURY, "offer_treasury(address)", ("address",), (accounts[9],))
    assert accounts[9] in alarms("treasury_offered")[0]
    act(house, 9, "accept_treasury()")
    assert (ChainDistributor.objects.get().treasury, alarms("treasury_offered")) == (accounts[9], [])


CLAIM_WITH_ETHERS = """
const { JsonRpcProvider, Wallet, Contract } = require("ethers");
const [url, key, packFile, abiFile] = process.argv.slice(2);
const pack = JSON.parse(require("fs").readFileSync(packFile));
const abi = JSON.parse(require("fs").readFileSync(abiFile));
(async () => {
  const provider = new JsonRpcProvider(url, Number(pack.chain_id), { staticNetwork: true });
  const contract = new Contract(pack.distributor, abi, new Wallet(key, provider));
  const sent = await contract.claim(pack.account, pack.token, pack.cumulative, pack.proof);
  const same = sent.data === pack.calldata;
  const receipt = await sent.wait();
  console.log(JSON.stringify({ status: receipt.status, same }));
  provider.destroy();
})();
"""


def test_a_stranger_collects_with_the_proof_pack_the_abi_and_a_javascript_library(
    house, proposed, client, settings, tmp_path, anvil_process
):
    """ethers, and nothing of ours but the file that the page offers and the contract's ABI."""
    settings.PROOFS_DIR = tmp_path / "proofs"
    activated(house, proposed)
    answer = client.get(f"/proofs/perps/{BOB_PAY}.json")
    pack = tmp_path / "pack.json"
    pack.write_bytes(b"".join(answer.streaming_content))
    assert answer["Cache-Control"] == "public, max-age=60"
    assert client.get(f"/proofs/perps/{BOB_PAY}.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    forever = client.get(f"/proofs/perps/{proposed.root}/{BOB_PAY}.json")
    assert "immutable" in forever["Cache-Control"]
    assert b"".join(forever.streaming_content) == pack.read_bytes()
    assert client.get(f"/proofs/perps/{'0x' + '9' * 40}.json").status_code == 404
    abi = tmp_path / "abi.json"
    abi.write_text(json.dumps(artefact("rewards_distributor").abi))
    script = tmp_path / "claim.cjs"
    script.write_text(CLAIM_WITH_ETHERS)

    house.anvil.rpc("evm_setAutomine", True)
    try:
        done = subprocess.run(
            ["node", str(script), anvil_process, embedded.test_key("taker"), str(pack), str(abi)],
            capture_output=True, text=True, timeout=60, check=False,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "NODE_PATH": str(Path(settings.BASE_DIR) / "node_modules")},
        )  # fmt: skip
    finally:
        house.anvil.rpc("evm_setAutomine", False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"status": 1, "same": True}
    assert house.balance(BOB_PAY) == 166_666


def test_proof_packs_are_written_once_and_whole(house, proposed, settings, tmp_path):
    settings.PROOFS_DIR = tmp_path / "proofs"
    assert proof_packs_write(program=house.program) is None
    activated(house, proposed)
    folder = proof_packs_write(program=house.program)
    files = sorted(path.name for path in folder.iterdir())
    named = {f"{account}.json" for account in (ALICE_PAY, ALICE_LP, BOB_PAY)}
    # Each also packed, as most who ask take it.
    assert files == sorted(named | {f"{name}.gz" for name in named})
    assert {
        gzip.decompress((folder / f"{name}.gz").read_bytes()) == (folder / name).read_bytes() for name in named
    } == {True}
    stamp = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    proof_packs_write(program=house.program)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamp
    assert [path.name for path in (settings.PROOFS_DIR / "perps").iterdir()] == [proposed.root]
