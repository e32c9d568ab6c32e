"""Where next? The coming sessions by what a lot earns in them, and a calculator for one quote."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Maker
from onchain.models import Market
from rewards.analysis.calculator import Worth, worth_of
from rewards.engine.rules import WEIGHT_ONE
from rewards.errors import NotFoundError
from rewards.selectors.programs import program_list
from rewards.selectors.rows import SessionRow
from rewards.selectors.where_next import Chance, WhereNext, where_next
from rewards.views.figures.week import LEVELS
from rewards.views.of_maker import of_maker
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.tabular import amount, amount_values, number, table_response, text, whole
from rewards.views.words import KIND_NAMES

MARKETS_A_PAGE = 25
COLUMNS = [
    *text("market", "the market's name in the terms"),
    *text("kind", "the kind of session"),
    *whole("epoch", "number", "the epoch that the session is in"),
    *whole("start_ms", "ms since 1970", "where the session starts"),
    *whole("end_ms", "ms since 1970", "where it ends, itself not in it"),
    *whole("boost_percent", "percent of the plain rate", "what an hour counts"),
    *amount("rate_per_hour", "what all makers together can earn by quoting in an hour"),
    *number("others_lots", "lots", "the other makers' mean quality in the newest session of the kind"),
    *number("own_lots", "lots", "this maker's mean quality in it"),
    *whole("measured_from_ms", "ms since 1970", "where that session started"),
    *whole("measured_until_ms", "ms since 1970", "up to where it was measured"),
    *amount("one_lot_hour", "an hour of one more lot at the reference on both sides"),
]


class QuoteForm(forms.Form):
    """One quote on both sides: in which market and kind of session, how large, how far from the reference."""

    market = forms.ChoiceField(label="Market")
    kind = forms.ChoiceField(label="Session")
    lots = forms.IntegerField(label="Lots on each side", min_value=1, max_value=10**9)
    bps = forms.IntegerField(label="Distance, bps", min_value=0, max_value=10_000)

    def __init__(self, *args: Any, found: WhereNext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        markets = sorted({chance.market for chance in found.chances})
        kinds = [row.kind for row in found.sessions]
        self.fields["market"] = forms.ChoiceField(label="Market", choices=[(market, market) for market in markets])
        self.fields["kind"] = forms.ChoiceField(label="Session", choices=[(kind, KIND_NAMES[kind]) for kind in kinds])


@dataclass(frozen=True, slots=True)
class Cell:
    """A market in a session of the table. level: 0 to 5 by what a lot earns; others: lots; left_ms: of the session."""

    chance: Chance
    level: int
    others: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the calculator says. Prices in the market's own units; left_raw: for all that is left of the session."""

    chance: Chance
    worth: Worth
    bid: str
    ask: str
    reference: str
    weight: str
    lots: str
    share_ppm: int
    left_ms: int
    left_raw: int


@require_safe
@missing_is_404
@of_maker
def where_next_first(_request: HttpRequest, who: Maker) -> HttpResponseBase:
    """Go to the first programme's page: the one with an epoch that runs, where there is one."""
    programs = sorted(program_list(now_ms=page_now_ms()), key=lambda row: row.live_epoch is None)
    if not programs:
        raise NotFoundError(kind="programme", name="any name")
    return redirect("where-next", who.slug, programs[0].slug)


@require_safe
@never_cache
@missing_is_404
@of_maker
def where_next_page(request: HttpRequest, who: Maker, program: str) -> HttpResponseBase:
    """Show what a lot earns in the coming sessions, and what a quote of one's choice would."""
    found = where_next(program=program, maker=who.slug, now_ms=page_now_ms())
    form = QuoteForm(request.GET if request.GET.keys() & QuoteForm.base_fields.keys() else None, found=found,
                     initial=_first_choice(found))  # fmt: skip
    page = Paginator(_rows(found), MARKETS_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "section": "makers", "maker": who, "program": found.program, "next": found, "now_ms": found.now_ms,
        "rows": page, "best": _best(found), "form": form,
    }  # fmt: skip
    if form.is_bound and form.is_valid():
        context |= _answer(found, **form.cleaned_data)
    return render(request, "makers/where_next.html", context)


@require_safe
@never_cache
@missing_is_404
@of_maker
def where_next_table(_request: HttpRequest, who: Maker, program: str, form: str) -> HttpResponseBase:
    """Send the coming sessions as a file."""
    found = where_next(program=program, maker=who.slug, now_ms=page_now_ms())
    decimals = found.program.token_decimals
    rows = [_file_row(chance, decimals) for chance in found.chances]
    return table_response(columns=COLUMNS, rows=rows, form=form, name=f"{who.slug}-{program}-where-next")


def _file_row(chance: Chance, decimals: int) -> dict[str, Any]:
    session, seen = chance.session, chance.measured
    return {
        "market": chance.market, "kind": session.kind, "epoch": chance.epoch, "start_ms": session.start_ms,
        "end_ms": session.end_ms, "boost_percent": session.boost_percent,
        "others_lots": seen.place.others / WEIGHT_ONE if seen else None,
        "own_lots": seen.own / WEIGHT_ONE if seen else None,
        "measured_from_ms": seen.start_ms if seen else None, "measured_until_ms": seen.until_ms if seen else None,
        **amount_values("rate_per_hour", chance.rate.hour_raw, decimals=decimals),
        **amount_values("one_lot_hour", chance.one_lot_raw, decimals=decimals),
    }  # fmt: skip


def _rows(found: WhereNext) -> list[tuple[str, list[Cell | None]]]:
    """Lay the chances out by market (rows, the best first) and session; None where an epoch leaves the market out."""
    most = max((chance.one_lot_raw or 0 for chance in found.chances), default=0)
    cells = {(chance.market, chance.session): _cell(chance, most) for chance in found.chances}
    best: dict[str, int] = {}
    for chance in found.chances:
        best[chance.market] = max(best.get(chance.market, 0), chance.one_lot_raw or 0)
    markets = sorted(best, key=lambda market: (-best[market], market))
    return [(market, [cells.get((market, session)) for session in found.sessions]) for market in markets]


def _cell(chance: Chance, most: int) -> Cell:
    raw = chance.one_lot_raw or 0
    level = 1 + raw * (LEVELS - 2) // most if raw and most else 0
    return Cell(chance, level, _lots(chance.measured.place.others) if chance.measured else "")


def _best(found: WhereNext) -> Chance | None:
    known = [chance for chance in found.chances if chance.one_lot_raw]
    return max(known, key=lambda chance: chance.one_lot_raw or 0, default=None)


def _first_choice(found: WhereNext) -> dict[str, Any]:
    best = _best(found)
    return {"market": best.market, "kind": best.session.kind} if best else {}


def _answer(found: WhereNext, *, market: str, kind: str, lots: int, bps: int) -> dict[str, Any]:
    chance = next((each for each in found.chances if (each.market, each.session.kind) == (market, kind)), None)
    if chance is None or chance.measured is None:
        return {"unknown": True}
    worth = worth_of(terms=found.terms[chance.epoch], place=chance.measured.place, rate=chance.rate, size_lots=lots,
                     distance_bps=bps)  # fmt: skip
    tick = Decimal(Market.objects.values_list("tick_size", flat=True).get(name=market))
    left_ms = _left_ms(chance.session, found.now_ms)
    return {
        "answer": Answer(
            chance=chance, worth=worth, bid=f"{worth.bid * tick:,f}", ask=f"{worth.ask * tick:,f}",
            reference=f"{chance.measured.place.reference * tick / 2:,f}",
            weight=f"{Decimal(worth.bid_weight + worth.ask_weight) / 20_000:.1f}%", lots=_lots(worth.quality),
            share_ppm=worth.share * 1_000_000 >> 30, left_ms=left_ms,
            left_raw=chance.rate.pay_raw(share=worth.share, length_ms=left_ms),
        ),
        "band_bps": found.terms[chance.epoch].markets[market].max_spread_bps[kind],
        "asked": found.terms[chance.epoch].markets[market],
    }  # fmt: skip


def _left_ms(session: SessionRow, now_ms: int) -> int:
    return session.end_ms - max(session.start_ms, now_ms)


def _lots(quality: int) -> str:
    """Write a quality as lots at the reference, with one decimal below ten."""
    lots = Decimal(quality) / WEIGHT_ONE
    return f"{lots:,.1f}" if lots < 10 else f"{lots:,.0f}"
