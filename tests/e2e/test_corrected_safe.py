"""A Safe's owners have signed, and then the epoch is corrected: what they signed approves nothing, whoever sends it."""

import pytest
from eth_account.messages import encode_typed_data

from onchain.indexer import node
from onchain.models import OutgoingTransaction
from onchain.safe import exec_calldata, joined_signatures
from rewards.errors import SignatureRefusedError
from rewards.models import Epoch, SafeTransaction
from rewards.services.safe import safe_tx_of
from rewards.services.safe_signatures import safe_signature_add
from tests.e2e.test_safe_treasury import OWNERS, safe, signature_of
from tests.reviewing import put_forward, somebody
from tests.rewards.conftest import house, one_process
from tests.rewards.correcting import linked_to_alice
from tests.rewards.test_publishing import poke, proposed

__all__ = ["house", "one_process", "proposed", "safe"]
pytestmark = pytest.mark.django_db


def signed(stored: SafeTransaction, owner) -> str:
    return "0x" + signature_of(owner, encode_typed_data(full_message=safe_tx_of(stored).typed_data)).hex()


def test_signatures_for_a_corrected_epoch_approve_nothing_and_new_ones_the_new_result(safe, house, proposed):
    old, old_digest = SafeTransaction.objects.get(epoch=proposed), proposed.digest
    rpc, treasurer = node(), somebody("treasurer")
    for owner in OWNERS[:2]:
        safe_signature_add(rpc, by=treasurer, stored=old, signature=signed(old, owner))
    linked_to_alice(proposed)
    for _ in range(16):
        poke(house)
    proposed.refresh_from_db()
    old.refresh_from_db()
    put_forward(proposed)
    poke(house)
    assert (proposed.state, proposed.digest != old_digest) == (Epoch.State.PROPOSED, True)
    assert old.state == SafeTransaction.State.REPLACED
    with pytest.raises(SignatureRefusedError):
        safe_signature_add(rpc, by=treasurer, stored=old, signature=signed(old, OWNERS[2]))

    # Anybody may hand the two old signatures to the Safe: the distributor inside refuses, so the whole reverts.
    signatures = {o.address.lower(): (bytes.fromhex(signed(old, o)[2:]), False) for o in OWNERS[:2]}
    sent = house.anvil.send(
        data=exec_calldata(transaction=safe_tx_of(old), signatures=joined_signatures(signatures)), to=safe
    )
    poke(house)
    assert house.anvil.rpc("eth_getTransactionReceipt", sent)["status"] == "0x0"
    assert house.balance(safe) == 10**9

    # The new result is looked at anew before anything is offered to sign for it.
    put_forward(proposed)
    poke(house)
    new = SafeTransaction.objects.exclude(pk=old.pk).get()
    assert (new.digest, new.signatures.count()) == (proposed.digest, 0)
    for owner in OWNERS[:2]:
        safe_signature_add(rpc, by=treasurer, stored=new, signature=signed(new, owner))
    rpc.close()
    for _ in range(3):
        poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.APPROVED
    assert house.balance(safe) == 10**9 - 1_000_000
    safes = OutgoingTransaction.objects.filter(purpose__startswith="safe ")
    assert [row.purpose for row in safes] == [f"safe {new.safe_tx_hash}"]
