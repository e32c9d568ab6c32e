"""Collecting: look an address up, see one figure, press one button, and follow it until the money is there."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from rewards.errors import NothingToCollectError, TooManyRequestsError
from rewards.models import ClaimRequest
from rewards.selectors.claim_rows import ClaimView, CollectedRow
from rewards.selectors.claims import claim_page
from rewards.selectors.earned import EarnedRow, EarnedWeek, earned_weeks
from rewards.selectors.programs import program_get
from rewards.selectors.treasury import maker_names
from rewards.services.auto_collect import auto_collect_set
from rewards.services.claims import claim_request
from rewards.trouble import wallet_words
from rewards.views import access
from rewards.views.figures.bars import bar_lengths
from rewards.views.forms import AddressForm
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.words import DAY_MS, HOUR_MS, amount_text, period_text, share_text

MOST_COLLECTIONS = 20
"""What the page lists; the files of a year have all."""
LONG_FIGURE = 16
"""Characters of a figure with its symbol that fit a phone in large letters."""
_UNDER_WAY = (ClaimRequest.State.WAITING, ClaimRequest.State.SENT)
_STAGES = {
    "adding-up": "Still adding up",
    "checking": "Being checked",
    "waiting": "Waiting for approval",
    "delay": "Approved, almost there",
}


@dataclass(frozen=True, slots=True)
class Purse:
    """One programme on the page: the figures, and which of the page's states it is in.

    state: ready, under-way, done (the last collection emptied it), nothing, paused.
    """

    view: ClaimView
    state: str
    pending: tuple[dict[str, Any], ...]
    weeks: tuple[dict[str, Any], ...]
    makers: tuple[dict[str, Any], ...]
    sentence: str

    @property
    def failed_note(self) -> str:
        """Why the last try did not go out, as long as there is something to collect."""
        request = self.view.request
        return request.note if request and request.state == ClaimRequest.State.FAILED and self.view.ready else ""

    @property
    def waiting_note(self) -> str:
        """Why a collection that was asked for does not go out yet."""
        request = self.view.request
        return request.note if request and self.state == "under-way" else ""

    @property
    def is_long(self) -> bool:
        """Whether the figure needs smaller letters to fit a phone."""
        amounts = [self.view.ready, *(row.amount for row in self.view.history[:1])]
        texts = [amount_text(raw=raw, decimals=self.view.token_decimals).short for raw in amounts]
        return max(map(len, texts)) + len(self.view.token_symbol) > LONG_FIGURE

    @property
    def history(self) -> tuple[CollectedRow, ...]:
        """The newest collections."""
        return self.view.history[:MOST_COLLECTIONS]

    @property
    def more_collections(self) -> int:
        """How many older ones the list leaves out."""
        return max(0, len(self.view.history) - MOST_COLLECTIONS)

    @property
    def step(self) -> int:
        """How many of the steps sent, confirming and done are reached."""
        if self.state == "done":
            return 3
        request = self.view.request
        return 2 if request and request.state == ClaimRequest.State.SENT else 1


@require_safe
def collect(request: HttpRequest) -> HttpResponseBase:
    """Ask for an address, or go on to its page."""
    form = AddressForm(request.GET) if "address" in request.GET else AddressForm()
    if form.is_bound and form.is_valid():
        return redirect("collect-account", account=form.cleaned_data["address"])
    wallet = getattr(request.user, "wallet", "")
    context = {"section": "collect", "form": form, "wallet": wallet, "official": official_address()}
    return render(request, "claims/collect.html", context)


@require_safe
@never_cache
def account(request: HttpRequest, account: str) -> HttpResponseBase:
    """Show what an address can collect; nobody has to sign in, since only that address is ever paid."""
    return render(request, "claims/account.html", _context(request, account))


@require_safe
@never_cache
def progress(request: HttpRequest, account: str) -> HttpResponseBase:
    """Answer the part of the page that changes while money is on its way."""
    return render(request, "claims/_purses.html", _context(request, account))


@require_POST
@missing_is_404
def collect_now(request: HttpRequest, account: str, program: str) -> HttpResponseBase:
    """Ask for the collection to be sent; pressing twice asks once."""
    try:
        claim_request(program=program_get(slug=program), account=account, now=timezone.now())
    except NothingToCollectError:
        messages.info(request, "There is nothing left to collect: it may just have been collected in another window.")
    except TooManyRequestsError as error:
        messages.error(request, str(error))
    return redirect("collect-account", account=account)


@require_POST
@missing_is_404
def by_itself(request: HttpRequest, account: str, program: str) -> HttpResponseBase:
    """Switch on or off that an account's rewards are collected by themselves; only its owner can."""
    if not access.owns_account(user=request.user, account=account):
        return access.refuse(request=request, sentence="Only who signs in with this wallet can switch that.")
    wanted = request.POST.get("on") == "yes"
    auto_collect_set(by=request.user, program=program_get(slug=program), account=account, on=wanted)
    return redirect("collect-account", account=account)


def _context(request: HttpRequest, account: str) -> dict[str, Any]:
    now_ms = page_now_ms()
    names = maker_names()
    views = claim_page(account=account, now_ms=now_ms, review_ms=settings.REVIEW_HOURS * HOUR_MS)
    purses = [_purse(view, names=names, now_ms=now_ms) for view in views]
    return {
        "section": "collect",
        "account": account,
        "purses": purses,
        "follows": any(purse.state == "under-way" for purse in purses),
        "now_ms": now_ms,
        "is_owner": access.owns_account(user=request.user, account=account),
        "years": _years(views),
        "official": official_address(),
        "wallet_words": json.dumps(wallet_words(), ensure_ascii=False),
    }


def official_address() -> str:
    """Return the one address of this service that people should see in their browser."""
    return str(urlsplit(settings.SITE_URL).netloc)


def _years(views: list[ClaimView]) -> list[int]:
    """Return the years (UTC) in which something was collected, newest first."""
    times = {row.time_ms for view in views for row in view.history}
    return sorted({dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC).year for time_ms in times}, reverse=True)


def _purse(view: ClaimView, *, names: dict[str, str], now_ms: int) -> Purse:
    return Purse(
        view=view,
        state=_state(view, now_ms=now_ms),
        pending=tuple({"row": row, "stage": _STAGES[row.stage]} for row in view.pending),
        weeks=_weeks(earned_weeks(rows=view.earned)),
        makers=tuple({"row": row, "maker": names.get(row.maker, row.maker)} for row in view.earned),
        sentence=_sentence(view.earned, names=names),
    )


def _state(view: ClaimView, *, now_ms: int) -> str:
    request = view.request
    if request is not None and request.state in _UNDER_WAY:
        return "under-way"
    if view.ready:
        return "paused" if view.paused else "ready"
    if view.history:
        asked = request is not None and request.state == ClaimRequest.State.DONE
        # Whoever collects with a wallet of their own has asked us for nothing.
        if asked or now_ms - view.history[0].time_ms < DAY_MS:
            return "done"
    return "nothing"


def _weeks(weeks: tuple[EarnedWeek, ...]) -> tuple[dict[str, Any], ...]:
    """Lay out bars against the best week; the weekend's part lies at the beginning of each bar."""
    lengths = bar_lengths(values=[week.amount for week in weeks])
    largest = max((week.amount for week in weeks), default=0)
    return tuple(
        {"row": week, "length": length, "weekend": bar_lengths(values=[week.weekend, largest])[0]}
        for week, length in zip(weeks, lengths, strict=True)
    )


def _sentence(rows: tuple[EarnedRow, ...], *, names: dict[str, str]) -> str:
    """Say in one plain sentence what the money was paid for."""
    if not rows:
        return ""
    makers = sorted({names.get(row.maker, row.maker) for row in rows})
    who = makers[0] if len(makers) == 1 else ", ".join(makers[:-1]) + " and " + makers[-1]
    when = period_text(start_ms=min(row.start_ms for row in rows), end_ms=max(row.end_ms for row in rows))
    vaults = sorted({row.vault for row in rows if row.vault})
    how = f", through the {' and the '.join(vaults)} vault{'s' if len(vaults) > 1 else ''}" if vaults else ""
    what = f"{who} kept prices open for others to trade at, {when}; this is your part of the pay for it{how}."
    return what + _weekends(rows)


def _weekends(rows: tuple[EarnedRow, ...]) -> str:
    known = earned_weeks(rows=rows)
    whole, weekend = sum(week.amount for week in known), sum(week.weekend for week in known)
    if not weekend:
        return ""
    return f" About {share_text(part=weekend, whole=whole)} of it came from weekends, when the stock exchange is shut."
