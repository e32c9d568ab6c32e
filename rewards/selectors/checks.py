"""The checks of an epoch as pages show them: what each is for, what it found, and when it was made."""

import datetime as dt
from dataclasses import dataclass

from rewards.models import Epoch, EpochCheck

CHECK_LABELS = {
    "root_rebuilt": "A second process rebuilt the root from the evidence",
    "evidence": "The evidence names this chain and contract, and our pages say what it says",
    "parent_root": "The tree continues the root that pays now",
    "monotone": "No account disappears or loses anything",
    "total": "The total is the sum of what each account gains",
    "claimed": "No account has already collected more than the tree grants",
    "budget": "The total is within the budget and what was carried in",
    "account_limit": "No account gains more than one account may",
    "recipients": "No money goes to a token, the distributor or nobody",
    "eligible": "Nobody is paid who may not be: no listed account, no excluded maker",
    "outliers": "No account stands out against the last eight epochs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check; `passed` is None while it has not been made. checked_at: the newest time that it was."""

    code: str
    label: str
    passed: bool | None
    detail: str
    checked_at: dt.datetime | None


def checks_stage(*, epoch: Epoch) -> EpochCheck.Stage:
    """Return the later stage of which there are checks."""
    made = EpochCheck.objects.filter(epoch=epoch, stage=EpochCheck.Stage.APPROVAL).exists()
    return EpochCheck.Stage.APPROVAL if made else EpochCheck.Stage.PROPOSAL


def check_rows(*, epoch: Epoch, stage: EpochCheck.Stage) -> tuple[CheckRow, ...]:
    """Return all checks of a stage in their order, those that were not made among them."""
    stored = {check.code: check for check in EpochCheck.objects.filter(epoch=epoch, stage=stage)}
    return tuple(
        CheckRow(
            code=code,
            label=label,
            passed=stored[code].passed if code in stored else None,
            detail=stored[code].detail if code in stored else "Not checked yet.",
            checked_at=stored[code].checked_at if code in stored else None,
        )
        for code, label in CHECK_LABELS.items()
    )
