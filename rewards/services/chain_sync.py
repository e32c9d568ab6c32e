"""Moves epochs to where the chain says they are, and raises an alarm for what our records can't explain."""

import logging

from config import failpoints
from onchain.models_tx import ChainDistributor, ChainEpoch
from onchain.rpc import RpcClient
from onchain.watch import watch
from rewards.models import Epoch, Program
from rewards.services.alarms import alarms_set
from rewards.services.role_alarms import roles_watch

logger = logging.getLogger(__name__)
STATE = Epoch.State
MIRRORED = {
    ChainEpoch.State.PROPOSED: STATE.PROPOSED,
    ChainEpoch.State.APPROVED: STATE.APPROVED,
    ChainEpoch.State.ACTIVE: STATE.ACTIVE,
    ChainEpoch.State.VETOED: STATE.VETOED,
    ChainEpoch.State.WITHDRAWN: STATE.VETOED,
}
ON_CHAIN = (STATE.PROPOSED, STATE.APPROVED, STATE.ACTIVE, STATE.VETOED)
DANGEROUS = (ChainEpoch.State.PROPOSED, ChainEpoch.State.APPROVED, ChainEpoch.State.ACTIVE)


def program_watch(client: RpcClient, *, program: Program) -> None:
    """Mirror the distributor's events, then move the programme's epochs to where the chain says that they are."""
    distributor = ChainDistributor.objects.get(chain_id=program.chain_id, address=program.distributor)
    watch(client, distributor=distributor)
    failpoints.hit("mirror.watched")
    program_sync(program=program, distributor=distributor)


def program_sync(*, program: Program, distributor: ChainDistributor) -> None:
    """Apply the mirror to the programme's epochs; a proposal that we did not compute raises an alarm."""
    rows = list(ChainEpoch.objects.filter(distributor=distributor).order_by("number"))
    epochs = {(epoch.chain_epoch, epoch.digest): epoch for epoch in program.epochs.exclude(digest="")}
    seen: set[int] = set()
    strange: dict[str, str] = {}
    for row in rows:
        epoch = epochs.get((row.number, row.digest))
        if epoch is not None:
            seen.add(epoch.pk)
            _move(epoch, row)
        elif row.state in DANGEROUS:
            strange[f"epoch {row.number}"] = _unknown(program, row)
    for epoch in epochs.values():
        if epoch.state in ON_CHAIN and epoch.pk not in seen:
            # A reorg took the proposal out of the chain; its transaction is still ours to send again.
            Epoch.objects.filter(pk=epoch.pk, state=epoch.state).update(state=STATE.SCORED, activatable_at_s=None)
            logger.warning("The chain no longer has the proposal of epoch %s", epoch.number)
    alarms_set(program=program, code="unknown_proposal", messages=strange)
    distributor.refresh_from_db()
    roles_watch(program=program, distributor=distributor)


def _move(epoch: Epoch, row: ChainEpoch) -> None:
    state, note = MIRRORED[ChainEpoch.State(row.state)], _note(row)
    is_known = (epoch.state, epoch.activatable_at_s) == (state, row.activatable_at_s)
    # Where the chain has nothing new to say, what hinders the next step stays said.
    if epoch.state == STATE.LIVE or (is_known and note in ("", epoch.note)):
        return
    moved = Epoch.objects.filter(pk=epoch.pk, state=epoch.state).update(
        state=state, activatable_at_s=row.activatable_at_s, note=note, retry_at=None
    )
    if moved and epoch.state != state:
        logger.info("Epoch %s: %s, by the chain's word", epoch.number, state.label)
        failpoints.hit("mirror.moved")


def _note(row: ChainEpoch) -> str:
    if row.state == ChainEpoch.State.VETOED:
        reason = f": {row.reason}" if row.reason else ""
        return f"The guardian stopped it{reason}. It can be scored again after what was wrong is put right."
    if row.state == ChainEpoch.State.WITHDRAWN:
        return "The proposer took it back. It can be scored again after what was wrong is put right."
    return ""


def _unknown(program: Program, row: ChainEpoch) -> str:
    return (
        f"The distributor of {program.slug} has epoch {row.number} {row.state} with the digest {row.digest}, which we "
        f"did not compute (proposed by {row.proposed_by}). Don't approve it; have the guardian veto it and replace "
        "the proposer's key."
    )
