"""The treasury's pages: what waits for a decision, and one epoch with everything that a decision needs."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from onchain.errors import OnchainError
from onchain.indexer import node
from rewards.errors import RewardsError
from rewards.models import Epoch
from rewards.selectors.evidence import evidence_files
from rewards.selectors.programs import epoch_get
from rewards.selectors.safe import safe_view
from rewards.selectors.treasury import (
    RecipientRow,
    TreasuryEpoch,
    maker_names,
    open_alarms,
    treasury_epoch,
    wallet_calls,
)
from rewards.services.approval import approve_with_local_node
from rewards.views import access
from rewards.views.action_words import late_lines
from rewards.views.desk_rooms import desk_of, task_url
from rewards.views.figures.bars import bar_lengths
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.public import check_context
from rewards.views.review import review_context

_WORDS = {
    "approve(address,uint256)": {"words": "Let the distributor take exactly this amount", "who": "the token"},
    "approve(uint256,bytes32)": {"words": "Approve the epoch with this digest", "who": "the distributor"},
}
_FOR_WHOM = "The treasury’s pages are for treasurers, reviewers, guardians, operators and auditors."
_MOST_RECIPIENTS = 20
"""Longer lists stand under Details, so that the decision stays in sight."""
_MOST_LISTED = 500
"""The others of a long list (a vault's holders) are counted; all stand in the evidence."""


@require_safe
def inbox(request: HttpRequest) -> HttpResponseBase:
    """List what needs this person, the most urgent first, then the epochs that are under way."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    found = desk_of(request)
    context = {
        "section": "treasury",
        "tasks": [{"task": task, "url": task_url(task)} for task in found.tasks],
        "under_way": found.under_way,
        "alarms": open_alarms(),
        "now_ms": page_now_ms(),
        "manages_webhooks": access.manages_treasury_webhooks(user=request.user),
    }
    return render(request, "treasury/inbox.html", context)


@require_safe
@missing_is_404
def epoch(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Show one epoch with facts, checks, recipients and the call to sign."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    now_ms = page_now_ms()
    stored = epoch_get(slug=program, number=number)
    review = treasury_epoch(epoch_id=stored.pk, now_ms=now_ms)
    names = maker_names()
    treasury_safe = safe_view(epoch=stored, treasury=review.treasury)
    context = {
        "section": "treasury",
        "program": stored.program,
        "epoch": review.epoch,
        "review": review,
        "now_ms": now_ms,
        "has_evidence": bool(evidence_files(evidence_name=review.epoch.evidence_name)),
        "delay_ms": review.delay_s * 1000,
        "signs_here": settings.LOCAL_TREASURY_SIGNER and treasury_safe is None,
        "safe": treasury_safe,
        "safe_calls": _calls(treasury_safe.transaction.calls) if treasury_safe and treasury_safe.transaction else (),
        "calls": _calls(wallet_calls(review=review)),
        "chain_id": stored.program.chain_id,
        **review_context(request, stored=stored, review=review, names=names),
        **(money := _money(review)),
        "checks_sentence": _checks_sentence(review, sums_up=money["sums_up"]),
        **_recipients(review, names),
        "vaults": _vaults(review, names),
        "late": late_lines(epoch=stored),
        **check_context(request, slug=program, number=number),
    }
    return render(request, "treasury/epoch.html", context)


@require_POST
@missing_is_404
def approve(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Approve what the treasurer has seen, by the local chain's own account; the chain then says what became of it."""
    if not access.may_approve(user=request.user):
        return access.refuse(request=request, sentence="Only a treasurer can approve an epoch.")
    stored = epoch_get(slug=program, number=number)
    if request.POST.get("digest") != stored.digest:
        messages.error(request, "This epoch changed after you opened the page. Nothing was approved; look at it again.")
    else:
        _approve(request, stored)
    return redirect("treasury-epoch", program=program, number=number)


def _approve(request: HttpRequest, stored: Epoch) -> None:
    try:
        client = node()
        try:
            approve_with_local_node(client, epoch=stored, by=request.user)
        finally:
            client.close()
    except RewardsError as error:
        messages.error(request, str(error))
    except OnchainError as error:
        messages.error(request, f"Nothing was approved: {error}")
    else:
        messages.success(request, "Approved and sent. This page follows what the chain says; reload it in a moment.")


def _checks_sentence(review: TreasuryEpoch, *, sums_up: bool | None) -> str:
    """Say how the list of checks ends, for who has no time for each."""
    passed = [sums_up, *(check.passed for check in review.checks)]
    if review.proposal:
        passed.append(review.proposal.matches)
    if failed := sum(each is False for each in passed):
        return f"{failed} of {len(passed)} failed"
    if waiting := sum(each is None for each in passed):
        return f"{waiting} of {len(passed)} not run yet"
    return f"All {len(passed)} passed"


def _calls(calls: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Add to each call what it does in words."""
    return tuple({**call, **_WORDS.get(call["function"], {"words": "A call", "who": ""})} for call in calls)


def _money(review: TreasuryEpoch) -> dict[str, Any]:
    epoch = review.epoch
    if epoch.paid_total is None:
        return {"parts": [], "sums_up": None}
    parts = [
        ("Paid with this epoch", epoch.paid_total, "pay"),
        ("Not earned, stays with you", epoch.unspent or 0, "rest"),
        ("Carried into the next epoch", epoch.carried_out_total or 0, "carry"),
    ]
    lengths = bar_lengths(values=[amount for _, amount, _ in parts])
    sums_up = sum(amount for _, amount, _ in parts) == epoch.budget + (epoch.carried_in_total or 0)
    return {
        "parts": [
            {"label": label, "amount": amount, "kind": kind, "length": length}
            for (label, amount, kind), length in zip(parts, lengths, strict=True)
        ],
        "sums_up": sums_up,
    }


def _recipients(review: TreasuryEpoch, names: dict[str, str]) -> dict[str, Any]:
    lengths = bar_lengths(values=[row.increment for row in review.recipients])
    shown = list(zip(review.recipients, lengths, strict=True))[:_MOST_LISTED]
    rows = [_recipient(row, names, length) for row, length in shown]
    return {
        "recipients": rows[:_MOST_RECIPIENTS],
        "more_recipients": rows[_MOST_RECIPIENTS:],
        "unlisted": len(review.recipients) - len(rows),
    }


def _vaults(review: TreasuryEpoch, names: dict[str, str]) -> list[dict[str, Any]]:
    return [{"row": row, "maker": names.get(row.maker, row.maker)} for row in review.vaults]


def _recipient(row: RecipientRow, names: dict[str, str], length: str) -> dict[str, Any]:
    return {
        "account": row.account,
        "makers": [names.get(maker, maker) for maker in row.makers],
        "increment": row.increment,
        "cumulative": row.cumulative,
        "claimed": row.claimed,
        "is_new": row.increment == row.cumulative,
        "length": length,
    }
