"""Vaults in the services: from when they count, what holds an epoch up, what the checks say, and 10,000 holders."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import Maker, MakerChange, User
from onchain.errors import ShareTokenError
from onchain.indexer import node
from onchain.models import WatchedContract
from rewards.errors import EpochStateError, NotYetError, VaultRefusedError
from rewards.models import Allocation, Entitlement, Epoch, EpochCheck, EpochVault, MakerVault, Payment
from rewards.selectors.claims import claim_page
from rewards.selectors.treasury import treasury_epoch
from rewards.selectors.vaults import maker_vault_in, vaults_named
from rewards.services import vaults
from rewards.services.check_rules import Evidence, outliers
from rewards.services.notices.delivering import deliveries_do
from rewards.services.programs import epoch_schedule, epochs_begin
from rewards.services.recompute import recompute
from rewards.services.scoring import epoch_reopen, epoch_score, epoch_score_if_due
from rewards.services.vaults import vault_drop, vault_end, vault_name
from tests.chain import calldata
from tests.engine.published import restore_hashes, write_manifest
from tests.rewards.conftest import ALICE, ALICE_LP, ALICE_PAY, BOB, BOB_PAY, House
from tests.rewards.test_publishing import END_S, poke
from tests.rewards.test_scoring import HOUR_S, START_S, quote, terms_of
from tests.shares import ShareVault, deploy_hostile, holder_of

pytestmark = pytest.mark.django_db
ANN, BEN = holder_of(1), holder_of(2)
OPERATOR = "0x" + "0e" * 20
PAY = 833_333
"""Alice's, of two hours of quotes (test_scoring)."""


@pytest.fixture
def olga() -> User:
    return User.objects.create_user(username="olga", role=User.Role.OPERATOR)


def alice() -> Maker:
    return Maker.objects.get(slug="alice")


def name(by: User, vault: str, *, at_s: int = START_S - 10, operator: str = OPERATOR) -> MakerVault:
    client = node()
    try:
        return vault_name(by=by, maker=alice(), vault=vault, operator=operator, now_ms=at_s * 1000, client=client)
    finally:
        client.close()


def scheduled(house: House) -> Epoch:
    return epoch_schedule(
        program=house.program, terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    )


def two_hours(house: House) -> Epoch:
    """Alice quotes for both hours, Bob for the second; then the epoch is over and all of it final."""
    epoch = scheduled(house)
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    quote(house.exchange, BOB, 11)
    house.exchange.submit(time_s=START_S + HOUR_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    house.index()
    epochs_begin(now_ms=START_S * 1000)
    return epoch


@pytest.fixture
def vault(house) -> ShareVault:
    """Ann has had twice as much as Ben for a long time."""
    vault = ShareVault.deploy(house.anvil)
    vault.fund(ANN, BEN)
    house.anvil.mine()
    vault.deposit(ANN, 2 * 10**18)
    vault.deposit(BEN, 10**18)
    house.anvil.mine()
    return vault


def parts(epoch: Epoch) -> dict[str, int]:
    return dict(Payment.objects.filter(epoch=epoch).values_list("account", "amount"))


def test_the_holders_are_paid_in_the_place_of_the_payout_accounts(house, vault, olga):
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    # 833,333 * 2 // 3 and 833,333 * 1 // 3; one unit is left.
    assert parts(epoch) == {ANN: 555_555, BEN: 277_777, OPERATOR: 1, BOB_PAY: 166_666}
    assert not Entitlement.objects.filter(account__in=(ALICE_PAY, ALICE_LP, vault.address)).exists()
    row = EpochVault.objects.get()
    assert (row.holders, row.amount, row.dust, row.contracts) == (2, PAY, 1, [])
    assert row.balances_checked == 2


def test_a_vault_counts_in_epochs_that_begin_after_it_was_named_and_not_before(house, vault, olga):
    name(olga, vault.address, at_s=START_S)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    assert parts(epoch) == {ALICE_PAY: 583_334, ALICE_LP: 249_999, BOB_PAY: 166_666}
    assert json.loads((_bundle(house, epoch) / "manifest.json").read_text())["version"] == 1
    assert maker_vault_in(epoch=epoch, maker=alice()) is None
    assert [row.vault for row in vaults_named(start_ms=END_S * 1000)] == [vault.address]
    vault_end(by=olga, maker=alice(), now_ms=END_S * 1000)
    assert vaults_named(start_ms=END_S * 1000) != []
    assert vaults_named(start_ms=END_S * 1000 + 1) == []


def test_an_epoch_waits_until_the_vaults_transfers_are_read(house, vault, olga):
    name(olga, vault.address)
    epoch = two_hours(house)
    # As while its blocks from before the index are still being fetched.
    WatchedContract.objects.filter(address=vault.address).update(stored_through=0)
    with pytest.raises(NotYetError, match=rf"waits for the transfers of the vault {vault.address} of alice"):
        epoch_score(epoch_id=epoch.pk)
    house.index()
    assert epoch_score(epoch_id=epoch.pk).state == Epoch.State.SCORED


def test_scoring_again_gives_the_same_root(house, vault, olga):
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    first, before = (epoch.root, parts(epoch)), _files(_bundle(house, epoch))
    named = epoch.manifest_hash
    epoch_reopen(program=house.program, number=1)
    epoch = epoch_score(epoch_id=epoch.pk)
    assert (epoch.root, parts(epoch)) == first
    # Byte for byte; only the manifest is another, which names the one that it replaces.
    after = _files(_bundle(house, epoch))
    assert json.loads(after.pop("manifest.json"))["replaces"] == named
    del before["manifest.json"], before["manifest.sha256"], after["manifest.sha256"]
    assert after == before
    assert EpochVault.objects.count() == 1


def test_a_token_that_rebases_stops_its_epoch_with_a_sentence_until_an_operator_drops_it(house, olga):
    token = deploy_hostile(house.anvil, "rebasing_share")
    house.anvil.send(data=calldata("mint(address,uint256)", ("address", "uint256"), (ANN, 100)), to=token)
    house.anvil.mine()
    name(olga, token)
    house.anvil.send(data=calldata("rebase(uint256)", ("uint256",), (103,)), to=token)
    epoch = two_hours(house)
    stopped = epoch_score_if_due(epoch_id=epoch.pk, now=timezone.now())
    stopped.refresh_from_db()
    assert stopped.state == Epoch.State.LIVE
    assert f"it says that {ANN} has 103 shares, and its transfers add up to 100" in stopped.note
    with pytest.raises(VaultRefusedError, match="needs a reason"):
        vault_drop(by=olga, maker=alice(), epoch=epoch, reason=" ")
    call_command("vault_drop", "perps", "1", "alice", "--reason", "its token rebases", "--by", "olga")
    # Its members read who did it and why.
    assert MakerChange.objects.filter(maker=alice(), by="olga", reason="its token rebases").exists()
    epoch = epoch_score_if_due(epoch_id=epoch.pk, now=timezone.now())
    assert parts(epoch) == {ALICE_PAY: 583_334, ALICE_LP: 249_999, BOB_PAY: 166_666}
    with pytest.raises(EpochStateError):
        vault_drop(by=olga, maker=alice(), epoch=epoch, reason="too late")


@pytest.mark.parametrize("vault_of", ["program", "key", "exchange", "operator"])
def test_what_can_not_be_a_vault_is_refused_when_it_is_named(house, olga, vault, vault_of):
    address = {"program": house.token, "key": ANN, "exchange": house.exchange.address, "operator": vault.address}
    operator = vault.address if vault_of == "operator" else OPERATOR
    with pytest.raises((VaultRefusedError, ShareTokenError)):
        name(olga, address[vault_of], operator=operator)
    assert not MakerVault.objects.exists()
    assert not WatchedContract.objects.filter(whole=True).exists()


def test_shares_that_somebody_sends_to_the_distributor_or_the_token_hold_nothing_up(house, vault, olga, one_process):
    for elsewhere in (house.distributor, house.token, vault.address):
        vault.give(BEN, elsewhere, 1000)
    house.anvil.mine()
    name(olga, vault.address)
    epoch = two_hours(house)
    for _ in range(3):
        poke(house)
    epoch.refresh_from_db()
    assert epoch.state == Epoch.State.PROPOSED, epoch.note
    assert set(parts(epoch)) == {ANN, BEN, OPERATOR, BOB_PAY}
    assert not EpochCheck.objects.filter(epoch=epoch).exclude(passed=True).exists()


def test_holders_who_come_and_go_do_not_stand_out_but_a_vault_that_suddenly_earns_much_does(house, vault, olga):
    name(olga, vault.address)
    first = epoch_score(epoch_id=two_hours(house).pk)

    def evidence(gains: dict[str, int]) -> Evidence:
        return Evidence(manifest={}, leaves={(a, house.token): g for a, g in gains.items()}, before={})

    def later(number: int, through: dict[str, int], direct: dict[str, int]) -> tuple[bool, str]:
        epoch = Epoch.objects.create(
            program=house.program, number=number, start_ms=0, end_ms=1, budget=1_000_000,
            terms_json="{}", terms_sha256="", paid_total=1,
        )  # fmt: skip
        Payment.objects.bulk_create(
            Payment(epoch=epoch, maker="alice", account=a, amount=g, vault=vault.address) for a, g in through.items()
        )
        EpochVault.objects.create(
            epoch=epoch, maker="alice", vault=vault.address, operator=OPERATOR, holders=1, supply=1,
            amount=sum(through.values()), dust=0, contracts=[], balances_checked=1,
        )  # fmt: skip
        return outliers(epoch, evidence({**through, **direct}))

    assert first.paid_total == 999_999
    whale = "0x" + "99" * 20
    assert later(2, {whale: PAY}, {BOB_PAY: 166_666})[0]
    passed, why = later(3, {whale: 10}, {"0x" + "77" * 20: 900_000})
    assert not passed
    assert "0x" + "77" * 20 in why


def test_the_treasury_sees_contracts_and_concentration_and_a_holder_sees_the_vaults_name(house, vault, olga, client):
    other = ShareVault.deploy(house.anvil).address
    vault.give(BEN, other, 4 * 10**20)
    house.anvil.mine()
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    (row,) = treasury_epoch(epoch_id=epoch.pk, now_ms=END_S * 1000).vaults
    assert (row.name, row.holders, row.contract_count) == ("Night Desk shares", 3, 1)
    assert [(each.account, each.is_contract) for each in row.contracts] == [(other, True)]
    assert row.contracts_amount == parts(epoch)[other]
    assert row.largest_ppm == parts(epoch)[ANN] * 1_000_000 // PAY
    client.force_login(olga)
    page = client.get("/treasury/epochs/perps/1/").content.decode()
    assert "Vault: Night Desk shares" in page
    assert other in page
    Epoch.objects.update(state=Epoch.State.ACTIVE)
    (view,) = claim_page(account=ANN, now_ms=END_S * 1000, review_ms=0)
    assert [(each.vault, each.amount) for each in view.earned] == [("Night Desk shares", parts(epoch)[ANN])]
    text = client.get(f"/collect/{ANN}/").content.decode()
    assert "your part of the pay for it, through the Night Desk shares vault." in text
    scorecard = client.get("/makers/alice/perps/1/").content.decode()
    assert "The holders of Night Desk shares" in scorecard


def test_the_chain_is_read_again_for_the_holders_and_a_changed_weight_is_named(house, vault, olga):
    name(olga, vault.address)
    epoch = two_hours(house)
    vault.give(ANN, BEN, 5)  # after the epoch's end: of no matter
    house.anvil.mine()
    house.index()
    epoch = epoch_score(epoch_id=epoch.pk)
    bundle = _bundle(house, epoch)
    call_command("verify_epoch", str(bundle), "--rpc", house.anvil.url)
    lines = (bundle / "holders.csv").read_text().splitlines()
    address, account, weight = lines[1].split(",")
    lines[1] = f"{address},{account},{int(weight) + 1}"
    (bundle / "holders.csv").write_text("\n".join([*lines, ""]))
    restore_hashes(bundle)
    with pytest.raises(CommandError, match=rf"holders.csv, {account} of {address}: published \d+, computed {weight}\."):
        call_command("verify_epoch", str(bundle), "--rpc", house.anvil.url)


def test_where_times_were_given_live_a_weight_may_be_off_by_a_seconds_worth_and_no_more(house, vault, olga):
    moved = 10**15
    name(olga, vault.address)
    vault.give(ANN, BEN, moved)  # goes into the epoch's first block
    bundle = _bundle(house, epoch_score(epoch_id=two_hours(house).pk))
    manifest = json.loads((bundle / "manifest.json").read_text())
    write_manifest(bundle, manifest | {"time_source": "the node's own stamps"})
    right = (bundle / "holders.csv").read_text()
    weight = next(int(line.split(",")[2]) for line in right.splitlines() if BEN in line)
    for off, is_named in ((1000 * moved, False), (-1000 * moved, False), (1000 * moved + 1, True)):
        (bundle / "holders.csv").write_text(right.replace(f"{BEN},{weight}", f"{BEN},{weight + off}"))
        restore_hashes(bundle)
        with closing(node()) as asks:
            difference = recompute(asks, bundle=bundle).difference
        assert (difference is not None) == is_named, off


def test_an_admin_names_a_vault_on_its_page_and_reads_what_was_wrong(house, vault, client, monkeypatch):
    ada = User.objects.create_user(username="ada", role=User.Role.MAKER, email="ada@desk.example")
    maker = alice()
    maker.members.add(ada)
    maker.admins.add(ada)
    house.index()
    client.force_login(ada)
    page = "/makers/alice/vault/"
    wrong = client.post(page, {"action": "name", "vault": ANN, "operator": OPERATOR}).content.decode()
    assert f"{ANN} can&#x27;t be a vault: there is no contract." in wrong
    assert client.post(page, {"action": "name", "vault": "0x12", "operator": ""}).status_code == 200
    monkeypatch.setattr(vaults, "MOST_BLOCKS_OLDER", -10_000)
    old = client.post(page, {"action": "name", "vault": vault.address, "operator": OPERATOR}).content.decode()
    assert "blocks older than what is indexed, and reading it takes long; ask an operator" in old
    assert not MakerVault.objects.exists()
    monkeypatch.undo()
    assert client.post(page, {"action": "name", "vault": vault.address, "operator": OPERATOR}).status_code == 302
    deliveries_do(now=timezone.now())
    assert [message.to for message in mail.outbox] == [["ada@desk.example"]]
    assert f"holders of {vault.address}" in mail.outbox[0].body
    row = MakerVault.objects.get()
    assert (row.vault, row.operator, row.named_by, row.name) == (vault.address, OPERATOR, ada, "Night Desk shares")
    text = client.get(page).content.decode()
    assert "Its transfers since it was deployed are being read." in text
    house.index()
    house.anvil.mine(blocks=3)
    house.index()
    assert "All its transfers are read." in client.get(page).content.decode()
    assert client.post(page, {"action": "end"}).status_code == 302
    assert "You have not named a vault" in client.get(page).content.decode()
    assert MakerVault.objects.count() == 2


def test_a_vault_of_ten_thousand_holders_is_paid_to_the_unit(house, olga):
    """Each gets shares in one of ten blocks, ten minutes apart; a holder's weight is shares times what is left."""
    token, first = deploy_hostile(house.anvil, "rebasing_share"), 1 << 150
    name(olga, token)
    epoch = epoch_schedule(
        program=house.program,
        terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token, budget=str(10**24)),
    )
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    weights = {}
    for block in range(10):
        values = (first + 1000 * block, 1000, 10**18)
        data = calldata("mint_many(uint256,uint256,uint256)", ("uint256", "uint256", "uint256"), values)
        house.anvil.send(data=data, to=token)
        house.anvil.mine(time_s=START_S + 600 * (block + 1))
        for step in range(1000):
            held_ms = 1000 * (END_S - START_S - 600 * (block + 1))
            weights[f"0x{first + 1000 * block + step:040x}"] = (10**18 + step) * held_ms
    house.anvil.mine(time_s=END_S, blocks=5)
    house.index()
    epochs_begin(now_ms=START_S * 1000)
    epoch = epoch_score(epoch_id=epoch.pk)
    pay, whole = Allocation.objects.get(epoch=epoch).payout, sum(weights.values())
    expected = {account: pay * weight // whole for account, weight in weights.items()}
    expected[OPERATOR] = pay - sum(expected.values())
    assert parts(epoch) == expected
    assert len(expected) == 10_001
    assert EpochVault.objects.get().balances_checked == 10_000
    client_page = treasury_epoch(epoch_id=epoch.pk, now_ms=END_S * 1000)
    assert len(client_page.recipients) == 10_001


def _bundle(house: House, epoch: Epoch) -> Path:
    assert house.program.pk == epoch.program_id
    return Path(settings.EVIDENCE_DIR) / epoch.evidence_name


def test_what_was_named_and_what_an_epoch_found_can_not_be_rewritten(house, vault, olga):
    name(olga, vault.address)
    epoch_score(epoch_id=two_hours(house).pk)
    for attempt in (
        lambda: MakerVault.objects.update(since_ms=0),
        lambda: MakerVault.objects.all().delete(),
        lambda: EpochVault.objects.update(amount=1),
    ):
        with pytest.raises(DatabaseError, match="can't be changed"), transaction.atomic():
            attempt()
    olga.delete()
    assert MakerVault.objects.get().named_by is None


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
