"""A Safe is the treasury: from the proposal to a root that pays, with two of its three owners' signatures."""

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from accounts.models import User
from onchain.indexer import node
from onchain.safe import SafeTx, exec_calldata, joined_signatures
from rewards.models import Alarm, Epoch, SafeTransaction
from rewards.services.safe import safe_tx_of
from rewards.services.safe_signatures import safe_signature_add
from tests.chain import calldata
from tests.reviewing import somebody
from tests.rewards.conftest import DELAY_S, TREASURY, house, one_process
from tests.rewards.test_publishing import END_S, poke, proposed
from tests.safe_contracts import safe_kit

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db
OWNERS = [Account.from_key("0x" + digit * 64) for digit in "456"]


def signature_of(account, message) -> bytes:
    return bytes(account.sign_message(message).signature)


@pytest.fixture
def safe(house, settings):
    """The treasury hands its role and its money to a Safe, which accepts with a transaction of its own."""
    kit = safe_kit(house.anvil)
    settings.SAFE_MULTI_SEND = kit.multi_send
    address = kit.make([owner.address for owner in OWNERS], 2)
    offer = calldata("offer_treasury(address)", ("address",), (address,))
    move = calldata("transfer(address,uint256)", ("address", "uint256"), (address, 10**9))
    house.treasury_sends(to=house.distributor, data=offer)
    house.treasury_sends(to=house.token, data=move)
    accept = SafeTx(
        chain_id=31337, safe=address, to=house.distributor, data=calldata("accept_treasury()"), operation=0, nonce=0
    )
    message = encode_typed_data(full_message=accept.typed_data)
    signatures = {owner.address.lower(): (signature_of(owner, message), False) for owner in OWNERS[1:]}
    house.anvil.send(data=exec_calldata(transaction=accept, signatures=joined_signatures(signatures)), to=address)
    house.anvil.mine()
    role = house.anvil.call(to=house.distributor, signature="treasury()")
    assert role[-40:] == address[2:]
    return address


def test_two_of_three_owners_approve_and_the_root_pays(safe, house, proposed, client):
    stored = SafeTransaction.objects.get(epoch=proposed)
    assert [call["function"] for call in stored.calls] == ["approve(address,uint256)", "approve(uint256,bytes32)"]
    tess = User.objects.create_user(username="tess", password="lamps-burn-all-night", role="treasurer")
    client.force_login(tess)
    page = f"/treasury/epochs/{house.program.slug}/1/"
    html = client.get(page).content.decode()
    for shown in (stored.safe_tx_hash, proposed.digest, safe, *(owner.address.lower() for owner in OWNERS)):
        assert shown in html
    assert client.get(page + "safe/batch.json").json()["transactions"][1]["contractInputsValues"]["digest"] == (
        proposed.digest
    )
    typed = signature_of(OWNERS[0], encode_typed_data(full_message=safe_tx_of(stored).typed_data))
    answer = client.post(
        page + "safe/sign/", {"safe_tx_hash": stored.safe_tx_hash, "signature": "0x" + typed.hex()}, follow=True
    )
    assert "has signed" in answer.content.decode()
    poke(house)
    stored.refresh_from_db()
    assert (stored.state, house.balance(safe)) == ("collecting", 10**9)
    rpc = node()
    message = signature_of(OWNERS[2], encode_defunct(bytes.fromhex(stored.safe_tx_hash[2:])))
    safe_signature_add(rpc, by=somebody("treasurer"), stored=stored, signature="0x" + message.hex())
    rpc.close()
    poke(house)
    poke(house)
    poke(house)
    proposed.refresh_from_db()
    stored.refresh_from_db()
    assert (proposed.state, stored.state) == (Epoch.State.APPROVED, "done")
    assert house.balance(safe) == 10**9 - 999_999
    assert house.balance(house.anvil.accounts[TREASURY]) == 0
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    poke(house)
    poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.ACTIVE


def test_a_nonce_that_the_owners_used_for_something_else_gives_a_fresh_transaction(safe, house, proposed):
    first = SafeTransaction.objects.get(epoch=proposed)
    cancel = SafeTx(chain_id=31337, safe=safe, to=safe, data="0x", operation=0, nonce=first.nonce)
    message = encode_typed_data(full_message=cancel.typed_data)
    signatures = {owner.address.lower(): (signature_of(owner, message), False) for owner in OWNERS[:2]}
    house.anvil.send(data=exec_calldata(transaction=cancel, signatures=joined_signatures(signatures)), to=safe)
    house.anvil.mine()
    poke(house)
    first.refresh_from_db()
    fresh = SafeTransaction.objects.exclude(pk=first.pk).get()
    assert (first.state, fresh.nonce, fresh.state) == ("replaced", first.nonce + 1, "collecting")
    assert fresh.safe_tx_hash != first.safe_tx_hash


def test_a_batch_contract_that_is_not_safes_own_is_never_offered_and_people_are_told(safe, house, proposed, settings):
    SafeTransaction.objects.all().delete()
    settings.SAFE_MULTI_SEND = house.token
    poke(house)
    assert SafeTransaction.objects.count() == 0
    assert "MultiSendCallOnly" in Alarm.objects.get(code="safe", cleared_at=None).message
