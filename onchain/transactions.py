"""Sends transactions once: signed and stored first, then broadcast, and what became of them read from the chain.

A crash before, between or after leaves either nothing, or a stored transaction that the next run broadcasts again:
the same bytes with the same nonce, which the chain takes once.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config import failpoints
from onchain.errors import OnchainError, RpcRefusedError
from onchain.models import Block, Cursor
from onchain.models_tx import OutgoingTransaction, TransactionAttempt
from onchain.rpc import RpcClient
from onchain.signers import Signer, signer_config

logger = logging.getLogger(__name__)
GAS_MARGIN_PERCENT = 125
GWEI = 10**9
MOST_FAILURES = 3
FAILURES_REST = timedelta(hours=1)
"""What was accepted when asked and failed in its block so often is signed once in this time: each try costs gas."""
BUMP_AFTER_BLOCKS = 12
"""A transaction that is not mined for so many blocks is sent again with higher fees."""
BUMP_PERCENT = 125
"""Nodes replace a waiting transaction only when both of its fees rise by a tenth; this is above it everywhere."""
# What nodes say of a transaction that they have already, or that is mined already.
KNOWN_WORDS = ("already known", "already imported", "nonce too low", "known transaction", "replacement transaction")
STATE = OutgoingTransaction.State
_ERROR_STRING = "0x08c379a0"
"""Error(string), Solidity's and Vyper's revert with a reason; its length and text stand behind the offset's word."""
_LENGTH_AT, _TEXT_AT = 74, 138


class RefusedByContractError(OnchainError):
    """The contract would revert; nothing was signed. `reason` is its short error string."""

    def __init__(self, *, purpose: str, reason: str) -> None:
        super().__init__(f"The contract refuses {purpose}: {reason}.")
        self.purpose = purpose
        self.reason = reason


class FailsOnTheChainError(RefusedByContractError):
    """What the contract would accept when asked failed in a block several times; nothing more is signed for a while."""

    def __init__(self, *, purpose: str, tx_hash: str) -> None:
        reason = f"{MOST_FAILURES} transactions failed in their block, the last is {tx_hash}; look at why"
        super().__init__(purpose=purpose, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A hot key's signer and the chain it signs for; it can propose, relay or attest, never approve."""

    signer: Signer
    chain_id: int

    @property
    def address(self) -> str:
        """Return the signer's account, lower-case."""
        return self.signer.address


def sender_of(role: str, *, chain_id: int) -> Sender | None:
    """Return the sender of a role (PROPOSER, RELAYER, ATTESTOR), None when the settings give it no key.

    Raises SignerError, which names the setting, when they give one that can't be used.
    """
    config = signer_config(role)
    return Sender(signer=config.signer(), chain_id=chain_id) if config.is_set else None


def prepare(
    client: RpcClient, *, sender: Sender, purpose: str, to: str, data: str, again: bool = False
) -> OutgoingTransaction:
    """Sign and store a transaction for `purpose`, or return the one that is stored: asking twice is asking once.

    Nothing is broadcast yet. Call inside the caller's transaction, so that what it decides and what it sends are
    stored together. again: one that the contract refused in a final block is kept under another purpose, and a new
    one takes its place once the contract would accept it; after MOST_FAILURES of them, once in FAILURES_REST. Raises
    RefusedByContractError when the contract would revert, FailsOnTheChainError, and the client's errors.
    """
    existing = OutgoingTransaction.objects.filter(purpose=purpose).exclude(state=STATE.LOST).first()
    refused = existing is not None and existing.state == STATE.REVERTED
    if existing is not None and not (again and refused):
        return existing
    if existing is not None:
        _rest_after_failures(existing)
    gas = _gas(client, sender=sender, purpose=purpose, to=to, data=data)
    with transaction.atomic():
        _lock_nonces(sender)
        OutgoingTransaction.objects.filter(purpose=purpose, state=STATE.LOST).delete()
        if existing is not None:
            OutgoingTransaction.objects.filter(pk=existing.pk).update(purpose=f"{purpose} refused {existing.pk}")
        row = OutgoingTransaction.objects.create(
            chain_id=sender.chain_id, sender=sender.address, nonce=_next_nonce(client, sender), purpose=purpose,
            to=to, data=data, gas_limit=gas,
        )  # fmt: skip
        failpoints.hit("transactions.numbered")
        _sign(client, row, sender=sender, fees=current_fees(client))
    failpoints.hit("transactions.signed")
    return row


def _rest_after_failures(row: OutgoingTransaction) -> None:
    earlier = OutgoingTransaction.objects.filter(purpose__startswith=f"{row.purpose} refused ").count()
    if earlier + 1 >= MOST_FAILURES and row.created_at > timezone.now() - FAILURES_REST:
        raise FailsOnTheChainError(purpose=row.purpose, tx_hash=row.tx_hash)


def broadcast(client: RpcClient, row: OutgoingTransaction) -> None:
    """Send the newest signed form to the node; what the node says decides nothing, the chain does."""
    attempt = row.attempts.last()
    if attempt is None:
        return
    try:
        client.call(method="eth_sendRawTransaction", params=[attempt.raw])
    except RpcRefusedError as error:
        if not any(word in error.message.lower() for word in KNOWN_WORDS):
            TransactionAttempt.objects.filter(pk=attempt.pk).update(error=revert_reason(error))
            logger.warning("The node refuses %s: %s", row.purpose, error.message)
    failpoints.hit("transactions.sent")


def resolve(client: RpcClient, *, sender: Sender) -> None:
    """Read from the chain what became of every open transaction of the sender; what is unknown is sent again."""
    open_rows = OutgoingTransaction.objects.filter(
        chain_id=sender.chain_id, sender=sender.address, state__in=[STATE.SIGNED, STATE.MINED]
    ).order_by("nonce")
    for row in list(open_rows):
        _resolve_one(client, row, sender=sender)
        failpoints.hit("transactions.resolved")


def _resolve_one(client: RpcClient, row: OutgoingTransaction, *, sender: Sender) -> None:
    receipt = _receipt(client, row)
    if receipt is not None:
        _mined(row, receipt)
        return
    if _nonce_is_spent(client, row) and _receipt(client, row) is None:
        logger.error("The nonce %s of %s was used by something else than %s", row.nonce, row.sender, row.purpose)
        OutgoingTransaction.objects.filter(pk=row.pk).update(state=STATE.LOST)
        return
    if row.state == STATE.MINED:  # a reorg took it out of its block
        OutgoingTransaction.objects.filter(pk=row.pk).update(state=STATE.SIGNED, block_number=None, block_hash="")
    _bump(client, row, sender=sender)
    broadcast(client, row)


def _nonce_is_spent(client: RpcClient, row: OutgoingTransaction) -> bool:
    """Whether a final block holds a transaction of this nonce: at the head, a reorg could still give it back."""
    cursor = Cursor.objects.filter(chain_id=row.chain_id).first()
    if cursor is None or cursor.final_block < 0:
        return False
    params = [row.sender, hex(cursor.final_block)]
    return int(client.call(method="eth_getTransactionCount", params=params), 16) > row.nonce


def _receipt(client: RpcClient, row: OutgoingTransaction) -> dict[str, Any] | None:
    for attempt in row.attempts.order_by("-id"):
        receipt: dict[str, Any] | None = client.call(method="eth_getTransactionReceipt", params=[attempt.tx_hash])
        if receipt is not None:
            return receipt
    return None


def _mined(row: OutgoingTransaction, receipt: dict[str, Any]) -> None:
    number, hash_ = int(receipt["blockNumber"], 16), receipt["blockHash"]
    succeeded = receipt["status"] == "0x1"
    cursor = Cursor.objects.filter(chain_id=row.chain_id).first()
    final = (
        cursor is not None
        and number <= cursor.final_block
        and Block.objects.filter(hash=hash_, canonical=True).exists()
    )
    state = (STATE.FINAL if succeeded else STATE.REVERTED) if final else STATE.MINED
    OutgoingTransaction.objects.filter(pk=row.pk).update(
        state=state, tx_hash=receipt["transactionHash"], block_number=number, block_hash=hash_,
        gas_used=int(receipt["gasUsed"], 16), succeeded=succeeded,
    )  # fmt: skip


def _bump(client: RpcClient, row: OutgoingTransaction, *, sender: Sender) -> None:
    """Sign again with higher fees when the newest form has waited for too long, up to the most that we pay."""
    last = row.attempts.last()
    head = int(client.call(method="eth_blockNumber"), 16)
    if last is None or head - last.signed_at_head < BUMP_AFTER_BLOCKS:
        return
    most = settings.MAX_FEE_GWEI * GWEI
    fee, tip = current_fees(client)
    # A replacement that raises one fee alone is refused, so what can't rise by enough is left as it is.
    least_fee, least_tip = (_raised(fee) for fee in (last.max_fee_wei, last.priority_fee_wei))
    if least_fee > most:
        logger.warning("%s waits: its fee of %s wei is at the most that MAX_FEE_GWEI allows", row.purpose, most)
        return
    max_fee_wei = min(most, max(fee, least_fee, least_tip))
    _sign(client, row, sender=sender, fees=(max_fee_wei, min(max_fee_wei, max(tip, least_tip))))


def _raised(fee_wei: int) -> int:
    """Return a fee that a node takes in place of this one; rounded up, since a small fee has to rise as well."""
    return -(-fee_wei * BUMP_PERCENT // 100) + (fee_wei == 0)


def _sign(client: RpcClient, row: OutgoingTransaction, *, sender: Sender, fees: tuple[int, int]) -> None:
    max_fee_wei, priority_fee_wei = fees
    signed = sender.signer.sign(
        {
            "chainId": row.chain_id, "nonce": row.nonce, "to": row.to, "value": 0, "data": row.data,
            "gas": row.gas_limit, "maxFeePerGas": max_fee_wei, "maxPriorityFeePerGas": priority_fee_wei,
        }
    )  # fmt: skip
    TransactionAttempt.objects.create(
        transaction=row, tx_hash=signed.hash, raw=signed.raw, max_fee_wei=max_fee_wei,
        priority_fee_wei=priority_fee_wei, signed_at_head=int(client.call(method="eth_blockNumber"), 16),
    )  # fmt: skip
    OutgoingTransaction.objects.filter(pk=row.pk).update(tx_hash=signed.hash)
    row.tx_hash = signed.hash


def _gas(client: RpcClient, *, sender: Sender, purpose: str, to: str, data: str) -> int:
    try:
        estimate = client.call(method="eth_estimateGas", params=[{"from": sender.address, "to": to, "data": data}])
    except RpcRefusedError as error:
        raise RefusedByContractError(purpose=purpose, reason=revert_reason(error)) from error
    return int(estimate, 16) * GAS_MARGIN_PERCENT // 100


def revert_reason(error: RpcRefusedError) -> str:
    """Return the contract's short error string from a node's answer, or the node's own words.

    A contract may revert with any bytes: U+FFFD stands for what is no text, and for NUL, which no database keeps.
    """
    data = error.data if isinstance(error.data, str) else ""
    reason = error.message
    if data.startswith(_ERROR_STRING) and len(data) >= _TEXT_AT:
        with suppress(ValueError):  # a node's answer that is no hex
            length = int(data[_LENGTH_AT:_TEXT_AT], 16)
            reason = bytes.fromhex(data[_TEXT_AT : _TEXT_AT + 2 * length]).decode(errors="replace")
    return reason.replace("\0", "\ufffd")


def current_fees(client: RpcClient) -> tuple[int, int]:
    """Return (max fee, tip) in wei that get a transaction mined soon, at most what MAX_FEE_GWEI allows."""
    block = client.call(method="eth_getBlockByNumber", params=["latest", False])
    tip = int(client.call(method="eth_maxPriorityFeePerGas"), 16)
    most = settings.MAX_FEE_GWEI * GWEI
    fee = min(most, 2 * int(block.get("baseFeePerGas", "0x0"), 16) + tip)
    return fee, min(fee, tip)


def _next_nonce(client: RpcClient, sender: Sender) -> int:
    """Return the first nonce that neither the chain nor a stored transaction has used."""
    on_chain = int(client.call(method="eth_getTransactionCount", params=[sender.address, "latest"]), 16)
    stored = (
        OutgoingTransaction.objects.filter(chain_id=sender.chain_id, sender=sender.address)
        .exclude(state=STATE.LOST)
        .order_by("-nonce")
        .values_list("nonce", flat=True)
        .first()
    )
    return on_chain if stored is None else max(on_chain, stored + 1)


def _lock_nonces(sender: Sender) -> None:
    """One process at a time gives out nonces of an account; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"nonces {sender.chain_id} {sender.address}"]
        )
