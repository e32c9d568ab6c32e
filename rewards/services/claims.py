"""Collecting without gas: requests go out in batches, each pays only its account, the chain says when it is done."""

import hashlib
import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from onchain.distributor import MAX_BATCH, ClaimItem, claim_many_calldata
from onchain.models_tx import ChainClaim, OutgoingTransaction
from onchain.rpc import RpcClient
from onchain.transactions import RefusedByContractError, Sender, broadcast, prepare, resolve
from rewards.errors import NothingToCollectError
from rewards.models import ClaimRequest, Entitlement, Epoch, Program
from rewards.selectors.claims import claimable

logger = logging.getLogger(__name__)
OPEN = (ClaimRequest.State.WAITING, ClaimRequest.State.SENT)
TX = OutgoingTransaction.State


def relayer(program: Program) -> Sender:
    """Return the hot key that pays for collections; it can do nothing else."""
    return Sender(key=settings.RELAYER_KEY, chain_id=program.chain_id)


@transaction.atomic
def claim_request(*, program: Program, account: str) -> ClaimRequest:
    """Ask for an account's claim to be sent; asking again while one is open returns that one.

    Anybody may ask: the contract pays the account and nobody else. Raises NothingToCollectError.
    """
    account = account.lower()
    existing = ClaimRequest.objects.select_for_update().filter(program=program, account=account, state__in=OPEN).first()
    if existing is not None:
        return existing
    ready, cumulative = claimable(program=program, account=account)
    if ready <= 0:
        raise NothingToCollectError(account=account)
    return ClaimRequest.objects.create(program=program, account=account, cumulative=cumulative)


def claims_relay(client: RpcClient, *, program: Program) -> int:
    """Settle what was sent and send what waits, at most a batch; returns how many requests went out."""
    sender = relayer(program)
    resolve(client, sender=sender)
    _settle(program)
    if _gas_spent_today(sender) >= settings.RELAYER_DAILY_GAS:
        logger.error("The relayer's gas for today is used up; %s", "people can still collect by themselves")
        return 0
    with transaction.atomic():
        waiting = list(
            ClaimRequest.objects.select_for_update(skip_locked=True)
            .filter(program=program, state=ClaimRequest.State.WAITING)
            .order_by("pk")[:MAX_BATCH]
        )
        items = _items(program, waiting)
        if not items:
            return 0
        row = _prepare(client, program, sender, waiting, items)
        if row is None:
            return 0
        ids = [request.pk for request in waiting]
        ClaimRequest.objects.filter(pk__in=ids).update(state=ClaimRequest.State.SENT, tx_hash=row.tx_hash, note="")
    broadcast(client, row)
    return len(waiting)


def _prepare(
    client: RpcClient, program: Program, sender: Sender, waiting: list[ClaimRequest], items: list[ClaimItem]
) -> OutgoingTransaction | None:
    """Sign the batch. The estimate is its dry run; if it fails, the requests fail with the contract's reason."""
    key = hashlib.sha256(",".join(f"{item.account}:{item.cumulative}" for item in items).encode()).hexdigest()[:32]
    ids = f"{waiting[0].pk}-{waiting[-1].pk}"
    try:
        return prepare(
            client, sender=sender, purpose=f"collect {program.slug} {ids} {key}", to=program.distributor,
            data=claim_many_calldata(items=items),
        )  # fmt: skip
    except RefusedByContractError as error:
        reason = "Collecting is paused just now. Try again later." if error.reason == "paused" else str(error)
        ClaimRequest.objects.filter(pk__in=[request.pk for request in waiting]).update(
            state=ClaimRequest.State.FAILED, note=reason
        )
        return None


def _items(program: Program, requests: list[ClaimRequest]) -> list[ClaimItem]:
    active = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
    leaves = {
        leaf.account: leaf
        for leaf in Entitlement.objects.filter(
            epoch=active, token=program.token, account__in=[request.account for request in requests]
        )
    }
    return [
        ClaimItem(account=leaf.account, token=leaf.token, cumulative=leaf.cumulative, proof=tuple(leaf.proof))
        for request in requests
        if (leaf := leaves.get(request.account)) is not None
    ]


def _settle(program: Program) -> None:
    """Close what the chain has paid; send again what went down with its transaction."""
    sent = ClaimRequest.objects.filter(program=program, state__in=OPEN)
    for request in sent:
        paid = ChainClaim.objects.filter(
            distributor__address=program.distributor, account=request.account, token=program.token,
            cumulative__gte=request.cumulative,
        )  # fmt: skip
        if (claim := paid.order_by("block_number").first()) is not None:
            ClaimRequest.objects.filter(pk=request.pk).update(state=ClaimRequest.State.DONE, tx_hash=claim.tx_hash)
        elif request.state == ClaimRequest.State.SENT and _went_down(request.tx_hash):
            ClaimRequest.objects.filter(pk=request.pk).update(state=ClaimRequest.State.WAITING, tx_hash="")


def _went_down(tx_hash: str) -> bool:
    return OutgoingTransaction.objects.filter(tx_hash=tx_hash, state__in=[TX.REVERTED, TX.LOST]).exists()


def _gas_spent_today(sender: Sender) -> int:
    rows = OutgoingTransaction.objects.filter(
        sender=sender.address, created_at__gte=timezone.now() - timedelta(days=1), purpose__startswith="collect "
    )
    return int(rows.aggregate(total=Sum("gas_limit"))["total"] or 0)
