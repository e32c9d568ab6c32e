"""Collecting without gas: requests go out in batches, each pays only its account, the chain says when it is done."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from config import failpoints
from config.spans import span
from onchain.distributor import MAX_BATCH, MAX_BATCH_NODES, ClaimItem
from onchain.errors import OnchainError
from onchain.models_tx import ChainClaim, ChainDistributor, OutgoingTransaction
from onchain.relayer import dry_run, gas_spent, prepare_batch
from onchain.rpc import RpcClient
from onchain.selectors import stored_through
from onchain.transactions import RefusedByContractError, Sender, broadcast, resolve, sender_of
from onchain.watch import watch
from rewards.errors import NothingToCollectError, TooManyRequestsError
from rewards.models import ClaimRequest, Entitlement, Epoch, Program
from rewards.selectors.claims import claimable
from rewards.trouble import Trouble, trouble_of_error, trouble_of_reason

logger = logging.getLogger(__name__)
STATE = ClaimRequest.State
OPEN = (STATE.WAITING, STATE.SENT)
TX = OutgoingTransaction.State
PURPOSE = "collect "
MAX_ATTEMPTS = 5
MAX_REQUESTS_A_DAY = 10
A_DAY = timedelta(days=1)
GAS_A_CLAIM = 100_000
MOST_AT_ONCE = 10
"""Transactions of one poke: nodes keep few that wait from one account, and the next poke comes in two seconds."""
"""What one claim costs at most in a batch of its own: what the day's budget still has to hold for each."""
NO_RELAYER = "This service can't send it for you at the moment. You can collect it yourself, with your own wallet."
BUDGET_USED = "Free collecting is used up for today and goes on tomorrow. You can collect it yourself at any time."


@transaction.atomic
def claim_request(*, program: Program, account: str, now: datetime | None = None) -> ClaimRequest:
    """Ask for an account's claim to be sent; asking again while one is open returns that one.

    Anybody may ask: the contract pays the account and nobody else. now: this machine's clock, for the limit of
    requests a day (no limit without it). Raises NothingToCollectError and TooManyRequestsError.
    """
    account = account.lower()
    requests = ClaimRequest.objects.filter(program=program, account=account)
    existing = requests.select_for_update().filter(state__in=OPEN).first()
    if existing is not None:
        return existing
    ready, cumulative = claimable(program=program, account=account)
    if ready <= 0:
        raise NothingToCollectError(account=account)
    if now is not None and _had_its_share(requests, now=now):
        raise TooManyRequestsError(account=account)
    # Two people who ask at the same moment: the constraint lets one through, the other gets the same row.
    request, _ = ClaimRequest.objects.get_or_create(
        program=program, account=account, state=STATE.WAITING, defaults={"cumulative": cumulative}
    )
    return request


def claims_relay(client: RpcClient, *, program: Program, now: datetime) -> int:
    """Settle what was sent and send what waits, at most MAX_BATCH; returns how many requests went out.

    Call it under the programme's relay lock. now: this machine's clock, for the gas budget of a day. Raises what the
    client and the signer raise, after those who wait have been told.
    """
    try:
        return _relay(client, program, now=now)
    except OnchainError as error:
        # Whoever waits is told why; the task tries again at its next turn.
        _hold(program, trouble_of_error(error))
        raise


def _relay(client: RpcClient, program: Program, *, now: datetime) -> int:
    sender = relayer(program)
    if sender is not None:
        resolve(client, sender=sender)
    failpoints.hit("relay.resolved")
    if not ClaimRequest.objects.filter(program=program, state__in=OPEN).exists():
        return 0
    # What is final by our blocks is seen as paid or not by our mirror of them, which may be behind. Asked before it is
    # brought further: the blocks may move on meanwhile, and then it knows less than they do.
    through = stored_through(address=program.distributor)
    distributor = ChainDistributor.objects.get(chain_id=program.chain_id, address=program.distributor)
    watch(client, distributor=distributor)
    _settle(program, through=through)
    failpoints.hit("relay.settled")
    waiting = list(_waiting(program).order_by("pk")[:MAX_BATCH])
    if not waiting:
        return 0
    if sender is None:
        return _hold(program, NO_RELAYER)
    if ChainDistributor.objects.filter(chain_id=program.chain_id, address=program.distributor, paused=True).exists():
        return _hold(program, Trouble.PAUSED)
    affordable = _affordable(sender, now=now)
    if affordable <= 0:
        return _hold(program, BUDGET_USED)
    batches = _checked(client, program, sender, waiting[:affordable])
    failpoints.hit("relay.checked")
    return sum(_send(client, program, sender, batch) for batch in batches[:MOST_AT_ONCE])


def _batches(waiting: list[ClaimRequest]) -> list[list[ClaimRequest]]:
    """Return who goes out together: all on their first try, and each alone whose transaction went down.

    Whoever makes its own claim fail just before it is mined takes the others of its batch down once, never again.
    """
    fresh = [request for request in waiting if not request.attempts]
    return [*([fresh] if fresh else []), *([request] for request in waiting if request.attempts)]


def relayer(program: Program) -> Sender | None:
    """Return the hot key that pays for collections, None when none is set; it can do nothing else."""
    return sender_of("RELAYER", chain_id=program.chain_id)


def _had_its_share(requests: QuerySet[ClaimRequest], *, now: datetime) -> bool:
    """Whether an account has asked, or cost us, as much as one account may in a day."""
    today = requests.filter(created_at__gt=now - A_DAY)
    if today.count() >= MAX_REQUESTS_A_DAY:
        return True
    spent = 0
    for request in today.exclude(transaction=None).select_related("transaction"):
        row = request.transaction
        if row is not None:
            together = ClaimRequest.objects.filter(transaction=row).count()
            spent += (row.gas_limit if row.gas_used is None else row.gas_used) // max(1, together)
    return bool(spent >= settings.RELAYER_ACCOUNT_DAILY_GAS)


def _waiting(program: Program) -> QuerySet[ClaimRequest]:
    return ClaimRequest.objects.filter(program=program, state=STATE.WAITING)


def _hold(program: Program, note: str) -> int:
    """Tell those who wait why nothing goes out; returns 0, how many went out."""
    _waiting(program).exclude(note=note).update(note=note)
    return 0


def _affordable(sender: Sender, *, now: datetime) -> int:
    """Return how many claims the gas budget of a day still holds."""
    spent = gas_spent(sender=sender, since=now - A_DAY, purpose_prefix=PURPOSE)
    return int(settings.RELAYER_DAILY_GAS - spent) // GAS_A_CLAIM


def _checked(
    client: RpcClient, program: Program, sender: Sender, waiting: list[ClaimRequest]
) -> list[list[ClaimRequest]]:
    """Return what to send, without whoever has no leaf or would be refused; those are told why in plain words."""
    items = _items(program, waiting)
    for request in [request for request in waiting if request.account not in items]:
        _fail(request, "There is nothing to collect for this account at the moment.")
    found = _within_the_bound([request for request in waiting if request.account in items], items)
    batches = _batches(found)[:MOST_AT_ONCE]
    return [part for batch in batches for part in _passing(client, program, sender, batch, items)]


def _passing(
    client: RpcClient, program: Program, sender: Sender, batch: list[ClaimRequest], items: dict[str, ClaimItem]
) -> list[list[ClaimRequest]]:
    """Return a batch in as many parts as it takes for each to pass; whoever is refused is told why and left out."""
    if not batch:
        return []
    tried = dry_run(
        client, sender=sender, distributor=program.distributor,
        items=[items[request.account] for request in batch],
    )  # fmt: skip
    for request in [request for request in batch if request.account in tried.refused]:
        _fail(request, trouble_of_reason(tried.refused[request.account]))
    left = [request for request in batch if request.account not in tried.refused]
    if tried.fits_together or len(left) == 1:
        return [left] if left else []
    middle = len(left) // 2
    return [part for half in (left[:middle], left[middle:]) for part in _passing(client, program, sender, half, items)]


def _within_the_bound(found: list[ClaimRequest], items: dict[str, ClaimItem]) -> list[ClaimRequest]:
    """Return as many, from the first on, as the contract takes proof hashes for in one call."""
    nodes = list(accumulate(len(items[request.account].proof) for request in found))
    return [request for request, total in zip(found, nodes, strict=True) if total <= MAX_BATCH_NODES]


def _send(client: RpcClient, program: Program, sender: Sender, waiting: Sequence[ClaimRequest]) -> int:
    items = _items(program, waiting)
    try:
        # Signed and marked in one transaction: a crash leaves both or neither.
        with span("sign collections", programme=program.slug, accounts=len(items)), transaction.atomic():
            row = prepare_batch(
                client, sender=sender, distributor=program.distributor, items=list(items.values()),
                purpose=_purpose(program, waiting),
            )  # fmt: skip
            for request in waiting:
                request.state, request.transaction, request.tx_hash = STATE.SENT, row, row.tx_hash
                request.attempts, request.note = request.attempts + 1, ""
                request.save()
            failpoints.hit("relay.before_commit")
    except RefusedByContractError as error:
        logger.warning("A batch of %s claims was not sent: %s", len(waiting), error)
        return _hold(program, trouble_of_error(error))
    failpoints.hit("relay.signed")
    broadcast(client, row)
    failpoints.hit("relay.sent")
    return len(waiting)


def _purpose(program: Program, waiting: Sequence[ClaimRequest]) -> str:
    """The same requests at the same attempt are the same batch, however often we come here."""
    content = ",".join(f"{request.pk}/{request.attempts}" for request in waiting)
    return f"{PURPOSE}{program.slug} {hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _items(program: Program, requests: Sequence[ClaimRequest]) -> dict[str, ClaimItem]:
    """Return the leaf of each request's account under the root that pays now."""
    active = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
    leaves = Entitlement.objects.filter(
        epoch=active, token=program.token, account__in=[request.account for request in requests]
    ).order_by("account")
    return {
        leaf.account: ClaimItem(
            account=leaf.account, token=leaf.token, cumulative=leaf.cumulative, proof=tuple(leaf.proof)
        )
        for leaf in leaves
    }


def _settle(program: Program, *, through: int) -> None:
    """Close what the chain has paid; have what went down with its transaction sent again.

    through: the block to which the mirror of the distributor's events has been brought at least. A payment that it has
    not seen yet looks like one that went down.
    """
    for request in ClaimRequest.objects.filter(program=program, state__in=OPEN).select_related("transaction"):
        claim = _claim_of(program, request)
        if claim is not None:
            request.state, request.tx_hash, request.note = STATE.DONE, claim.tx_hash, ""
            request.save()
        elif request.state == STATE.SENT and _went_down(request, through=through):
            request.state, request.transaction, request.tx_hash = STATE.WAITING, None, ""
            request.save()
            if request.attempts >= MAX_ATTEMPTS:
                _fail(request, "It could not be sent, several times. You can collect it yourself; we look into it.")


def _claim_of(program: Program, request: ClaimRequest) -> ChainClaim | None:
    """Return the Claimed event that paid what was asked for, whoever sent it."""
    found = ChainClaim.objects.filter(
        distributor__chain_id=program.chain_id, distributor__address=program.distributor, token=program.token,
        account=request.account, cumulative__gte=request.cumulative,
    )  # fmt: skip
    return found.order_by("block_number", "log_index").first()


def _went_down(request: ClaimRequest, *, through: int) -> bool:
    """Whether its batch can't pay it any more: refused, replaced, or final without having paid this account.

    through: the block to which the distributor's events are known.
    """
    row = request.transaction
    if row is None or row.state in (TX.REVERTED, TX.LOST):
        return True
    return row.state == TX.FINAL and row.block_number is not None and row.block_number <= through


def _fail(request: ClaimRequest, note: str) -> None:
    request.state, request.note = STATE.FAILED, note
    request.save()
    logger.warning("The claim of %s was not sent: %s", request.account, note)
