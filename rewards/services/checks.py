"""What must hold before an epoch is proposed, and again before its approval is offered.

A check that can't be done is a check that fails.
"""

import logging
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.roles import Deed, Person, require
from config import failpoints
from onchain.distributor import Summary
from onchain.rpc import RpcClient
from rewards.errors import CheckNotWaivableError
from rewards.models import CheckWaiver, Epoch, EpochCheck
from rewards.selectors.checks import CHECK_LABELS
from rewards.selectors.clock import chain_now_ms
from rewards.selectors.review_window import review_window
from rewards.services import check_rules as rules
from rewards.services.check_eligible import eligible
from rewards.services.check_rules import Verdict

logger = logging.getLogger(__name__)
WAIVABLE = ("outliers",)
"""Checks of judgement; of the others none can be talked away."""
CHECK_AGAIN = timedelta(hours=1)
"""While an epoch waits for its approval its checks are made again so often."""
FAILED_AGAIN = timedelta(minutes=1)
"""So soon if one of them failed: a node that was away for a moment must not hold an approval up for an hour."""


def checks_run(
    client: RpcClient, *, epoch: Epoch, summary: Summary, stage: EpochCheck.Stage = EpochCheck.Stage.PROPOSAL
) -> bool:
    """Make every check of an epoch and store what it found; returns whether all passed.

    summary: what the chain says now. Each check stands alone: one that can't be done fails and the others are made.
    """
    results = {code: _done(check) for code, check in _checks(client, epoch=epoch, summary=summary).items()}
    failpoints.hit("checks.made")
    with transaction.atomic():
        EpochCheck.objects.filter(epoch=epoch, stage=stage).delete()
        EpochCheck.objects.bulk_create(
            EpochCheck(epoch=epoch, stage=stage, code=code, passed=passed, detail=detail)
            for code, (passed, detail) in results.items()
        )
    failpoints.hit("checks.stored")
    return all(passed for passed, _ in results.values())


def approval_checks_due(*, epoch: Epoch, now: datetime) -> bool:
    """Tell whether the checks before the approval have to be made (again). now: this machine's clock."""
    made = list(
        EpochCheck.objects.filter(epoch=epoch, stage=EpochCheck.Stage.APPROVAL).values_list("checked_at", "passed")
    )
    wait = CHECK_AGAIN if all(passed for _, passed in made) else FAILED_AGAIN
    return not made or max(checked_at for checked_at, _ in made) < now - wait


def approval_is_safe(*, epoch: Epoch) -> bool:
    """Tell whether every check before the approval has been made and passed, and no review holds the epoch back.

    Only then is anything offered to sign, taken, or sent.
    """
    if review_window(epoch=epoch, now_ms=chain_now_ms() or 0).holds:
        return False
    made = dict(EpochCheck.objects.filter(epoch=epoch, stage=EpochCheck.Stage.APPROVAL).values_list("code", "passed"))
    return made.keys() == CHECK_LABELS.keys() and all(made.values())


def check_waive(*, by: Person, epoch: Epoch, code: str, reason: str) -> CheckWaiver:
    """Let a person's reason stand for a check of judgement, for this root alone.

    A treasurer or a reviewer gives it. Raises NotPermittedError, CheckNotWaivableError.
    """
    require(person=by, deed=Deed.ACCEPT_OUTLIERS)
    if code not in WAIVABLE:
        raise CheckNotWaivableError(code=code)
    if not reason.strip():
        raise CheckNotWaivableError(code=f"{code} without a reason")
    waiver, _ = CheckWaiver.objects.update_or_create(
        epoch=epoch, code=code, root=epoch.root, defaults={"reason": reason.strip(), "given_by": by.get_username()}
    )
    Epoch.objects.filter(pk=epoch.pk).update(retry_at=None)
    EpochCheck.objects.filter(epoch=epoch, stage=EpochCheck.Stage.APPROVAL).delete()
    return waiver


def _checks(client: RpcClient, *, epoch: Epoch, summary: Summary) -> dict[str, Callable[[], Verdict]]:
    def evidence() -> rules.Evidence:
        # Read for each rule: what can't be read fails every check that needs it, and none that doesn't.
        return rules.read_evidence(epoch)

    return {
        "root_rebuilt": lambda: rules.root_rebuilt(epoch),
        "evidence": lambda: rules.evidence_names(epoch, evidence()),
        "parent_root": lambda: rules.parent_root(epoch, evidence(), summary),
        "monotone": lambda: rules.monotone(evidence()),
        "total": lambda: rules.total(epoch, evidence()),
        "claimed": lambda: rules.claimed(client, epoch, evidence()),
        "budget": lambda: rules.budget(epoch),
        "account_limit": lambda: rules.account_limit(epoch, evidence()),
        "recipients": lambda: rules.recipients(epoch, evidence()),
        "eligible": lambda: eligible(epoch, evidence()),
        "outliers": lambda: rules.outliers(epoch, evidence()),
    }


def _done(check: Callable[[], Verdict]) -> Verdict:
    try:
        return check()
    except subprocess.TimeoutExpired as error:
        return False, f"The check could not be done: it took longer than {error.timeout:.0f} seconds."
    except Exception as error:
        # Whatever it is: a check that could not be done has failed, and the others are still made.
        logger.exception("A check could not be done")
        return False, f"The check could not be done: {error}"
