"""From a scored epoch to an active root: propose, then do what the chain allows, as often as one likes to ask."""

import logging

from django.conf import settings
from django.db import transaction

from onchain.distributor import Summary, activate_calldata, epoch_digest, propose_calldata, read_epoch, read_summary
from onchain.models_tx import ChainDistributor, ChainEpoch
from onchain.rpc import RpcClient
from onchain.transactions import RefusedByContractError, Sender, broadcast, prepare, resolve
from onchain.watch import watch
from rewards.models import Epoch, Program
from rewards.services.checks import checks_run

logger = logging.getLogger(__name__)
STATE = Epoch.State
MIRRORED = {
    ChainEpoch.State.PROPOSED: STATE.PROPOSED,
    ChainEpoch.State.APPROVED: STATE.APPROVED,
    ChainEpoch.State.ACTIVE: STATE.ACTIVE,
    ChainEpoch.State.VETOED: STATE.VETOED,
    ChainEpoch.State.WITHDRAWN: STATE.SCORED,
}


def proposer(program: Program) -> Sender:
    """Return the hot key that proposes; it can do nothing else."""
    return Sender(key=settings.PROPOSER_KEY, chain_id=program.chain_id)


def program_watch(client: RpcClient, *, program: Program) -> None:
    """Mirror the distributor's events and move the programme's epochs to where the chain says that they are."""
    distributor = ChainDistributor.objects.get(chain_id=program.chain_id, address=program.distributor)
    watch(client, distributor=distributor)
    for row in ChainEpoch.objects.filter(distributor=distributor):
        epoch = program.epochs.filter(chain_epoch=row.number, digest=row.digest).first()
        if epoch is None:
            continue
        state = MIRRORED[ChainEpoch.State(row.state)]
        if (epoch.state, epoch.activatable_at_s) != (state, row.activatable_at_s):
            Epoch.objects.filter(pk=epoch.pk).update(state=state, activatable_at_s=row.activatable_at_s)
            logger.info("Epoch %s is %s by the chain's word", epoch.number, state.label)


def program_advance(client: RpcClient, *, program: Program, now_s: int) -> None:
    """Propose the next scored epoch and activate an approved one whose delay is over. `now_s`: the chain's clock."""
    sender = proposer(program)
    resolve(client, sender=sender)
    waiting = program.epochs.filter(state__in=[STATE.SCORED, STATE.PROPOSED, STATE.APPROVED]).order_by("number").first()
    if waiting is None:
        return
    waiting.program = program
    if waiting.state == STATE.SCORED:
        _propose(client, epoch=waiting, sender=sender)
    elif waiting.state == STATE.APPROVED and (waiting.activatable_at_s or 0) <= now_s:
        _activate(client, epoch=waiting, sender=sender)


def _propose(client: RpcClient, *, epoch: Epoch, sender: Sender) -> None:
    program = epoch.program
    summary = read_summary(client=client, distributor=program.distributor)
    if not checks_run(client, epoch=epoch, summary=summary):
        _note(epoch, "It was not proposed: a check failed. The treasury's page says which.")
        return
    number = summary.active_epoch + 1
    fields = {
        "epoch": number, "root": epoch.root, "parent_root": summary.active_root, "manifest_hash": epoch.manifest_hash,
        "tokens": [program.token], "increments": [epoch.paid_total or 0],
    }  # fmt: skip
    digest = epoch_digest(chain_id=program.chain_id, distributor=program.distributor, **fields)  # type: ignore[arg-type]
    if read_epoch(client=client, distributor=program.distributor, epoch=number).digest == digest:
        _remember(epoch, number, digest)
        return
    try:
        with transaction.atomic():
            _remember(epoch, number, digest)
            row = prepare(
                client, sender=sender, purpose=f"propose {digest}", to=program.distributor,
                data=propose_calldata(**fields),  # type: ignore[arg-type]
            )  # fmt: skip
    except RefusedByContractError as error:
        _note(epoch, str(error))
        return
    broadcast(client, row)


def _activate(client: RpcClient, *, epoch: Epoch, sender: Sender) -> None:
    try:
        row = prepare(
            client, sender=sender, purpose=f"activate {epoch.digest}", to=epoch.program.distributor,
            data=activate_calldata(epoch=epoch.chain_epoch or 0),
        )  # fmt: skip
    except RefusedByContractError as error:
        # The pages' clock is the last block's; the chain may want one more.
        logger.info("Epoch %s is not activated yet: %s", epoch.number, error.reason)
        return
    broadcast(client, row)


def _remember(epoch: Epoch, number: int, digest: str) -> None:
    Epoch.objects.filter(pk=epoch.pk).update(chain_epoch=number, digest=digest, note="")


def _note(epoch: Epoch, note: str) -> None:
    if epoch.note != note:
        Epoch.objects.filter(pk=epoch.pk).update(note=note)
        logger.error("Epoch %s: %s", epoch.number, note)


def summary_of(client: RpcClient, *, program: Program) -> Summary:
    """Return the distributor's roles and active root as the node says now."""
    return read_summary(client=client, distributor=program.distributor)
