"""From a scored epoch to an active root: propose, check again, activate; as often as one likes to ask."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from config import failpoints
from config.spans import span
from onchain.distributor import EpochInfo, Summary, activate_calldata, epoch_digest, propose_calldata, read_epoch
from onchain.distributor import read_summary as distributor_summary
from onchain.models_tx import OutgoingTransaction
from onchain.rpc import RpcClient
from onchain.signers import SignerError
from onchain.transactions import (
    FailsOnTheChainError,
    RefusedByContractError,
    Sender,
    broadcast,
    prepare,
    resolve,
    sender_of,
)
from rewards.models import Epoch, EpochCheck, Program
from rewards.selectors.review import review_state
from rewards.selectors.review_window import review_window
from rewards.services.checks import approval_checks_due, checks_run

logger = logging.getLogger(__name__)
STATE = Epoch.State
TX = OutgoingTransaction.State
NO_PROPOSER = "No key is set that proposes (PROPOSER_KEY, PROPOSER_KEYSTORE or PROPOSER_SIGNER_URL)."
SENT_BACK = "It was sent back and is being looked at."
"""Everybody reads an epoch's note; by whom and why stands on the treasury's pages alone."""
RETRY = timedelta(seconds=60)
"""A proposal that was stopped is looked at again after this: its checks cost a whole recomputation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What goes to the chain for an epoch: the contract's number and all fields that its digest binds."""

    number: int
    root: str
    parent_root: str
    manifest_hash: str
    tokens: tuple[str, ...]
    increments: tuple[int, ...]
    digest: str

    @property
    def purpose(self) -> str:
        """The one transaction that proposes exactly this."""
        return f"propose {self.digest}"

    @property
    def calldata(self) -> str:
        """The bytes of `propose`."""
        return propose_calldata(
            epoch=self.number, root=self.root, parent_root=self.parent_root, manifest_hash=self.manifest_hash,
            tokens=self.tokens, increments=self.increments,
        )  # fmt: skip


def program_advance(client: RpcClient, *, program: Program, now_s: int, now: datetime) -> None:
    """Propose the next scored epoch, check one that waits for its approval, activate one whose delay is over.

    now_s: the chain's clock. now: this machine's, for trying again what was stopped. One epoch is in flight at a
    time: a vetoed one holds up those after it, since they continue a tree that does not pay.
    """
    undecided = [STATE.LIVE, STATE.SCORED, STATE.PROPOSED, STATE.APPROVED, STATE.VETOED]
    epoch = program.epochs.filter(state__in=undecided).order_by("number").first()
    if epoch is None or epoch.state not in (STATE.SCORED, STATE.PROPOSED, STATE.APPROVED):
        return
    if epoch.state == STATE.SCORED and review_window(epoch=epoch, now_ms=now_s * 1000).holds:
        return  # its page says what it waits for; evidence and amounts are there for everybody to look at
    if epoch.state == STATE.PROPOSED:
        epoch.program = program
        _check_again(client, epoch=epoch, now=now)
        return
    try:
        sender = proposer(program)
    except SignerError as error:
        _stop(epoch, str(error), until=now + RETRY)
        return
    if sender is None:
        _stop(epoch, NO_PROPOSER, until=now + RETRY)
        return
    epoch.program = program
    if epoch.state == STATE.SCORED:
        if epoch.retry_at is None or epoch.retry_at <= now:
            _propose(client, epoch=epoch, sender=sender, now=now)
    elif (epoch.activatable_at_s or 0) <= now_s:
        _activate(client, epoch=epoch, sender=sender, now=now)


def proposer(program: Program) -> Sender | None:
    """Return the hot key that proposes, None when none is set; it can do nothing else."""
    return sender_of("PROPOSER", chain_id=program.chain_id)


def proposals_resolve(client: RpcClient, *, program: Program) -> None:
    """Find out what became of what the proposer sent; what the chain doesn't know is sent again."""
    if (sender := proposer(program)) is not None:
        resolve(client, sender=sender)


def proposal_of(*, epoch: Epoch, summary: Summary) -> Proposal:
    """Return what would be proposed for a scored epoch on top of what pays now."""
    program, number = epoch.program, summary.active_epoch + 1
    tokens, increments = (program.token,), (epoch.paid_total or 0,)
    digest = epoch_digest(
        chain_id=program.chain_id, distributor=program.distributor, epoch=number, root=epoch.root,
        parent_root=summary.active_root, manifest_hash=epoch.manifest_hash, tokens=tokens, increments=increments,
    )  # fmt: skip
    return Proposal(
        number=number, root=epoch.root, parent_root=summary.active_root, manifest_hash=epoch.manifest_hash,
        tokens=tokens, increments=increments, digest=digest,
    )  # fmt: skip


def _check_again(client: RpcClient, *, epoch: Epoch, now: datetime) -> None:
    """Make the checks before an approval is offered, against the chain as it is now."""
    if not approval_checks_due(epoch=epoch, now=now):
        return
    summary = distributor_summary(client=client, distributor=epoch.program.distributor)
    if not checks_run(client, epoch=epoch, summary=summary, stage=EpochCheck.Stage.APPROVAL):
        logger.error("Epoch %s is not offered for approval: a check failed", epoch.number)


def _propose(client: RpcClient, *, epoch: Epoch, sender: Sender, now: datetime) -> None:
    if review_state(epoch=epoch).sent_back is not None:
        _stop(epoch, SENT_BACK, until=now + RETRY)
        return
    distributor = epoch.program.distributor
    summary = distributor_summary(client=client, distributor=distributor)
    proposal = proposal_of(epoch=epoch, summary=summary)
    sent = OutgoingTransaction.objects.filter(purpose=proposal.purpose).exclude(state=TX.LOST).first()
    if sent is not None and sent.state != TX.REVERTED:
        return  # it is on its way; the mirror will say when it has arrived
    on_chain = read_epoch(client=client, distributor=distributor, epoch=proposal.number)
    if (reason := _hindrance(proposal, on_chain)) is not None:
        _stop(epoch, reason, until=now + RETRY)
    elif on_chain.digest == proposal.digest:
        _remember(epoch, proposal)
    elif not checks_run(client, epoch=epoch, summary=summary):
        _stop(epoch, "It was not proposed: a check failed. The treasury's page says which.", until=now + RETRY)
    else:
        _send(client, epoch=epoch, proposal=proposal, sender=sender, now=now)


def _hindrance(proposal: Proposal, on_chain: EpochInfo) -> str | None:
    """Say why the proposal can't go out now, in a sentence; None when nothing is in its way."""
    if on_chain.digest == proposal.digest:
        if on_chain.state in ("vetoed", "withdrawn"):
            return f"Exactly this proposal was {on_chain.state} before; put right what was wrong and score it again."
        return None
    if on_chain.state in ("proposed", "approved"):
        return f"The distributor has another proposal for its epoch {proposal.number} in flight: {on_chain.digest}."
    return None


def _send(client: RpcClient, *, epoch: Epoch, proposal: Proposal, sender: Sender, now: datetime) -> None:
    try:
        with span("sign proposal", programme=epoch.program.slug, epoch=epoch.number), transaction.atomic():
            _remember(epoch, proposal)
            failpoints.hit("publishing.remembered")
            row = prepare(
                client, sender=sender, purpose=proposal.purpose, to=epoch.program.distributor, data=proposal.calldata,
                again=True,
            )  # fmt: skip
    except (RefusedByContractError, SignerError) as error:
        _stop(epoch, str(error), until=now + RETRY)
        return
    failpoints.hit("publishing.signed")
    broadcast(client, row)
    failpoints.hit("publishing.sent")


def _activate(client: RpcClient, *, epoch: Epoch, sender: Sender, now: datetime) -> None:
    try:
        with transaction.atomic():
            row = prepare(
                client, sender=sender, purpose=f"activate {epoch.digest}", to=epoch.program.distributor,
                data=activate_calldata(epoch=epoch.chain_epoch or 0), again=True,
            )  # fmt: skip
    except FailsOnTheChainError as error:
        _stop(epoch, str(error), until=now + RETRY)
        return
    except RefusedByContractError as error:
        # The pages' clock is the last block's; the chain may want one more. Anybody else may have been faster.
        logger.info("Epoch %s is not activated now: %s", epoch.number, error.reason)
        return
    failpoints.hit("publishing.activate_signed")
    broadcast(client, row)
    failpoints.hit("publishing.activate_sent")


def _remember(epoch: Epoch, proposal: Proposal) -> None:
    Epoch.objects.filter(pk=epoch.pk).update(
        chain_epoch=proposal.number, digest=proposal.digest, proposal=epoch.proposal + 1, note="", retry_at=None
    )


def _stop(epoch: Epoch, note: str, *, until: datetime) -> None:
    Epoch.objects.filter(pk=epoch.pk).update(note=note, retry_at=until)
    if epoch.note != note:
        logger.error("Epoch %s: %s", epoch.number, note)
