"""The review of an epoch: its facts, flags and comments on the page, and what people decide there."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import roles
from accounts.errors import AccountsError
from accounts.roles import Deed
from rewards.errors import RewardsError
from rewards.models import Epoch, Flag, FlagVerdict
from rewards.selectors.epoch_review import BoughtRow, ChangeRow, EpochFacts, epoch_facts
from rewards.selectors.programs import epoch_get
from rewards.selectors.review import comments, flag_rows, flags_hindrance
from rewards.selectors.treasury import TreasuryEpoch
from rewards.services.review import epoch_comment, epoch_lift, epoch_put_forward, epoch_send_back, flag_judge
from rewards.views import access
from rewards.views.figures.bars import bar_lengths
from rewards.views.figures.curves import lorenz_figure
from rewards.views.pages import missing_is_404

_WHO = "Putting epochs forward, sending them back and judging flags is for treasurers and reviewers."
_WHO_COMMENTS = "Comments are for treasurers, reviewers, guardians and operators."
_CHANGED = "This epoch changed after you opened the page. Nothing was decided; look at it again."
_MOST_ROWS = 12
_MARKETS_A_PAGE = 25
UNSPENT_WORDS = {
    "no_market": ("Given to no market", "The markets’ weights sum to less than the whole budget."),
    "dark": ("Dark time", "The market was open and the book had no reference to measure by, so nobody could earn."),
    "nobody": ("Nobody quoted", "There was a reference, and no maker had a quote that counts."),
    "thin": ("Thin books", "Makers quoted less than the target; what is missing is not paid."),
    "gate": ("Below the uptime gate", "Quotes counted, but their maker was there for too little of the session."),
    "no_fills": ("Nobody traded", "No maker had a fill that counts."),
    "no_stress": ("Less stress than expected", "The stress pool is full only after the time that the terms name."),
    "stress_thin": ("Thin or dark in stress", "There was stress, and the books were dark, empty or thin."),
    "cap": ("Cut by the cap", "One maker may get only so much of a market."),
    "shared_out": ("Shared out instead", "By the terms, what was left went to the other makers."),
    "rounding": ("Rounding", "Whole units leave a few over."),
}


def review_context(
    request: HttpRequest, *, stored: Epoch, review: TreasuryEpoch, names: dict[str, str]
) -> dict[str, Any]:
    """Return what the review adds to an epoch's page: facts, flags, comments, and what this person may do."""
    user = request.user
    facts, flags = epoch_facts(epoch=stored), flag_rows(epoch=stored)
    markets = _market_page(request, facts)
    people, waits = review.people, flags_hindrance(flags=flags)
    decides = roles.may(person=user, deed=Deed.PUT_EPOCH_FORWARD)
    is_open = stored.state == Epoch.State.PROPOSED and people.put_forward is None and people.sent_back is None
    return {
        "facts": facts,
        "flags": flags,
        "serious_flags": [flag for flag in flags if flag.is_serious],
        "note_flags": [flag for flag in flags if not flag.is_serious],
        "flag_verdicts": FlagVerdict.Verdict.choices,
        "comments": comments(epoch=stored),
        "people": people,
        "hindrance": waits if facts.document is not None else "its flags are still being worked out",
        "may_judge": roles.may(person=user, deed=Deed.JUDGE_FLAG) and stored.state in ("scored", "proposed"),
        "may_put_forward": decides and is_open,
        "may_send_back": decides and people.sent_back is None and stored.state in ("scored", "proposed"),
        "may_lift": decides and people.sent_back is not None and people.sent_back.person_id != user.pk,
        "may_comment": roles.may(person=user, deed=Deed.COMMENT_ON_EPOCH),
        "may_approve": access.may_approve(user=user) and not people.was_put_forward_by(user.pk),
        "put_forward_by_you": people.was_put_forward_by(user.pk),
        "approved_unseen": stored.state in ("approved", "active") and people.put_forward is None,
        "lorenz": lorenz_figure(curve=[(row[0], row[1]) for row in (facts.document or {}).get("lorenz", [])]),
        "top5": int((facts.document or {}).get("top5", 0)),
        "markets": markets,
        "markets_bought": _only(markets, facts.markets_bought),
        "sessions_bought": _only(markets, facts.sessions_bought),
        **_unspent(facts, markets),
        **_changes(facts, names, markets),
    }


@require_POST
@missing_is_404
def put_forward(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Put an epoch forward, by a treasurer or reviewer who has looked at it."""
    if not roles.may(person=request.user, deed=Deed.PUT_EPOCH_FORWARD):
        return access.refuse(request=request, sentence=_WHO)
    return _decide(
        request, program, number, "Put forward. A treasurer other than you can approve it now.",
        lambda epoch, root: epoch_put_forward(by=request.user, epoch=epoch, root=root),
    )  # fmt: skip


@require_POST
@missing_is_404
def send_back(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Stop the approval of what is proposed, with the reason."""
    if not roles.may(person=request.user, deed=Deed.SEND_EPOCH_BACK):
        return access.refuse(request=request, sentence=_WHO)
    reason = request.POST.get("reason", "")
    return _decide(
        request, program, number, "Sent back. Nothing is offered for signing until it is corrected or this is lifted.",
        lambda epoch, root: epoch_send_back(by=request.user, epoch=epoch, root=root, reason=reason),
    )  # fmt: skip


@require_POST
@missing_is_404
def lift(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Lift somebody else's send-back, with the reason."""
    if not roles.may(person=request.user, deed=Deed.SEND_EPOCH_BACK):
        return access.refuse(request=request, sentence=_WHO)
    reason = request.POST.get("reason", "")
    return _decide(
        request, program, number, "Lifted. The epoch can be put forward again.",
        lambda epoch, root: epoch_lift(by=request.user, epoch=epoch, root=root, reason=reason),
    )  # fmt: skip


@require_POST
@missing_is_404
def judge(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Say what a flag comes to, and why."""
    if not roles.may(person=request.user, deed=Deed.JUDGE_FLAG):
        return access.refuse(request=request, sentence=_WHO)
    stored = epoch_get(slug=program, number=number)
    chosen = request.POST.get("flag", "")
    flag = (
        Flag.objects.filter(pk=int(chosen), epoch=stored, manifest_hash=stored.manifest_hash).first()
        if chosen.isdecimal() and len(chosen) < 19
        else None
    )
    if flag is None:
        messages.error(request, _CHANGED)
        return redirect("treasury-epoch", program=program, number=number)
    verdict, why = request.POST.get("verdict", ""), request.POST.get("why", "")
    return _done(
        request, stored, "Your word on the flag is kept.",
        lambda: flag_judge(by=request.user, flag=flag, verdict=verdict, why=why), anchor="flags",
    )  # fmt: skip


@require_POST
@missing_is_404
def comment(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Write beside an epoch."""
    if not roles.may(person=request.user, deed=Deed.COMMENT_ON_EPOCH):
        return access.refuse(request=request, sentence=_WHO_COMMENTS)
    stored = epoch_get(slug=program, number=number)
    text = request.POST.get("text", "")
    return _done(
        request, stored, "Your comment is kept.",
        lambda: epoch_comment(by=request.user, epoch=stored, text=text), anchor="comments",
    )  # fmt: skip


def _decide(
    request: HttpRequest, program: str, number: int, success: str, deed: Callable[[Epoch, str], object]
) -> HttpResponseBase:
    stored = epoch_get(slug=program, number=number)
    root = request.POST.get("root", "")
    if root != stored.root:
        messages.error(request, _CHANGED)
        return redirect("treasury-epoch", program=program, number=number)
    return _done(request, stored, success, lambda: deed(stored, root))


def _done(
    request: HttpRequest, epoch: Epoch, success: str, deed: Callable[[], object], *, anchor: str = ""
) -> HttpResponseBase:
    try:
        deed()
    except (RewardsError, AccountsError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, success)
    answer = redirect("treasury-epoch", program=epoch.program.slug, number=epoch.number)
    answer["Location"] += f"#{anchor}" if anchor else ""
    return answer


def _market_page(request: HttpRequest, facts: EpochFacts) -> "Page[str]":
    """Choose the markets that the page's tables are of: all where they are few, the best paid ones first."""
    names = [row.name for row in facts.markets]
    others = {row.market for row in facts.markets_bought} | facts.unspent_by_market.keys()
    names += sorted(others.difference(names))
    return Paginator(names, _MARKETS_A_PAGE).get_page(request.GET.get("page"))


def _only(markets: "Page[str]", rows: Iterable[BoughtRow]) -> list[BoughtRow]:
    """Return the rows of these markets, in the order of the markets."""
    place = {name: index for index, name in enumerate(markets)}
    return sorted((row for row in rows if row.market in place), key=lambda row: place[row.market])


def _unspent(facts: EpochFacts, markets: "Page[str]") -> dict[str, Any]:
    amounts, by_market = facts.unspent, facts.unspent_by_market
    reasons = [reason for reason in UNSPENT_WORDS if amounts.get(reason)]
    lengths = bar_lengths(values=[abs(amounts[reason]) for reason in reasons])
    return {
        "unspent": [
            {
                "label": UNSPENT_WORDS[reason][0],
                "why": UNSPENT_WORDS[reason][1],
                "amount": amounts[reason],
                "length": each,
            }
            for reason, each in zip(reasons, lengths, strict=True)
        ],
        "unspent_columns": [UNSPENT_WORDS[reason][0] for reason in reasons],
        "unspent_markets": [
            {"market": market, "amounts": [row.get(reason, 0) for reason in reasons], "sum": sum(row.values())}
            for market in markets
            for row in ([by_market[market]] if market in by_market else ())
        ],
    }


def _changes(facts: EpochFacts, names: dict[str, str], markets: "Page[str]") -> dict[str, Any]:
    makers, here = [_named(row, names.get(row.name, row.name)) for row in facts.makers], set(markets)
    return {
        "maker_changes": makers[:_MOST_ROWS],
        "more_maker_changes": makers[_MOST_ROWS:],
        "market_changes": [_named(row, row.name) for row in facts.markets if row.name in here],
    }


def _named(row: ChangeRow, name: str) -> dict[str, Any]:
    return {"name": name, "now": row.now, "before": row.before, "change": row.change, "median": row.median}
