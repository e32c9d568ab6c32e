"""Scores an epoch again once a correction is confirmed: takes its proposal off the chain, keeps what was, opens it.

The ordinary scoring does the rest. Every step asks what is there, so that it may be repeated or die anywhere.
"""

import logging

from django.db import transaction

from config import failpoints
from onchain.distributor import withdraw_calldata
from onchain.models import Cursor
from onchain.models_tx import ChainEpoch, OutgoingTransaction
from onchain.rpc import RpcClient
from onchain.signers import SignerError
from onchain.transactions import (
    FailsOnTheChainError,
    RefusedByContractError,
    Sender,
    broadcast,
    prepare,
    sender_of,
)
from rewards.errors import EpochStateError
from rewards.models import Correction, Epoch, Program
from rewards.services.alarms import alarms_set
from rewards.services.correction_kinds import kind_of
from rewards.services.scoring import epoch_reopen

logger = logging.getLogger(__name__)
STATE = Epoch.State
TX = OutgoingTransaction.State
BEYOND = (STATE.APPROVED, STATE.ACTIVE)
NO_PROPOSER = "An epoch has to be scored again and no key is set that could withdraw its proposal (PROPOSER_KEY)."


def rescores_advance(client: RpcClient, *, program: Program) -> bool:
    """Take the next step towards scoring again what confirmed corrections ask for; whether it opened epochs again.

    The first such epoch and all scored ones after it, whose trees continue its, are scored again in their order.
    Called under the programme's lock.
    """
    waiting = Correction.objects.filter(epoch__program=program, state=Correction.State.CONFIRMED)
    first = waiting.order_by("epoch__number").values_list("epoch__number", flat=True).first()
    hindrance: dict[str, str] = {}
    opened = False
    if first is not None:
        epochs = list(program.epochs.filter(number__gte=first).order_by("number"))
        if any(epoch.state in BEYOND for epoch in epochs):
            _give_up(program, number=first)
        elif (busy := next((epoch for epoch in epochs if _is_on_the_chain(epoch)), None)) is None:
            opened = _open(program, number=first)
        else:
            busy.program = program
            hindrance = _withdraw(client, epoch=busy)
    alarms_set(program=program, code="rescoring", messages=hindrance)
    return opened


def _is_on_the_chain(epoch: Epoch) -> bool:
    """Whether the chain has, or may yet get, a proposal of the epoch that is not finally off it."""
    if not epoch.digest or epoch.chain_epoch is None:
        return False
    if epoch.state != STATE.VETOED:
        # Signed is as good as proposed: the mirror may be behind what the chain has taken.
        sent = OutgoingTransaction.objects.filter(purpose=f"propose {epoch.digest}")
        return epoch.state == STATE.PROPOSED or sent.exclude(state__in=[TX.LOST, TX.REVERTED]).exists()
    row = ChainEpoch.objects.filter(
        distributor__chain_id=epoch.program.chain_id, distributor__address=epoch.program.distributor,
        number=epoch.chain_epoch, digest=epoch.digest,
    ).first()  # fmt: skip
    if row is None:
        return False
    # A withdrawal that a reorg could still take back would leave the old proposal there to be approved.
    cursor = Cursor.objects.filter(chain_id=epoch.program.chain_id).first()
    return cursor is None or row.last_block > cursor.final_block


def _withdraw(client: RpcClient, *, epoch: Epoch) -> dict[str, str]:
    """Send the withdrawal of an epoch's proposal once; returns what hinders it, by subject."""
    if epoch.state != STATE.PROPOSED:
        return {}  # it is on its way into the chain or out of it: the mirror will say
    try:
        sender = sender_of("PROPOSER", chain_id=epoch.program.chain_id)
        if sender is None:
            return {f"epoch {epoch.number}": NO_PROPOSER}
        _send(client, epoch=epoch, sender=sender)
    except (SignerError, FailsOnTheChainError) as error:
        return {f"epoch {epoch.number}": str(error)}
    except RefusedByContractError as error:
        # Approved or vetoed meanwhile: the mirror will say which.
        logger.info("The proposal of epoch %s is not withdrawn: %s", epoch.number, error.reason)
    return {}


def _send(client: RpcClient, *, epoch: Epoch, sender: Sender) -> None:
    purpose = f"withdraw {epoch.digest}"
    if OutgoingTransaction.objects.filter(purpose=purpose).exclude(state__in=[TX.LOST, TX.REVERTED]).exists():
        return
    with transaction.atomic():
        row = prepare(
            client, sender=sender, purpose=purpose, to=epoch.program.distributor,
            data=withdraw_calldata(epoch=epoch.chain_epoch or 0), again=True,
        )  # fmt: skip
    failpoints.hit("rescoring.withdraw_signed")
    broadcast(client, row)
    failpoints.hit("rescoring.withdraw_sent")


def _open(program: Program, *, number: int) -> bool:
    """Keep what was and open the epochs again, all in one transaction; False when the chain was faster."""
    try:
        with transaction.atomic():
            numbers = epoch_reopen(program=program, number=number, because=_because(program, number))
            failpoints.hit("rescoring.before_commit")
    except EpochStateError as error:
        logger.info("%s", error)
        return False
    failpoints.hit("rescoring.opened")
    logger.warning("Epochs %s of %s are scored again", numbers, program.slug)
    return True


def _because(program: Program, number: int) -> str:
    rows = Correction.objects.filter(epoch__program=program, epoch__number=number, state=Correction.State.CONFIRMED)
    return "\n".join(f"{kind_of(row.kind).words(data=row.data)} {row.reason}" for row in rows.order_by("pk"))


def _give_up(program: Program, *, number: int) -> None:
    """Say of the corrections that the chain was faster: what is approved stays."""
    rows = Correction.objects.filter(
        epoch__program=program, epoch__number__gte=number, state=Correction.State.CONFIRMED
    )
    for row in rows.select_related("epoch"):
        later = program.epochs.filter(number__gte=row.epoch.number, state__in=BEYOND)
        if later.exists():
            Correction.objects.filter(pk=row.pk, state=Correction.State.CONFIRMED).update(
                state=Correction.State.TOO_LATE
            )
            logger.error("The correction %s comes too late: the chain has approved epoch %s", row.pk, row.epoch.number)
