"""A maker's pages: which makers one may look at, and the scorecard of an epoch."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import Maker, User
from accounts.roles import belongs_to, names_payouts
from rewards.models import Epoch
from rewards.selectors.luck import maker_luck
from rewards.selectors.makers import KindCard, MarketCard, Scorecard, maker_scorecard
from rewards.selectors.parsed_terms import terms_of
from rewards.selectors.programs import ProgramRow, epoch_get, epochs_begun, program_list
from rewards.selectors.review_window import review_window
from rewards.selectors.rows import EpochRow
from rewards.views import access
from rewards.views.figures.bars import bar_lengths
from rewards.views.figures.luck import luck_figure
from rewards.views.of_maker import of_maker
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.quoted import quoted_context
from rewards.views.right_now import right_now_context
from rewards.views.why import presence_rule, reasons, spans_of
from rewards.views.words import KIND_NAMES, boost_text

MOST_REASONS = 8
MARKETS_A_PAGE = 25
"""Of a market stand here a bar, a row and a table by session; with hundreds of them nobody reads them all at once."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A card of the scorecard with the length of its bar."""

    card: KindCard | MarketCard
    length: str


@require_safe
def makers(request: HttpRequest) -> HttpResponseBase:
    """List the makers that one may look at; who belongs to one maker goes straight to its scorecard."""
    if access.sees_all_makers(user=request.user):
        rows = list(Maker.objects.all())
    elif isinstance(request.user, User) and access.is_maker_member(user=request.user):
        rows = list(request.user.makers.all())
        if len(rows) == 1:
            return redirect("maker", slug=rows[0].slug)
    else:
        return access.refuse(request=request, sentence="Scorecards are for makers and for those who review epochs.")
    return render(request, "makers/makers.html", {"section": "makers", "makers": rows})


@require_safe
@missing_is_404
@of_maker
def maker(request: HttpRequest, who: Maker) -> HttpResponseBase:
    """Show the scorecard of the epoch that runs now, or else of the last one that ran."""
    now_ms = page_now_ms()
    programs = program_list(now_ms=now_ms)
    for program in programs:
        row = program.live_epoch or _latest_begun(program, now_ms=now_ms)
        if row is not None:
            return _scorecard_page(request, who, program=program, number=row.number, now_ms=now_ms)
    return render(request, "makers/no_epoch.html", {"section": "makers", "maker": who})


@require_safe
@missing_is_404
@of_maker
def scorecard(request: HttpRequest, who: Maker, program: str, number: int) -> HttpResponseBase:
    """Show the scorecard of one epoch."""
    now_ms = page_now_ms()
    row = next((row for row in program_list(now_ms=now_ms) if row.slug == program), None)
    if row is None:
        raise Http404(f"There is no programme called {program}.")
    return _scorecard_page(request, who, program=row, number=number, now_ms=now_ms)


def _latest_begun(program: ProgramRow, *, now_ms: int) -> EpochRow | None:
    return next(iter(epochs_begun(slug=program.slug, now_ms=now_ms)), None)


def _scorecard_page(
    request: HttpRequest, who: Maker, *, program: ProgramRow, number: int, now_ms: int
) -> HttpResponseBase:
    epoch = epoch_get(slug=program.slug, number=number)
    card = maker_scorecard(epoch_id=epoch.pk, maker=who.slug, now_ms=now_ms)
    terms, spans = terms_of(epoch=epoch), spans_of(epoch)
    found = reasons(card=card, terms=terms, spans=spans)
    context: dict[str, Any] = {
        "section": "makers",
        "maker": who,
        "program": program,
        "card": card,
        "epoch": card.epoch,
        "epochs": epochs_begun(slug=program.slug, now_ms=now_ms),
        "now_ms": now_ms,
        "age_s": max(0, now_ms - card.as_of_ms) // 1000,
        "age_ms": max(0, now_ms - card.as_of_ms),
        "entry_rule": presence_rule(list(terms.markets.values()), kinds=list(spans)) if terms.markets and spans else "",
        "hourly": _hourly_bars(card),
        "market_page": Paginator(_market_bars(card), MARKETS_A_PAGE).get_page(request.GET.get("page")),
        "hourly_summary": _hourly_summary(card),
        "window": review_window(epoch=epoch, now_ms=now_ms),
        "can_dispute": belongs_to(person=request.user, maker=who)
        and epoch.review_until_ms is not None
        and now_ms < epoch.review_until_ms,
        "reasons": found[:MOST_REASONS],
        "more_reasons": found[MOST_REASONS:],
        "names_payouts": names_payouts(person=request.user, maker=who),
    }
    luck = maker_luck(epoch=epoch, maker=who.slug)
    if luck is not None:
        context |= {"luck": luck, "luck_figure": luck_figure(luck=luck)}
    if epoch.state == Epoch.State.LIVE:
        context |= right_now_context(epoch=epoch, card=card)
    focus = _focus(request, card)
    if focus:
        pay = next(market.pay for market in card.markets if market.market == focus)
        context |= {"focus": focus, **quoted_context(epoch=epoch, market=focus, maker=who.slug, pay=pay)}
    return render(request, "makers/scorecard.html", context)


def _focus(request: HttpRequest, card: Scorecard) -> str:
    """Return the market that the charts are of: the one asked for, else the one that pays most."""
    by_pay = sorted(card.markets, key=lambda market: -market.pay.payout)
    names = [market.market for market in by_pay]
    asked = request.GET.get("market", "")
    return asked if asked in names else next(iter(names), "")


def _hourly_bars(card: Scorecard) -> list[Bar]:
    lengths = bar_lengths(values=[kind.pay_per_hour for kind in card.kinds])
    return [Bar(card=kind, length=length) for kind, length in zip(card.kinds, lengths, strict=True)]


def _market_bars(card: Scorecard) -> list[Bar]:
    lengths = bar_lengths(values=[market.pay.payout for market in card.markets])
    return [Bar(card=market, length=length) for market, length in zip(card.markets, lengths, strict=True)]


def _hourly_summary(card: Scorecard) -> str:
    paid = [kind for kind in card.kinds if kind.pay_per_hour > 0]
    if not paid:
        return "No quoted hour has been paid in this epoch."
    best = max(paid, key=lambda kind: kind.pay_per_hour)
    return (
        f"An hour of quoting paid best in this session: {KIND_NAMES[best.kind].lower()}, "
        f"which counts {boost_text(percent=best.boost_percent)}."
    )
