"""Corrections of an epoch: one person enters, another confirms, and a machine scores the epoch again."""

import logging
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from accounts.roles import Deed, Person, require, user_of
from rewards.errors import CorrectionRefusedError
from rewards.models import Correction, Dispute, Epoch
from rewards.services.correction_kinds import kind_of, same_data

logger = logging.getLogger(__name__)
STATE = Correction.State
MOST_REASON = 2_000


@transaction.atomic
def correction_enter(
    *, by: Person, epoch: Epoch, kind: str, given: Mapping[str, str], reason: str, dispute: Dispute | None = None
) -> Correction:
    """Enter what is to be put right in an epoch; `given` are the kind's fields. It holds the epoch back from now on.

    Raises NotPermittedError and CorrectionRefusedError.
    """
    require(person=by, deed=Deed.CORRECT_EPOCH)
    locked = _correctable(epoch)
    which = kind_of(kind)
    data = which.checked(epoch=locked, given=given)
    reason = reason.replace("\0", "").strip()
    if not 1 <= len(reason) <= MOST_REASON:
        raise CorrectionRefusedError(reason=f"say why in 1 to {MOST_REASON:,} characters; everybody will read it")
    if dispute is not None and (dispute.epoch_id != locked.pk or dispute.state != Dispute.State.OPEN):
        raise CorrectionRefusedError(reason="the dispute that it is for is closed or of another epoch")
    waiting = locked.corrections.filter(state__in=[STATE.ENTERED, STATE.CONFIRMED], kind=kind)
    if any(same_data(row.data, data) for row in waiting):
        raise CorrectionRefusedError(reason="exactly this has been entered already")
    correction = Correction.objects.create(
        epoch=locked, dispute=dispute, kind=kind, data=data, reason=reason, entered_by=user_of(by)
    )
    logger.warning("A correction of epoch %s is entered: %s", locked.number, which.words(data=data))
    return correction


@transaction.atomic
def correction_confirm(*, by: Person, correction: Correction) -> Correction:
    """Confirm what somebody else has entered; the epoch is then scored again by itself.

    Raises NotPermittedError and CorrectionRefusedError.
    """
    require(person=by, deed=Deed.CORRECT_EPOCH)
    person = user_of(by)
    _correctable(correction.epoch)
    locked = _entered(correction)
    if locked.entered_by_id == person.pk:
        raise CorrectionRefusedError(reason="you have entered it; a second person has to confirm it")
    kind_of(locked.kind).check_stands(epoch=locked.epoch, data=locked.data)
    locked.state, locked.confirmed_by, locked.confirmed_at = STATE.CONFIRMED, person, timezone.now()
    locked.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    logger.warning("The correction %s of epoch %s is confirmed", locked.pk, locked.epoch.number)
    return locked


@transaction.atomic
def correction_withdraw(*, by: Person, correction: Correction) -> Correction:
    """Take back what nobody has confirmed yet. Raises NotPermittedError and CorrectionRefusedError."""
    require(person=by, deed=Deed.CORRECT_EPOCH)
    locked = _entered(correction)
    locked.state = STATE.WITHDRAWN
    locked.save(update_fields=["state"])
    return locked


def _entered(correction: Correction) -> Correction:
    locked = Correction.objects.select_for_update().get(pk=correction.pk)
    if locked.state != STATE.ENTERED:
        raise CorrectionRefusedError(reason=f"it is past that ({locked.get_state_display()})")
    return locked


def _correctable(epoch: Epoch) -> Epoch:
    """Hold the epoch's row, so that it is not opened again or replaced meanwhile."""
    locked = Epoch.objects.select_for_update().get(pk=epoch.pk)
    if locked.state in (Epoch.State.APPROVED, Epoch.State.ACTIVE):
        raise CorrectionRefusedError(
            reason=f"epoch {locked.number} is approved on the chain and stays as it is; what was wrong can only be "
            "made good in a later epoch, by the treasury's decision"
        )
    if locked.state not in Epoch.CORRECTABLE:
        raise CorrectionRefusedError(reason=f"epoch {locked.number} has no result now; wait until it is scored")
    later = Epoch.objects.filter(
        program_id=locked.program_id, number__gt=locked.number, state__in=[Epoch.State.APPROVED, Epoch.State.ACTIVE]
    )
    if later.exists():
        raise CorrectionRefusedError(reason="a later epoch, whose amounts build on this one's, is approved already")
    return locked
