"""Scores an epoch that has ended: its evidence first, then its rows, so that nothing is stored without proof."""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config import failpoints
from config.spans import span
from onchain.errors import OnchainError
from onchain.models_tx import OutgoingTransaction
from onchain.selectors import head, settled_through_ms
from rewards.engine.errors import EngineError
from rewards.engine.evidence import Inputs, ManifestFields
from rewards.engine.scoring import Result, combine
from rewards.errors import EpochStateError, NotWrittenError, NotYetError
from rewards.models import (
    Allocation,
    Carry,
    Entitlement,
    Epoch,
    EpochCheck,
    LiveStanding,
    LiveState,
    Payment,
    Program,
    QuoteCells,
    QuoteRun,
    Score,
    Stretch,
)
from rewards.services.alarms import alarms_set
from rewards.services.evidence_writing import NO_ROOT, evidence_write
from rewards.services.gathering import Ground, check_epoch_before, gather, ground_of
from rewards.services.revisions import revision_keep
from rewards.services.stretches import stretched_scores, stretches_done, stretches_score
from rewards.services.vaults import VaultsOfEpoch, vault_rows_store, vaults_of, vaults_wait
from rewards.writing import writing

logger = logging.getLogger(__name__)
HOUR_MS = 3_600_000
ON_THE_WAY = (OutgoingTransaction.State.SIGNED, OutgoingTransaction.State.MINED)


RETRY = timedelta(minutes=5)
"""An epoch whose data are wrong is tried again after this; somebody has to put them right first."""
RETRY_WRITING = timedelta(seconds=15)
"""One whose evidence finds no room, after this: each try fills the disk to the brim, which others write to as well."""
NOT_WRITTEN = "It waits until its evidence can be written."


def epoch_score_if_due(*, epoch_id: int, now: datetime) -> Epoch:
    """Score an epoch unless it was stopped a short while ago; what is wrong with its data becomes its note.

    So does a disk that doesn't take its evidence, which raises an alarm as well and is tried again soon.
    now: this machine's clock. Raises NotYetError and what else may pass by itself.
    """
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    if epoch.retry_at is not None and now < epoch.retry_at:
        return epoch
    try:
        done = epoch_score(epoch_id=epoch_id)
    except (EngineError, OnchainError) as error:
        _stop(epoch, error, now=now)
        done = epoch
    except NotWrittenError as error:
        _not_written(epoch, error, now=now)
        return epoch
    # Also where something else stops it now: should there be no room still, it will be said again.
    alarms_set(program=epoch.program, code="evidence_not_written", messages={})
    return done


def _not_written(epoch: Epoch, error: NotWrittenError, *, now: datetime) -> None:
    live = Epoch.objects.filter(pk=epoch.pk, state=Epoch.State.LIVE)
    # Everybody reads the note; which folder of this machine it is about says the alarm.
    live.update(note=NOT_WRITTEN, retry_at=now + RETRY_WRITING)
    logger.error("Epoch %s is not scored: %s", epoch.number, error)
    # The note says it of one epoch; those after it wait for the same.
    alarms_set(program=epoch.program, code="evidence_not_written", messages={"EVIDENCE_DIR": str(error)})


def stretches_score_or_stop(
    *, epoch_id: int, market: str, now: datetime, keep_going: Callable[[], bool] = lambda: True
) -> int:
    """Do a market's due stretches; what is wrong with its data becomes the epoch's note, long before its end.

    Returns how many. now: this machine's clock. Raises what may pass by itself.
    """
    try:
        return stretches_score(epoch_id=epoch_id, market=market, keep_going=keep_going)
    except (EngineError, OnchainError) as error:
        _stop(Epoch.objects.get(pk=epoch_id), error, now=now)
        return 0


def _stop(epoch: Epoch, error: EngineError | OnchainError, *, now: datetime) -> None:
    """Say in the epoch's note what stops its scoring, and leave it for a while; what may pass by itself is raised."""
    if error.retryable:
        raise error
    live = Epoch.objects.filter(pk=epoch.pk, state=Epoch.State.LIVE)
    live.update(note=f"It can't be scored: {error}", retry_at=now + RETRY)
    logger.error("Epoch %s can't be scored: %s", epoch.number, error)


def epoch_score(*, epoch_id: int) -> Epoch:
    """Score an epoch whose events are all final: write its evidence, then store its result in one transaction.

    Its stretches are merged; those that nobody has done yet are done here. Scoring again gives the same evidence and
    changes nothing. Call it under the programme's lock. Raises NotYetError, NotWrittenError, the errors of onchain's
    market events and of the engine.
    """
    epoch = Epoch.objects.select_related("program").get(pk=epoch_id)
    if epoch.state != Epoch.State.LIVE:
        return epoch
    ground = ground_of(epoch)
    with span("score epoch", programme=epoch.program.slug, epoch=epoch.number):
        vaults, inputs, result = _scored(epoch, ground)
    with (
        span("write evidence", programme=epoch.program.slug, epoch=epoch.number),
        writing(what=f"the evidence of epoch {epoch.number}", setting="EVIDENCE_DIR"),
    ):
        manifest_hash, name, fields = evidence_write(
            epoch=epoch, vaults=vaults, inputs=inputs, result=result, ground=ground
        )
    failpoints.hit("scoring.after_evidence")
    with span("store result", programme=epoch.program.slug, epoch=epoch.number), transaction.atomic():
        locked = Epoch.objects.select_for_update().get(pk=epoch_id)
        if locked.state != Epoch.State.LIVE:
            return locked
        if ground_of(locked).actions != ground.actions:
            raise NotYetError(what=f"Scoring epoch {epoch.number}", waits_for="a market action that has just changed")
        _store_rows(locked, inputs, result)
        failpoints.hit("scoring.rows_stored")
        vault_rows_store(epoch=locked, held=vaults, result=result)
        _store_epoch(locked, inputs, result, manifest_hash=manifest_hash, name=name, fields=fields)
        failpoints.hit("scoring.before_commit")
    failpoints.hit("scoring.stored")
    logger.info("Epoch %s is scored: root %s", locked.number, locked.root or "none")
    return locked


PUT_RIGHT = "What was wrong was put right."


@transaction.atomic
def epoch_reopen(*, program: Program, number: int, because: str = PUT_RIGHT) -> list[int]:
    """Have an epoch scored again, and those after it, whose trees continue its; returns their numbers.

    For a vetoed epoch, or one that can't be proposed, after what was wrong (a market, a maker's accounts) is put
    right; for corrections see rewards.services.rescoring. What was is kept as a revision, with `because` for
    everybody to read. What the chain holds can't be reopened: EpochStateError names the epoch and its state.
    """
    epochs = list(program.epochs.select_for_update().filter(number__gte=number).order_by("number"))
    again = [epoch for epoch in epochs if epoch.state not in (Epoch.State.SCHEDULED, Epoch.State.LIVE)]
    for epoch in again:
        if epoch.state not in (Epoch.State.SCORED, Epoch.State.EMPTY, Epoch.State.VETOED):
            raise EpochStateError(number=epoch.number, state=str(Epoch.State(epoch.state).label))
        if OutgoingTransaction.objects.filter(purpose=f"propose {epoch.digest}", state__in=ON_THE_WAY).exists():
            raise EpochStateError(number=epoch.number, state="its proposal is on the way")
        why = because if epoch.number == number else f"Epoch {number}, which it builds on, was scored again."
        revision_keep(epoch=epoch, because=why)
        # Derived, and of the former result: they are summed up again.
        QuoteCells.objects.filter(epoch=epoch).delete()
        QuoteRun.objects.filter(epoch=epoch).delete()
        epoch.state, epoch.note, epoch.retry_at = Epoch.State.LIVE, "", None
        epoch.digest, epoch.chain_epoch, epoch.paid_total = "", None, None
        epoch.save()
    return [epoch.number for epoch in again]


def _scored(epoch: Epoch, ground: Ground) -> tuple[VaultsOfEpoch, Inputs, Result]:
    markets = list(json.loads(epoch.terms_json)["markets"])
    if settled_through_ms(markets=markets) < epoch.end_ms:
        raise NotYetError(what=f"Scoring epoch {epoch.number}", waits_for="its last blocks to be final")
    check_epoch_before(epoch)
    vaults_wait(epoch=epoch)
    for market in markets:
        stretches_score(epoch_id=epoch.pk, market=market)
    for market in markets:
        if not stretches_done(epoch=epoch, market=market):
            raise NotYetError(what=f"Scoring epoch {epoch.number}", waits_for=f"the worker that is at {market}")
    vaults = vaults_of(epoch=epoch)
    inputs = gather(epoch=epoch, ground=ground, vaults=vaults.vaults)
    failpoints.hit("scoring.gathered")
    result = combine(inputs, stretched_scores(epoch=epoch, inputs=inputs, ground=ground))
    failpoints.hit("allocation.done")
    return vaults.paid_through(inputs.vaults), inputs, result


def _store_rows(epoch: Epoch, inputs: Inputs, result: Result) -> None:
    for model in (Score, Allocation, Carry, Entitlement, Payment, LiveStanding, LiveState, Stretch, EpochCheck):
        model.objects.filter(epoch=epoch).delete()
    Score.objects.bulk_create(
        Score(epoch=epoch, market=row.market, maker=row.maker, kind=row.kind, credit=row.credit,
              present_ms=row.present_ms, live_ms=row.live_ms)
        for row in result.scores
    )  # fmt: skip
    Allocation.objects.bulk_create(
        Allocation(epoch=epoch, market=row.market, maker=row.maker, quoting=row.quoting, fills=row.fills,
                   stress=row.stress, payout=row.payout)
        for row in result.allocations
    )  # fmt: skip
    Carry.objects.bulk_create(Carry(epoch=epoch, maker=maker, amount=due) for maker, due in result.carried_out.items())
    Entitlement.objects.bulk_create(
        Entitlement(epoch=epoch, account=account, token=token, cumulative=cumulative,
                    increment=result.increments.get(account, 0) if token == inputs.terms.token else 0,
                    proof=result.tree.proof(index) if result.tree else [])
        for index, (account, token, cumulative) in enumerate(result.cumulative)
    )  # fmt: skip
    Payment.objects.bulk_create(
        Payment(epoch=epoch, maker=part.maker, account=part.account, amount=part.amount, vault=part.vault or "")
        for part in result.parts
    )


def _store_epoch(
    epoch: Epoch, inputs: Inputs, result: Result, *, manifest_hash: str, name: str, fields: ManifestFields
) -> None:
    epoch.from_block, epoch.to_block, epoch.to_block_hash = fields.from_block, fields.to_block, fields.to_block_hash
    epoch.root = result.root or ""
    epoch.parent_root = fields.previous_root or NO_ROOT
    epoch.manifest_hash, epoch.evidence_name = manifest_hash, name
    epoch.paid_total = sum(result.increments.values())
    epoch.unspent = result.unspent
    epoch.carried_in_total = sum(inputs.carried_in.values())
    epoch.carried_out_total = sum(result.carried_out.values())
    epoch.scored_at = timezone.now()
    # Each result can be looked at for as long as the first.
    newest = head()
    begins_ms = newest.timestamp_s * 1000 if newest else epoch.end_ms
    epoch.review_until_ms = begins_ms + settings.REVIEW_HOURS * HOUR_MS
    epoch.note, epoch.retry_at, epoch.digest, epoch.chain_epoch = "", None, "", None
    # An epoch that pays nobody leaves the tree as it was: there is nothing to propose.
    epoch.state = Epoch.State.SCORED if result.increments else Epoch.State.EMPTY
    epoch.save()
