"""What-ifs as people ask, cancel and lose them: limits, one question once at a time, expiry. Answering is elsewhere."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.roles import Deed, Person, require, user_of
from rewards.engine.jsontext import canonical_json
from rewards.errors import WhatIfRefusedError
from rewards.models import Epoch, Program, WhatIfJob
from rewards.selectors.whatif import TermsChoice, scored_epochs

STATE = WhatIfJob.State
MOST_EPOCHS = 12
MOST_OPEN = 2
"""So many may one person have waiting or running."""
SILENT = timedelta(seconds=20)
"""A worker that has given no sign for so long is looked after: the lock says whether it lives."""
KEPT = timedelta(days=30)
GIVEN_UP = timedelta(days=1)


@transaction.atomic
def whatif_ask(
    *, by: Person, program: Program, numbers: Sequence[int], before: TermsChoice, after: TermsChoice, now: datetime
) -> WhatIfJob:
    """Ask what two sets of terms would have paid in past epochs; the same question, while open, gives the same job.

    numbers: of epochs that are scored. Raises NotPermittedError and WhatIfRefusedError.
    """
    require(person=by, deed=Deed.ASK_WHAT_IF)
    # Whoever asks twice at the same time waits here, so that the limit holds.
    person = User.objects.select_for_update(no_key=True).get(pk=user_of(by).pk)
    epochs = _epochs(program, numbers)
    if before.template == after.template:
        raise WhatIfRefusedError(reason="both sets of terms are the same; choose another one for one side")
    asked = {
        "program": program.pk, "epochs": [_fixed(epoch) for epoch in epochs], "before": before.template,
        "after": after.template,
    }  # fmt: skip
    question = hashlib.sha256(canonical_json(asked)).hexdigest()
    mine = WhatIfJob.objects.filter(asked_by=person, state__in=WhatIfJob.OPEN)
    if (same := mine.filter(question=question).first()) is not None:
        return same
    if mine.count() >= MOST_OPEN:
        reason = f"{MOST_OPEN} of your what-ifs are still being worked out; wait for one, or cancel it"
        raise WhatIfRefusedError(reason=reason)
    return WhatIfJob.objects.create(
        program=program, asked_by=person, question=question, epochs=asked["epochs"], before_label=before.label,
        before_json=before.template, after_label=after.label, after_json=after.template, asked_at=now,
    )  # fmt: skip


def whatif_cancel(*, by: Person, job: WhatIfJob, now: datetime) -> None:
    """Cancel one's own what-if; a worker that is at it stops within moments. Raises as `whatif_ask`."""
    require(person=by, deed=Deed.ASK_WHAT_IF)
    if job.asked_by_id != user_of(by).pk:
        raise WhatIfRefusedError(reason=f"only {job.asked_by.get_username()}, who asked, cancels this what-if")
    with transaction.atomic():
        open_still = WhatIfJob.objects.filter(pk=job.pk, state__in=WhatIfJob.OPEN)
        if not open_still.update(state=STATE.CANCELLED, ended_at=now, expires_at=now + KEPT):
            raise WhatIfRefusedError(reason="this what-if has ended already")
        job.parts.all().delete()


def whatifs_due(*, now: datetime) -> list[int]:
    """Return the open what-ifs that no worker has given a sign of lately, the oldest first."""
    silent = Q(seen_at=None) | Q(seen_at__lt=now - SILENT)
    return list(WhatIfJob.objects.filter(silent, state__in=WhatIfJob.OPEN).order_by("pk").values_list("pk", flat=True))


def whatifs_sweep(*, now: datetime) -> tuple[int, int]:
    """Delete what has expired and give up what has been open for a day; returns how many of each."""
    expired, _ = WhatIfJob.objects.filter(expires_at__lt=now).delete()
    old = WhatIfJob.objects.filter(state__in=WhatIfJob.OPEN, asked_at__lt=now - GIVEN_UP)
    given_up = old.update(
        state=STATE.FAILED, ended_at=now, expires_at=now + KEPT,
        error="Nobody has worked it out within a day. See that a worker serves the queue “figures”, and ask again.",
    )  # fmt: skip
    return expired, given_up


def _epochs(program: Program, numbers: Sequence[int]) -> list[Epoch]:
    wanted = set(numbers)
    if not wanted:
        raise WhatIfRefusedError(reason="no epoch is chosen; choose at least one that has been scored")
    if len(wanted) > MOST_EPOCHS:
        raise WhatIfRefusedError(reason=f"{len(wanted)} epochs are chosen, and {MOST_EPOCHS} are the most")
    found = {epoch.number: epoch for epoch in scored_epochs(program=program) if epoch.number in wanted}
    if missing := sorted(wanted - found.keys()):
        raise WhatIfRefusedError(reason=f"epoch {missing[0]} of {program.name} has not been scored, or has no evidence")
    return [found[number] for number in sorted(found)]


def _fixed(epoch: Epoch) -> dict[str, object]:
    """Name the evidence as it is now: an epoch that is scored again meanwhile doesn't mix two results."""
    return {
        "number": epoch.number, "evidence": epoch.evidence_name, "manifest": epoch.manifest_hash,
        "markets": len(json.loads(epoch.terms_json)["markets"]),
    }  # fmt: skip
