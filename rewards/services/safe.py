"""The treasury as a Safe: the transaction that approves an epoch, its owners' signatures, and its sending.

Nothing here can move money: owners sign with their own wallets what the page shows, the Safe itself checks every
signature, and whoever sends the result only pays the gas.
"""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import F

from onchain.distributor import allowance_calldata, approval_call, read_allowance, read_epoch, read_summary
from onchain.models_tx import ChainDistributor, ChainEpoch, ChainSafe, OutgoingTransaction
from onchain.rpc import RpcClient
from onchain.safe import (
    CALL,
    DELEGATE_CALL,
    InnerCall,
    SafeInfo,
    SafeTx,
    exec_calldata,
    is_multi_send,
    joined_signatures,
    multi_send_calldata,
    read_hash,
    read_safe,
)
from onchain.transactions import RefusedByContractError, Sender, broadcast, prepare, sender_of
from rewards.errors import ApprovalRefusedError
from rewards.models import Epoch, Program, SafeSignature, SafeTransaction
from rewards.selectors.review import approval_hindrance
from rewards.services.alarms import alarms_set
from rewards.services.checks import approval_is_safe

logger = logging.getLogger(__name__)
STATE = SafeTransaction.State
OPEN = (STATE.COLLECTING, STATE.SENT)
TX = OutgoingTransaction.State
PURPOSE = "safe "


def safes_advance(client: RpcClient, *, program: Program) -> None:
    """Look at the treasury; if it is a Safe, have its transaction ready to sign and follow those that are open.

    Any number of times is as good as once; needs no key. Called under the programme's lock.
    """
    info = safe_look(client, program=program)
    if info is None:
        return
    _settle(program, info)
    epoch = program.epochs.filter(state=Epoch.State.PROPOSED).order_by("number").first()
    hindrance: dict[str, str] = {}
    if epoch is not None and _may_be_signed(epoch) and _is_attested(epoch):
        try:
            safe_transaction_for(client, epoch=epoch, info=info)
        except ApprovalRefusedError as error:
            hindrance[f"epoch {epoch.number}"] = f"There is nothing to sign for the Safe. {error}"
    alarms_set(program=program, code="safe", messages=hindrance)


def safes_execute(client: RpcClient, *, program: Program) -> None:
    """Send what enough owners have signed, with the relayer's key; nothing without one. Under the relay's lock."""
    waiting = SafeTransaction.objects.filter(epoch__program=program, state=STATE.COLLECTING).select_related("epoch")
    for stored in waiting.exclude(signatures=None):
        sender = sender_of("RELAYER", chain_id=program.chain_id)
        info = read_safe(client=client, address=stored.safe)
        current = stored.digest == stored.epoch.digest and stored.epoch.state == Epoch.State.PROPOSED
        if sender is not None and info is not None and current and _may_be_signed(stored.epoch):
            safe_execute(client, stored=stored, info=info, sender=sender)


def safe_look(client: RpcClient, *, program: Program) -> SafeInfo | None:
    """Read the treasury's owners, threshold and nonce from the chain and mirror them; None when it is no Safe."""
    distributor = ChainDistributor.objects.filter(chain_id=program.chain_id, address=program.distributor).first()
    if distributor is None or not distributor.treasury:
        return None
    info = read_safe(client=client, address=distributor.treasury)
    if info is None:
        ChainSafe.objects.filter(chain_id=program.chain_id, address=distributor.treasury).delete()
        return None
    ChainSafe.objects.update_or_create(
        chain_id=program.chain_id, address=info.address,
        defaults={
            "version": info.version, "owners": list(info.owners), "threshold": info.threshold, "nonce": info.nonce
        },
    )  # fmt: skip
    return info


def safe_transaction_for(client: RpcClient, *, epoch: Epoch, info: SafeInfo) -> SafeTransaction:
    """Return the Safe transaction that approves an epoch at the Safe's nonce; made when it isn't there.

    Its hash is the Safe's own. Raises ApprovalRefusedError when the epoch can't be approved as it is now.
    """
    existing = epoch.safe_transactions.filter(digest=epoch.digest, nonce=info.nonce, safe=info.address).first()
    if existing is not None:
        return existing
    calls = _calls(client, epoch=epoch, treasury=info.address)
    built = _built(client, epoch=epoch, info=info, calls=calls)
    if read_hash(client=client, transaction=built) != built.hash:
        raise ApprovalRefusedError(number=epoch.number, reason="the Safe has another hash for it than we have")
    with transaction.atomic():
        stored, _ = SafeTransaction.objects.get_or_create(
            safe_tx_hash=built.hash,
            defaults={
                "epoch": epoch, "digest": epoch.digest, "safe": info.address, "nonce": info.nonce, "to": built.to,
                "data": built.data, "operation": built.operation, "calls": [_as_json(call) for call in calls],
            },
        )  # fmt: skip
    return stored


def safe_tx_of(stored: SafeTransaction) -> SafeTx:
    """Return what a stored transaction's owners sign."""
    return SafeTx(
        chain_id=stored.epoch.program.chain_id, safe=stored.safe, to=stored.to, data=stored.data,
        operation=stored.operation, nonce=stored.nonce,
    )  # fmt: skip


def safe_execute(client: RpcClient, *, stored: SafeTransaction, info: SafeInfo, sender: Sender) -> bool:
    """Send the transaction if enough of those who are owners now have signed; returns whether it went out.

    The sender only pays the gas. A refusal of the Safe or the distributor becomes the transaction's note.
    """
    rows = stored.signatures.filter(owner__in=info.owners).order_by("owner")[: info.threshold]
    if len(rows) < info.threshold or stored.nonce != info.nonce:
        return False
    signatures = {
        row.owner: (bytes.fromhex(row.signature[2:]), row.kind == SafeSignature.Kind.CONTRACT) for row in rows
    }
    data = exec_calldata(transaction=safe_tx_of(stored), signatures=joined_signatures(signatures))
    try:
        with transaction.atomic():
            row = prepare(client, sender=sender, purpose=f"{PURPOSE}{stored.safe_tx_hash}", to=stored.safe, data=data)
            SafeTransaction.objects.filter(pk=stored.pk).update(state=STATE.SENT, transaction=row, note="")
    except RefusedByContractError as error:
        note = f"Enough have signed, and it would be refused now: {error.reason}."
        SafeTransaction.objects.filter(pk=stored.pk).update(note=note)
        logger.warning("%s %s", stored.safe_tx_hash, note)
        return False
    broadcast(client, row)
    return True


def _may_be_signed(epoch: Epoch) -> bool:
    """Whether all checks have passed and a person has put the epoch forward; one sent back is not sent either."""
    return approval_is_safe(epoch=epoch) and approval_hindrance(epoch=epoch) is None


def _is_attested(epoch: Epoch) -> bool:
    """Whether the proposal has its attestations by the mirror; waiting for them is nothing to be alarmed about."""
    found = ChainEpoch.objects.filter(
        distributor__chain_id=epoch.program.chain_id, distributor__address=epoch.program.distributor,
        digest=epoch.digest, attestations__gte=F("distributor__quorum"),
    )  # fmt: skip
    return found.exists()


def _settle(program: Program, info: SafeInfo) -> None:
    """Close what the chain has decided: the Safe's nonce has passed it, and the epoch is approved or is not."""
    open_ones = SafeTransaction.objects.filter(epoch__program=program, state__in=OPEN).select_related("epoch")
    for stored in open_ones.select_related("transaction"):
        if info.nonce > stored.nonce:
            approved = stored.epoch.digest == stored.digest and stored.epoch.state in (
                Epoch.State.APPROVED, Epoch.State.ACTIVE
            )  # fmt: skip
            if approved or stored.epoch.state != Epoch.State.PROPOSED:
                state = STATE.DONE if approved else STATE.REPLACED
                SafeTransaction.objects.filter(pk=stored.pk).update(state=state)
            elif stored.transaction is None:
                SafeTransaction.objects.filter(pk=stored.pk).update(state=STATE.REPLACED)
            # Else it is mined and the mirror has not caught up: the next look decides.
        elif stored.state == STATE.COLLECTING and stored.digest != stored.epoch.digest:
            SafeTransaction.objects.filter(pk=stored.pk).update(state=STATE.REPLACED)
        elif stored.state == STATE.SENT and (stored.transaction is None or stored.transaction.state in (
            TX.REVERTED, TX.LOST
        )):  # fmt: skip
            # Another try needs another purpose; the signatures stay good for the nonce.
            OutgoingTransaction.objects.filter(purpose=f"{PURPOSE}{stored.safe_tx_hash}").update(
                purpose=f"{PURPOSE}{stored.safe_tx_hash} refused {stored.transaction_id}"
            )
            SafeTransaction.objects.filter(pk=stored.pk).update(state=STATE.COLLECTING, transaction=None)


def _calls(client: RpcClient, *, epoch: Epoch, treasury: str) -> list[InnerCall]:
    """Return what the Safe has to call: the approval, and the token's allowance before it where that is too small."""
    program = epoch.program
    if epoch.state != Epoch.State.PROPOSED or epoch.chain_epoch is None:
        raise ApprovalRefusedError(number=epoch.number, reason="it does not wait for an approval")
    on_chain = read_epoch(client=client, distributor=program.distributor, epoch=epoch.chain_epoch)
    if (on_chain.state, on_chain.digest) != ("proposed", epoch.digest):
        raise ApprovalRefusedError(number=epoch.number, reason="the chain has another proposal than the one checked")
    if on_chain.attestations < read_summary(client=client, distributor=program.distributor).quorum:
        raise ApprovalRefusedError(number=epoch.number, reason="it waits for its attestations")
    needed = epoch.paid_total or 0
    balance, allowance = read_allowance(client=client, token=program.token, owner=treasury, spender=program.distributor)
    if balance < needed:
        raise ApprovalRefusedError(number=epoch.number, reason="the treasury holds less than the epoch pays")
    approval = approval_call(distributor=program.distributor, epoch=epoch.chain_epoch, digest=epoch.digest)
    fields = [{"name": field.name, "type": field.type, "value": field.value} for field in approval.fields]
    calls = [InnerCall(to=approval.to, function=approval.function, data=approval.calldata, fields=fields)]
    if allowance < needed:
        calls.insert(0, _allowance(program, needed))
    return calls


def _allowance(program: Program, needed: int) -> InnerCall:
    return InnerCall(
        to=program.token,
        function="approve(address,uint256)",
        data=allowance_calldata(spender=program.distributor, amount=needed),
        fields=[
            {"name": "spender", "type": "address", "value": program.distributor},
            {"name": "amount", "type": "uint256", "value": str(needed)},
        ],
    )


def _built(client: RpcClient, *, epoch: Epoch, info: SafeInfo, calls: list[InnerCall]) -> SafeTx:
    chain_id = epoch.program.chain_id
    if len(calls) == 1:
        to, data, operation = calls[0].to, calls[0].data, CALL
    else:
        to, data, operation = settings.SAFE_MULTI_SEND.lower(), multi_send_calldata(calls=calls), DELEGATE_CALL
        if not is_multi_send(client=client, address=to):
            reason = f"SAFE_MULTI_SEND ({to}) is not Safe's MultiSendCallOnly on this chain"
            raise ApprovalRefusedError(number=epoch.number, reason=reason)
    return SafeTx(chain_id=chain_id, safe=info.address, to=to, data=data, operation=operation, nonce=info.nonce)


def _as_json(call: InnerCall) -> dict[str, object]:
    return {"to": call.to, "function": call.function, "data": call.data, "fields": list(call.fields)}
