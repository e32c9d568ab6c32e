"""What a scorecard draws: the figures of one market as numbers for the charts, as tables, and as files."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Maker
from onchain.errors import OnchainError
from onchain.models import Market
from rewards.analysis.statistics import By
from rewards.engine.errors import EngineError
from rewards.models import Epoch
from rewards.selectors.programs import epoch_get
from rewards.selectors.quoted import REASONS, Quoted, Stretch, quoted
from rewards.selectors.standings import PoolPay
from rewards.selectors.waterfall import market_waterfall
from rewards.services.looking import moment_of
from rewards.views.figures.falls import falls, summary
from rewards.views.figures.hours import hour_rows
from rewards.views.levers import levers
from rewards.views.moment import moment_context
from rewards.views.of_maker import of_maker
from rewards.views.pages import missing_is_404
from rewards.views.tabular import arrow_response

REASON_WORDS = {
    "counting": "Counting",
    "halted": "Market halted",
    "dark": "No reference",
    "no_quotes": "No quotes",
    "too_small": "Too small",
    "too_young": "Too young",
    "too_far": "Too far",
    "one_sided": "One side only",
}
REASON_RULES = {
    "counting": "your orders earned",
    "halted": "the market was halted; nobody earns, and the time is nobody’s loss",
    "dark": "the book was too thin on a side to have a reference; nobody earns",
    "no_quotes": "you had no order in the book",
    "too_small": "no order of yours had the least size",
    "too_young": "no large enough order had rested for long enough",
    "too_far": "no order that counts was inside the band",
    "one_sided": "only one side was inside the band",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the timeline; x and width are per mille of the epoch, url shows the book at its middle."""

    stretch: Stretch
    url: str
    x: str
    width: str
    words: str


@require_safe
@never_cache
@missing_is_404
@of_maker
def series(_request: HttpRequest, who: Maker, program: str, number: int, market: str) -> HttpResponseBase:
    """Answer the lines of the charts as columns of numbers; null where there is none."""
    found = _found(who, epoch_get(slug=program, number=number), market)
    mine, all_ = found.maker_rows, found.market_rows
    return JsonResponse(
        {
            "market": market,
            "start_s": [value // 1000 for value in all_.column("start_ms").to_pylist()],
            "kind": all_.column("kind").to_pylist(),
            "share": _numbers(mine, "share", scale=100),
            "spread_bps": _numbers(mine, "spread_bps"),
            "book_spread_bps": _numbers(all_, "book_spread_bps"),
            # An order may be as far as the band on its own side; both sides together make the widest spread.
            "limit_bps": _numbers(all_, "band_bps", scale=2),
            "bid_lots": _numbers(mine, "bid_depth_100_bps_lots"),
            "ask_lots": _numbers(mine, "ask_depth_100_bps_lots"),
            "presence_lots": found.terms.presence_lots,
        }
    )


@require_safe
@never_cache
@missing_is_404
@of_maker
def table(_request: HttpRequest, who: Maker, program: str, number: int, market: str, form: str) -> HttpResponseBase:
    """Send the maker's rows by five minutes as CSV or Parquet; docs/statistics.md explains the columns."""
    found = _found(who, epoch_get(slug=program, number=number), market)
    return arrow_response(table=found.maker_rows, form=form, name=f"{who.slug}-{program}-{number}-{market}")


@require_safe
@never_cache
@missing_is_404
@of_maker
def moment(request: HttpRequest, who: Maker, program: str, number: int, market: str, time_ms: int) -> HttpResponseBase:
    """Show the book of a market at a moment, and whether the maker's own orders in it counted."""
    epoch = epoch_get(slug=program, number=number)
    found = Market.objects.filter(name=market).first()
    if found is None:
        raise Http404(f"There is no market called {market}.")
    context: dict[str, Any] = {"section": "makers", "maker": who, "epoch": epoch, "market": found, "time_ms": time_ms}
    try:
        seen = moment_of(epoch=epoch, market=market, maker=who.slug, time_ms=time_ms)
    except (OnchainError, EngineError) as error:
        context["error"] = str(error)
    else:
        context |= moment_context(seen=seen, market=found)
    return render(request, "makers/moment.html", context)


def quoted_context(*, epoch: Epoch, market: str, maker: str, pay: PoolPay) -> dict[str, Any]:
    """Return what the scorecard's template needs of the market in focus; nothing where nothing is known."""
    found = quoted(epoch=epoch, market=market, maker=maker)
    if found is None or not found.stretches:
        return {}
    held = dict.fromkeys(REASONS, 0)
    for stretch in found.stretches:
        held[stretch.reason] += stretch.end_ms - stretch.start_ms
    steps = market_waterfall(epoch=epoch, found=found, pay=pay)
    presence = presence_rows(found)
    return {
        "steps": falls(steps=steps) if steps else None,
        "steps_summary": summary(steps=steps) if steps else "",
        "levers": levers(epoch=epoch, steps=steps, found=found) if steps else [],
        "presence": presence,
        "presence_summary": _presence_summary(presence),
        "quoted": found,
        "segments": _segments(found, at=_moment_address(epoch=epoch, maker=maker, market=market)),
        "legend": [
            {"reason": name, "word": REASON_WORDS[name], "rule": REASON_RULES[name], "held_ms": held[name]}
            for name in REASONS
            if held[name]
        ],
        "hours": hour_rows(hours=found.hours),
        "hour_numbers": range(24),
    }


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """Presence in one session of a market, as far as it is known. required_bps: 0 for none."""

    kind: str
    start_ms: int
    end_ms: int
    present_ms: int
    live_ms: int
    required_bps: int

    @property
    def uptime_bps(self) -> int:
        """Present time of live time, rounded down."""
        return self.present_ms * 10_000 // self.live_ms if self.live_ms else 0

    @property
    def is_below(self) -> bool:
        """Whether this session alone misses what is the least over all of its kind."""
        return self.present_ms * 10_000 < self.required_bps * self.live_ms


def presence_rows(found: Quoted) -> list[PresenceRow]:
    """Return the sessions that have begun, in order; none for who never had an order there."""
    gates = found.terms.min_uptime_bps
    return [
        PresenceRow(row["kind"], row["start_ms"], row["end_ms"], row["present_ms"], row["live_ms"], gates[row["kind"]])
        for row in found.cells.maker_table(by=By.SESSION).to_pylist()
        if row["start_ms"] < found.until_ms
    ]


def _presence_summary(rows: list[PresenceRow]) -> str:
    below = sum(row.is_below for row in rows)
    if not any(row.required_bps for row in rows):
        return "How long you were present in each session; none of them asks for a least presence."
    if not below:
        return "How long you were present in each session; you were never below the least."
    return f"How long you were present in each session; {below} of {len(rows)} were below the least."


def _found(who: Maker, epoch: Epoch, market: str) -> Quoted:
    found = quoted(epoch=epoch, market=market, maker=who.slug)
    if found is None or found.maker_rows.num_rows == 0:
        raise Http404(f"Nothing is known of {who.name}’s quotes in {market} in epoch {epoch.number}.")
    return found


def _segments(found: Quoted, *, at: str) -> list[Segment]:
    """Lay the stretches out; at: the address of the moment 0, which a busy week's hundreds of stretches share."""
    per_mille = 1000 / (found.end_ms - found.start_ms)
    return [
        Segment(
            each, f"{at}{each.middle_ms}/", f"{(each.start_ms - found.start_ms) * per_mille:.2f}",
            f"{max(each.length_ms * per_mille, 0.4):.2f}", REASON_WORDS[each.reason],
        )
        for each in found.stretches
    ]  # fmt: skip


def _moment_address(*, epoch: Epoch, maker: str, market: str) -> str:
    return reverse("scorecard-moment", args=[maker, epoch.program.slug, epoch.number, market, 0]).removesuffix("0/")


def _numbers(table: pa.Table, column: str, *, scale: int = 1) -> list[float | None]:
    """Return a column rounded to what a screen shows; the files have all digits."""
    return [None if value is None else round(value * scale, 2) for value in table.column(column).to_pylist()]
