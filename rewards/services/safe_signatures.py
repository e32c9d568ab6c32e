"""Owners' signatures of a Safe transaction: whose it is, asked of the Safe itself before it is kept."""

from django.db import transaction
from eth_account import Account
from eth_account.messages import encode_defunct

from accounts.models import User
from accounts.roles import Deed, Person, may
from onchain.calls import from_hex, to_hex
from onchain.rpc import RpcClient
from onchain.safe import SIGNATURE_BYTES, SafeInfo, SafeTx, joined_signatures, read_safe, signature_refusal
from rewards.errors import NotAllowedError, ReviewRefusedError, SignatureRefusedError
from rewards.models import Epoch, SafeSignature, SafeTransaction
from rewards.selectors.review import approval_hindrance
from rewards.services.checks import approval_is_safe
from rewards.services.review import epoch_approve
from rewards.services.safe import safe_tx_of

KIND = SafeSignature.Kind
MOST_BYTES = 4096
_ETH_SIGN = 4
"""What a Safe wants added to the v of a signature that was made with eth_sign."""


def safe_signature_add(
    client: RpcClient, *, by: Person, stored: SafeTransaction, signature: str, owner: str = ""
) -> SafeSignature:
    """Keep an owner's signature; the same owner again replaces its own.

    Raises NotAllowedError and SignatureRefusedError. by: who hands it in, which need not be the owner, but is not who
    has put the epoch forward; a treasurer who does has approved the epoch, an operator only carries it.
    signature: 0x hex. A key's has 65 bytes, over the EIP-712 hash or by eth_sign; the owner is worked out from it.
    owner: needed for a contract wallet alone, whose bytes can be anything that it accepts (ERC-1271).
    """
    if not may(person=by, deed=Deed.HAND_IN_SAFE_SIGNATURE):
        raise NotAllowedError(what="Handing in a signature for the Safe", who="treasurers and operators")
    if stored.state != SafeTransaction.State.COLLECTING:
        raise SignatureRefusedError(reason="this transaction no longer collects signatures")
    # As it is now: it may have been corrected, or a check may have failed, since the caller read it.
    epoch = Epoch.objects.select_related("program").get(pk=stored.epoch_id)
    if stored.digest != epoch.digest or epoch.state != Epoch.State.PROPOSED:
        raise SignatureRefusedError(reason=f"it approves a result of epoch {epoch.number} that no longer waits for it")
    if (hindrance := approval_hindrance(epoch=epoch, person_id=by.pk)) is not None:
        raise SignatureRefusedError(reason=hindrance)
    if not approval_is_safe(epoch=epoch):
        raise SignatureRefusedError(reason="the epoch's checks have not all been made again and passed")
    info = read_safe(client=client, address=stored.safe)
    if info is None or info.nonce != stored.nonce:
        raise SignatureRefusedError(reason="the Safe has used this nonce for something else; load the page again")
    data = _bytes(signature)
    signed = safe_tx_of(stored)
    signer, kind, kept = _contract(info, owner, data) if owner else _key(info, signed, data)
    laid_out = joined_signatures({signer: (kept, kind == KIND.CONTRACT)})
    if (refusal := signature_refusal(client=client, transaction=signed, signature=laid_out)) is not None:
        raise SignatureRefusedError(reason=f"the Safe does not accept it ({refusal})")
    try:
        with transaction.atomic():
            if isinstance(by, User) and by.role == User.Role.TREASURER:
                epoch_approve(by=by, epoch=epoch, reason=f"Handed in the signature of {signer}.")
            row, _ = SafeSignature.objects.update_or_create(
                transaction=stored, owner=signer, defaults={"kind": kind, "signature": to_hex(kept)}
            )
    except ReviewRefusedError as error:
        raise SignatureRefusedError(reason=error.reason) from error
    return row


def _bytes(signature: str) -> bytes:
    try:
        data = from_hex(signature.strip())
    except ValueError:
        raise SignatureRefusedError(reason="it is not 0x hex") from None
    if not 0 < len(data) <= MOST_BYTES:
        raise SignatureRefusedError(reason=f"it has {len(data)} bytes")
    return data


def _key(info: SafeInfo, signed: SafeTx, data: bytes) -> tuple[str, str, bytes]:
    """Return the owner whose key made the signature, how, and its bytes as a Safe reads them."""
    if len(data) != SIGNATURE_BYTES:
        raise SignatureRefusedError(reason=f"a key's signature has 65 bytes, this one has {len(data)}")
    v = data[64] - _ETH_SIGN if data[64] > 30 else data[64]
    # Some devices give 0 and 1 where others give 27 and 28.
    v += 27 if v < 2 else 0
    plain = data[:64] + bytes([v])
    hash_ = from_hex(signed.hash)
    try:
        typed = str(Account._recover_hash(hash_, signature=plain)).lower()
        message = str(Account.recover_message(encode_defunct(hash_), signature=plain)).lower()
    except Exception as error:  # the curve's library raises whatever its parts raise
        raise SignatureRefusedError(reason="no key can have made it") from error
    if typed in info.owners:
        return typed, KIND.TYPED, plain
    if message in info.owners:
        return message, KIND.MESSAGE, data[:64] + bytes([v + _ETH_SIGN])
    raise SignatureRefusedError(reason=f"it is by {typed}, who is not an owner of the Safe")


def _contract(info: SafeInfo, owner: str, data: bytes) -> tuple[str, str, bytes]:
    if owner.lower() not in info.owners:
        raise SignatureRefusedError(reason=f"{owner.lower()} is not an owner of the Safe")
    return owner.lower(), KIND.CONTRACT, data
