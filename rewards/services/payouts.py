"""Service of where a maker's pay goes: from the next epoch on, or at once in place of what may not be paid."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from accounts import eligibility
from accounts.errors import IneligibleError, PayoutAccountError, ReasonMissingError
from accounts.models import Maker, PayoutPlan
from accounts.roles import Person, require_makers_admin
from accounts.services import change_note, maker_payouts_set
from rewards.models import Epoch, Payment, Program
from rewards.services.boundary import boundary_hold
from rewards.services.notices.warning import pay_warn
from rewards.services.scoring import epoch_reopen

_NOBODY = "0x" + "0" * 40


@transaction.atomic
def payouts_change(
    *,
    by: Person,
    maker: Maker,
    shares: Sequence[tuple[str, int]],
    labels: Mapping[str, str],
    reason: str,
    now_ms: int,
) -> PayoutPlan:
    """Name the accounts that receive a maker's pay, with shares in parts per million.

    Counts in epochs that begin later; epochs that have begun keep their plan. One exception: a plan with an account
    that is on the sanctions list now is replaced at once, and epochs that were scored with it and are not proposed are
    scored again. now_ms: the chain's clock. An admin of the maker does it. Raises
    NotPermittedError, ReasonMissingError, PayoutSharesError, PayoutAccountError and IneligibleError.
    """
    require_makers_admin(person=by, maker=maker, what="Saying where the pay goes")
    if not reason.strip():
        raise ReasonMissingError
    _check_accounts([account.lower() for account, _ in shares])
    boundary_ms = boundary_hold(now_ms=now_ms)
    Maker.objects.select_for_update().get(pk=maker.pk)
    active = list(maker.payout_plans.filter(replaced_at=None).order_by("since_ms").prefetch_related("accounts"))
    blocked = eligibility.listed(row.account for plan in active for row in plan.accounts.all())
    for since_ms in _starts(active, blocked=blocked, boundary_ms=boundary_ms):
        plan = maker_payouts_set(
            by=by, maker=maker, shares=shares, labels=labels, since_ms=since_ms, reason=reason.strip()[:300]
        )
    # What was named for later is not the maker's last word any more.
    maker.payout_plans.filter(since_ms__gt=max(boundary_ms, plan.since_ms), replaced_at=None).update(
        replaced_at=plan.made_at
    )
    _score_again(maker, blocked)
    change_note(maker=maker, by=by, what=pay_sentence(shares), reason=reason)
    pay_warn(maker=maker, by=by, what=pay_sentence(shares), reason=reason.strip()[:300])
    return plan


def _starts(active: Sequence[PayoutPlan], *, blocked: Mapping[str, str], boundary_ms: int) -> list[int]:
    """Return from when on the new plan counts, in order."""
    # The first plan of all counts from the first epoch on, or nothing could be paid.
    if not active:
        return [0]
    starts = {plan.since_ms for plan in active if any(row.account in blocked for row in plan.accounts.all())}
    if active[-1].since_ms not in starts:
        starts.add(boundary_ms)
    return sorted(starts)


def _check_accounts(accounts: Sequence[str]) -> None:
    refused = {_NOBODY}
    for token, distributor in Program.objects.values_list("token", "distributor"):
        refused |= {token, distributor}
    for account in sorted(refused & set(accounts)):
        raise PayoutAccountError(account=account)
    reasons = eligibility.listed(accounts)
    if reasons:
        raise IneligibleError(reasons=list(reasons.values()))


def _score_again(maker: Maker, blocked: Mapping[str, str]) -> None:
    held = Payment.objects.filter(maker=maker.slug, account__in=blocked, epoch__state=Epoch.State.SCORED)
    first: dict[int, Epoch] = {}
    for payment in held.select_related("epoch__program").order_by("-epoch__number"):
        first[payment.epoch.program_id] = payment.epoch
    for epoch in first.values():
        epoch_reopen(program=epoch.program, number=epoch.number)


def pay_sentence(shares: Sequence[tuple[str, int]]) -> str:
    """Say where pay goes; shares in parts per million."""
    parts = ", ".join(f"{account} {share // 10_000}.{share % 10_000:04d}%" for account, share in shares[:8])
    more = f" and {len(shares) - 8} more" if len(shares) > 8 else ""
    return f"Pay goes to {parts}{more}."
