"""A maker's page of payout accounts: the plan in force, the one to come, and a form for its admins."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import eligibility, roles
from accounts.errors import AccountsError, NotPermittedError, PayoutSharesError
from accounts.fields import address_pattern
from accounts.models import Maker, PayoutPlan, User
from accounts.selectors import signed_in_recently
from accounts.selectors_makers import plan_at, plan_coming
from rewards.selectors.boundary import next_boundary_ms
from rewards.services.payouts import payouts_change
from rewards.views import access
from rewards.views.pages import page_now_ms

MOST_ACCOUNTS = 100
_EMPTY_ROWS = 3
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?")
_SIGN_IN_AGAIN = "You signed in more than an hour ago. Sign out, sign in again, and then change where pay goes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the form, as it was typed."""

    label: str = ""
    account: str = ""
    percent: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def payouts(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show where a maker's pay goes to its members and to reviewers; its admins change it."""
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    if not roles.sees_maker(person=request.user, maker=maker):
        return access.refuse(request=request, sentence=f"This page is for members of {maker.name}.")
    if request.method != "POST":
        return _show(request, maker, rows=None)
    try:
        roles.require_makers_admin(person=request.user, maker=maker, what="Saying where the pay goes")
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    rows = _typed(request)
    problem = _change(request, maker, rows)
    if problem is None:
        return redirect("maker-payouts", slug=slug)
    messages.error(request, problem)
    return _show(request, maker, rows=rows)


def percent_text(share_ppm: int) -> str:
    """Write parts per million as per cent, exactly: 333333 is 33.3333."""
    whole, part = divmod(share_ppm, 10_000)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")


def share_of(percent: str) -> int | None:
    """Read per cent with up to four decimals into parts per million; None when it is anything else."""
    found = _PERCENT.fullmatch(percent.strip().removesuffix("%").strip())
    return None if found is None else int(found[1]) * 10_000 + int((found[2] or "").ljust(4, "0"))


def _change(request: HttpRequest, maker: Maker, rows: list[Row]) -> str | None:
    """Store the plan; returns what is wrong with it as a sentence."""
    assert isinstance(request.user, User)  # noqa: S101 - an admin of a maker is somebody
    if not signed_in_recently(person=request.user, session_key=request.session.session_key or "", now=timezone.now()):
        return _SIGN_IN_AGAIN
    shares = []
    for row in rows:
        share = share_of(row.percent)
        if not address_pattern.fullmatch(row.account.lower()):
            return f"“{row.account}” is no account: 0x and then 40 letters and digits (0 to 9, a to f)."
        if share is None:
            return f"“{row.percent}” is no share: write per cent with at most four decimals, for example 33.3333."
        shares.append((row.account.lower(), share))
    labels = {row.account.lower(): row.label[:60] for row in rows}
    try:
        payouts_change(
            by=request.user, maker=maker, shares=shares, labels=labels, reason=request.POST.get("reason", ""),
            now_ms=page_now_ms(),
        )  # fmt: skip
    except PayoutSharesError as error:
        total = percent_text(error.total_ppm)
        return f"The shares must sum to 100%, each account once and above 0; they sum to {total}%. Nothing was changed."
    except AccountsError as error:
        return str(error)
    messages.success(request, "Kept. It counts for epochs that begin from now on.")
    return None


def _show(request: HttpRequest, maker: Maker, *, rows: list[Row] | None) -> HttpResponseBase:
    now_ms = page_now_ms()
    current, coming = plan_at(maker=maker, start_ms=now_ms), plan_coming(maker=maker, start_ms=now_ms)
    shown = coming or current
    if rows is None:
        rows = _rows_of(shown) if shown else []
    listed = eligibility.listed(row.account for plan in (current, coming) if plan for row in plan.accounts.all())
    context: dict[str, Any] = {
        "section": "makers",
        "maker": maker,
        "plans": [(name, plan, _rows_of(plan)) for name, plan in (("now", current), ("coming", coming)) if plan],
        "earlier": list(maker.payout_plans.exclude(pk__in=[plan.pk for plan in (current, coming) if plan])[:20]),
        "against": list(listed.values()),
        "may_change": roles.is_makers_admin(person=request.user, maker=maker),
        "rows": [*rows, *[Row()] * _EMPTY_ROWS],
        "reason": request.POST.get("reason", ""),
        "boundary_ms": next_boundary_ms(now_ms=now_ms),
    }
    return render(request, "makers/payouts.html", context)


def _rows_of(plan: PayoutPlan) -> list[Row]:
    return [
        Row(label=row.label, account=row.account, percent=percent_text(row.share_ppm)) for row in plan.accounts.all()
    ]


def _typed(request: HttpRequest) -> list[Row]:
    columns = [request.POST.getlist(name)[:MOST_ACCOUNTS] for name in ("label", "account", "percent")]
    rows = [
        Row(label=label.strip(), account=account.strip(), percent=percent.strip())
        for label, account, percent in zip(*columns, strict=False)
    ]
    return [row for row in rows if row.account or row.percent]
