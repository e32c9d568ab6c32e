"""Vaults where other pieces meet them: who may name one, and holders and makers who may not be paid."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.errors import IneligibleError
from accounts.models import MakerChange, User
from onchain.indexer import node
from onchain.models_tx import ChainDistributor
from rewards.errors import NotAllowedError, VaultRefusedError
from rewards.models import Epoch, EpochVault, MakerVault, Payment
from rewards.selectors.vaults import vaults_named
from rewards.services import vaults
from rewards.services.check_eligible import eligible
from rewards.services.check_rules import read_evidence
from rewards.services.corrections import correction_confirm, correction_enter
from rewards.services.programs import epochs_begin
from rewards.services.rescoring import rescores_advance
from rewards.services.sanctions import sanctions_load
from rewards.services.scoring import epoch_score
from rewards.services.vaults import vault_end
from rewards.services.withholding import pay_withhold
from tests.operators import OPERATOR as SET_UP
from tests.rewards.conftest import ALICE, BOB_PAY, TREASURY, House
from tests.rewards.correcting import person
from tests.rewards.test_scoring import START_S
from tests.rewards.test_vaults import ANN, BEN, OPERATOR, PAY, alice, name, olga, parts, scheduled, two_hours, vault

__all__ = ["olga", "vault"]
pytestmark = pytest.mark.django_db


def admin() -> User:
    """Alice's own admin."""
    desk = person("maker", maker="alice")
    alice().admins.add(desk)
    return desk


def listed(*addresses: str) -> None:
    rows = "".join(f"{address},Somebody\n" for address in addresses)
    content = f"# source: A list\n# as_of: 2026-11-20\naddress,name\n{rows}".encode()
    sanctions_load(by=SET_UP, content=content, now_ms=0)


def bundle(epoch: Epoch) -> Path:
    return Path(settings.EVIDENCE_DIR) / epoch.evidence_name


def agrees_with_the_chain(house: House, epoch: Epoch) -> bool:
    call_command("verify_epoch", str(bundle(epoch)), "--rpc", house.anvil.url)
    return True


def test_an_operator_cant_lead_the_pay_of_a_maker_with_an_admin_into_a_vault_or_out_of_it(house, vault, olga):
    desk = admin()
    with pytest.raises(NotAllowedError, match="Naming a vault of Alice Quotes is for its admins"):
        name(olga, vault.address)
    row = name(desk, vault.address)
    with pytest.raises(NotAllowedError):
        vault_end(by=olga, maker=alice(), now_ms=START_S * 1000)
    assert list(MakerVault.objects.all()) == [row]
    assert MakerChange.objects.get(by=desk.username).what.startswith(f"Pay goes to the holders of {vault.address}")


def test_a_very_old_token_is_named_by_the_makers_admin_once_an_operator_has_it_read(house, vault, olga, monkeypatch):
    monkeypatch.setattr(vaults, "MOST_BLOCKS_OLDER", -1_000_000)
    with pytest.raises(VaultRefusedError, match=f"manage.py vault_read {vault.address}"):
        name(admin(), vault.address)
    call_command("vault_read", vault.address, by="olga")
    assert name(admin(), vault.address).vault == vault.address


@pytest.mark.parametrize("which", ["vault", "operator"])
def test_a_listed_account_is_neither_a_vault_nor_its_operator(house, vault, olga, which):
    listed(vault.address if which == "vault" else OPERATOR)
    with pytest.raises(IneligibleError, match="is on a sanctions list"):
        name(olga, vault.address)


def test_a_vault_that_is_named_while_an_epoch_begins_does_not_count_in_it(house, vault, olga, monkeypatch):
    epoch = scheduled(house)
    real = vaults.describe_shares

    def slowly(*given: object, **asked: object) -> object:
        # The node takes its time, and the epoch begins meanwhile.
        epochs_begin(now_ms=epoch.start_ms)
        return real(*given, **asked)

    monkeypatch.setattr(vaults, "describe_shares", slowly)
    name(olga, vault.address, at_s=START_S - 1)
    assert Epoch.objects.get().state == Epoch.State.LIVE
    assert vaults_named(start_ms=epoch.start_ms) == []
    assert len(vaults_named(start_ms=epoch.end_ms)) == 1


def test_shares_that_are_sent_to_a_listed_account_hold_up_nobodys_pay(house, vault, olga):
    evil = "0x" + "66" * 20
    vault.give(BEN, evil, 10**20)
    house.anvil.mine()
    listed(evil)
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    # Ben has 0.9 of the 2.9 shares that count.
    assert parts(epoch) == {ANN: PAY * 20 // 29, BEN: PAY * 9 // 29, OPERATOR: 1, BOB_PAY: 166_666}
    passed, words = eligible(epoch, read_evidence(epoch))
    assert passed, words
    assert f"Holders of the vault {vault.address} without a part, since they are on a list: {evil}." in words
    manifest = json.loads((bundle(epoch) / "manifest.json").read_bytes())
    assert manifest["venue"]["vaults"][vault.address]["left_out"] == [evil]
    assert agrees_with_the_chain(house, epoch)


def test_a_holder_who_is_listed_after_scoring_loses_the_part_by_a_correction_of_two_people(house, vault, olga):
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    listed(BEN)
    passed, words = eligible(epoch, read_evidence(epoch))
    assert not passed
    assert f"It holds shares of the vault {vault.address}" in words
    entered = correction_enter(by=person("treasurer"), epoch=epoch, kind="data", given={}, reason="Ben is listed.")
    correction_confirm(by=person("reviewer"), correction=entered)
    with closing(node()) as client:
        assert rescores_advance(client, program=house.program)
    epoch = epoch_score(epoch_id=epoch.pk)
    assert parts(epoch) == {ANN: PAY, BOB_PAY: 166_666}
    assert eligible(epoch, read_evidence(epoch))[0]
    assert agrees_with_the_chain(house, epoch)


def test_pay_that_is_withheld_from_a_maker_with_a_vault_goes_to_the_treasury_and_the_chain_agrees(house, vault, olga):
    name(olga, vault.address)
    epoch = epoch_score(epoch_id=two_hours(house).pk)
    treasury = house.anvil.accounts[TREASURY].lower()
    ChainDistributor.objects.update(treasury=treasury)
    listed(ALICE)
    pay_withhold(by=person("treasurer"), epoch=epoch, maker=alice(), reason="Her address is listed.")
    epoch = epoch_score(epoch_id=epoch.pk)
    assert parts(epoch) == {treasury: PAY, BOB_PAY: 166_666}
    assert not Payment.objects.exclude(vault="").exists()
    assert not EpochVault.objects.exists()
    assert not (bundle(epoch) / "vaults.csv").exists()
    assert "vaults" not in json.loads((bundle(epoch) / "manifest.json").read_bytes())["venue"]
    assert agrees_with_the_chain(house, epoch)
