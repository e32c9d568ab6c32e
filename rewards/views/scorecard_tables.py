"""Every table of the scorecard as a file: docs/scorecard.md lists them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Maker
from rewards.analysis.columns import Column
from rewards.models import Epoch
from rewards.selectors.luck import maker_luck
from rewards.selectors.makers import Scorecard, maker_scorecard
from rewards.selectors.programs import epoch_get
from rewards.selectors.quoted import Quoted, quoted
from rewards.selectors.waterfall import market_waterfall
from rewards.views.figures.hours import WEEKDAYS
from rewards.views.of_maker import of_maker
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.quoted import presence_rows
from rewards.views.tabular import amount, amount_values, number, table_response, text, whole

Row = Mapping[str, Any]
_MARKET = text("market", "the market's name in the terms")
_SPAN = [
    *whole("start_ms", "ms since 1970", "where it starts"),
    *whole("end_ms", "ms since 1970", "where it ends, itself not in it"),
]

MARKETS = [
    *_MARKET,
    *amount("quoting", "from the quoting pool, before the cap"),
    *amount("fills", "from the fills pool, before the cap"),
    *amount("stress", "from the pool for fast markets, before the cap"),
    *amount("cut_by_cap", "what the cap took; below 0 what was shared out on top"),
    *amount("pay", "what is paid for the market; an estimate while the epoch is live"),
    *amount("safe", "what of it stays if all quoting stops now"),
    *amount("most", "what it comes to at most, present for all that is left"),
    *whole("share_ppm", "parts per million", "of what all makers get in the market"),
]
SESSIONS = [
    *_MARKET,
    *text("kind", "the kind of session"),
    *whole("boost_percent", "percent of the plain rate", "what an hour counts"),
    *whole("credit_share_ppm", "parts per million", "of all makers' credit"),
    *whole("present_ms", "ms", "enough lots inside the band on both sides"),
    *whole("live_ms", "ms", "the market was not halted"),
    *whole("uptime_bps", "parts of 10,000", "present_ms of live_ms, rounded down"),
    *whole("required_bps", "parts of 10,000", "the least that is paid, 0 for none"),
    *text("gate", "kept or missed"),
    *amount("pay", "the part of the quoting pay, before the cap"),
]
STEPS = [
    *_MARKET,
    *text("step", "docs/scorecard.md"),
    *amount("change", "what the step takes (below 0) or gives"),
    *amount("after", "what is left after it"),
]
HOURS = [
    *_MARKET,
    *text("weekday", "in New York"),
    *whole("hour", "hour of the day", "in New York, 0 to 23"),
    *amount("pay", "for quoting in it, before the cap; while the epoch is live, what is safe"),
    *whole("live_ms", "ms", "the market was not halted"),
    *amount("pay_per_hour", "pay for an hour of live time"),
]
STRETCHES = [*_MARKET, *_SPAN, *text("state", "why nothing was earned, or counting (docs/statistics.md)")]
PRESENCE = [
    *_MARKET,
    *text("kind", "the kind of session"),
    *_SPAN,
    *whole("present_ms", "ms", "enough lots inside the band on both sides"),
    *whole("live_ms", "ms", "the market was not halted"),
    *number("presence", "fraction", "present_ms of live_ms"),
    *whole("required_bps", "parts of 10,000", "the least over all sessions of the kind"),
]
LUCK = [
    *text("of", "which of the samplings: docs/scorecard.md"),
    *amount("pay", "what the maker would have earned; exact: what it earned"),
]


@require_safe
@never_cache
@missing_is_404
@of_maker
def scorecard_table(
    request: HttpRequest, who: Maker, program: str, number: int, name: str, form: str
) -> HttpResponseBase:
    """Send one of the scorecard's tables; those of one market are asked for with ?market=."""
    epoch = epoch_get(slug=program, number=number)
    card = maker_scorecard(epoch_id=epoch.pk, maker=who.slug, now_ms=page_now_ms())
    market = request.GET.get("market", "")
    if name in _OF_CARD:
        columns, rows = _OF_CARD[name]
        made = list(rows(card))
        ending = ""
    elif name == "luck":
        columns, made, ending = LUCK, list(_luck(epoch, card, who)), ""
    elif name in _OF_MARKET:
        columns, rows_of_market = _OF_MARKET[name]
        made = list(rows_of_market(epoch, card, _quoted(epoch, who, market)))
        ending = f"-{market}"
    else:
        raise Http404(f"There is no table called {name}. There are {', '.join([*_OF_CARD, 'luck', *_OF_MARKET])}.")
    return table_response(columns=columns, rows=made, form=form, name=f"{who.slug}-{program}-{number}-{name}{ending}")


def _quoted(epoch: Epoch, who: Maker, market: str) -> Quoted:
    found = quoted(epoch=epoch, market=market, maker=who.slug) if market else None
    if found is None or not found.cells.makers:
        raise Http404(f"Nothing is known of {who.name}’s quotes in {market or 'no market'} in epoch {epoch.number}.")
    return found


def _markets(card: Scorecard) -> Iterable[Row]:
    for each in card.markets:
        pay = each.pay
        amounts = {
            "quoting": pay.quoting, "fills": pay.fills, "stress": pay.stress, "cut_by_cap": pay.cut_by_cap,
            "pay": pay.payout, "safe": pay.accrued, "most": pay.most,
        }  # fmt: skip
        yield {"market": each.market, "share_ppm": pay.share_ppm} | _amounts(card, amounts)


def _sessions(card: Scorecard) -> Iterable[Row]:
    for market in card.markets:
        for each in market.kinds:
            yield {
                "market": market.market, "kind": each.kind, "boost_percent": each.boost_percent,
                "credit_share_ppm": each.credit_share_ppm, "present_ms": each.present_ms, "live_ms": each.live_ms,
                "uptime_bps": each.uptime_bps, "required_bps": each.required_bps,
                "gate": "missed" if each.gated else "kept",
            } | _amounts(card, {"pay": each.pay})  # fmt: skip


def _luck(epoch: Epoch, card: Scorecard, who: Maker) -> Iterable[Row]:
    luck = maker_luck(epoch=epoch, maker=who.slug)
    if luck is None:
        raise Http404(f"Nothing is known of {who.name}’s sampling luck in epoch {epoch.number}.")
    for name in ("least", "low", "mean", "high", "most", "exact"):
        yield {"of": name} | _amounts(card, {"pay": getattr(luck, name)})


def _steps(epoch: Epoch, card: Scorecard, found: Quoted) -> Iterable[Row]:
    pay = next((each.pay for each in card.markets if each.market == found.market), None)
    steps = market_waterfall(epoch=epoch, found=found, pay=pay) if pay else None
    if steps is None:
        return
    yield {"market": found.market, "step": "base"} | _amounts(card, {"change": steps.base, "after": steps.base})
    for each in steps.steps:
        yield {"market": found.market, "step": each.name} | _amounts(card, {"change": each.change, "after": each.after})


def _hours(_epoch: Epoch, card: Scorecard, found: Quoted) -> Iterable[Row]:
    for each in found.hours:
        yield {
            "market": found.market, "weekday": WEEKDAYS[each.weekday], "hour": each.hour, "live_ms": each.hours_ms,
        } | _amounts(card, {"pay": each.raw, "pay_per_hour": each.per_hour})  # fmt: skip


def _stretches(_epoch: Epoch, _card: Scorecard, found: Quoted) -> Iterable[Row]:
    for each in found.stretches:
        yield {"market": found.market, "start_ms": each.start_ms, "end_ms": each.end_ms, "state": each.reason}


def _presence(_epoch: Epoch, _card: Scorecard, found: Quoted) -> Iterable[Row]:
    for each in presence_rows(found):
        yield asdict(each) | {
            "market": found.market,
            "presence": each.present_ms / each.live_ms if each.live_ms else None,
        }


def _amounts(card: Scorecard, amounts: Mapping[str, int]) -> dict[str, str | None]:
    made: dict[str, str | None] = {}
    for name, raw in amounts.items():
        made |= amount_values(name, raw, decimals=card.token_decimals)
    return made


_OF_CARD: dict[str, tuple[list[Column], Callable[[Scorecard], Iterable[Row]]]] = {
    "markets": (MARKETS, _markets),
    "sessions": (SESSIONS, _sessions),
}
_OF_MARKET: dict[str, tuple[list[Column], Callable[[Epoch, Scorecard, Quoted], Iterable[Row]]]] = {
    "steps": (STEPS, _steps),
    "hours": (HOURS, _hours),
    "stretches": (STRETCHES, _stretches),
    "presence": (PRESENCE, _presence),
}
