"""What the public page says of the question whether the money helped: a sentence, two figures, a table and a file."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from rewards.models import Program
from rewards.selectors.helped import SessionsOfEpoch, program_history
from rewards.selectors.programs import program_get
from rewards.views.figures.history import figure_text, lines_figure
from rewards.views.pages import missing_is_404
from rewards.views.words import KIND_NAMES, share_text

HOUR_MS = 3_600_000
ENOUGH_MS = HOUR_MS
"""A weekend whose book had a reference for less than this is shown, but nothing is said by it."""
COLUMNS = (
    "program", "epoch", "start_ms", "end_ms", "market", "kind", "live_ms", "lit_ms", "book_spread_bps",
    "depth_25_bps_lots", "depth_100_bps_lots",
)  # fmt: skip


def helped_context(request: HttpRequest, *, program: Program, markets: Sequence[str]) -> dict[str, Any]:
    """Return what the page's section needs, in one query: one market, the one that was asked for or else the first."""
    asked = request.GET.get("market", "")
    market = asked if asked in markets else (markets[0] if markets else None)
    if market is None:
        return {}
    history = program_history(program=program, market=market)
    weekends = [row for row in history.rows if row.kind == "weekend"]
    numbers = sorted({row.number for row in history.rows})
    return {
        "helped": {
            "market": market,
            "markets": markets,
            "sentence": weekend_sentence(market=market, weekends=weekends),
            "caveat": caveat(weekends=weekends),
            "spread": _lines(history.rows, numbers, "spread_bps", "bps"),
            "depth": _lines(history.rows, numbers, "depth_100_lots", "lots"),
            "rows": [_row(row) for row in sorted(history.rows, key=_newest_first)],
            "missing": history.missing,
        }
    }


@require_safe
@missing_is_404
def history_csv(_request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send every market of every epoch by kind of session; docs/programmes.md explains the columns."""
    program = program_get(slug=slug)
    rows = program_history(program=program, most=None).rows
    response = StreamingHttpResponse(_lines_of_file(program.slug, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{program.slug}-history.csv"'
    return response


def weekend_sentence(*, market: str, weekends: Sequence[SessionsOfEpoch]) -> str:
    """Say in one sentence how a market's weekends changed from the first epoch to the last that say anything.

    weekends: by number of their epoch.
    """
    said = [row for row in weekends if row.lit_ms >= ENOUGH_MS and row.spread_bps is not None]
    if not said:
        if weekends:
            return f"On no weekend so far did the book of {market} have both sides for as long as an hour."
        return f"No weekend of {market} has been measured yet."
    first, last = said[0], said[-1]
    if first is last:
        return (
            f"In epoch {first.number} the weekend spread in {market} was {_number(first.spread_bps)} bps; "
            "there is no other epoch to compare it with yet."
        )
    return (
        f"Weekend spreads in {market} went from {_number(first.spread_bps)} bps in epoch {first.number} to "
        f"{_number(last.spread_bps)} bps in epoch {last.number}, and makers’ depth within 1% of the middle from "
        f"{_number(first.depth_100_lots)} to {_number(last.depth_100_lots)} lots."
    )


def caveat(*, weekends: Sequence[SessionsOfEpoch]) -> str:
    """Say what the comparison leaves out; empty where there is none."""
    said = [row for row in weekends if row.lit_ms >= ENOUGH_MS and row.spread_bps is not None]
    if len(said) < 2:
        return ""
    first, last = (share_text(part=row.lit_ms, whole=row.live_ms) for row in (said[0], said[-1]))
    few = f"These are {len(said)} epochs: a comparison, not a trend. " if len(said) < 5 else ""
    return (
        f"{few}Spreads also move with the market, so this alone proves no cause. The means are over the time in which "
        f"the book was deep enough on both sides: {first} of the weekend in epoch {said[0].number}, {last} in epoch "
        f"{said[-1].number}."
    )


def _lines(rows: Sequence[SessionsOfEpoch], numbers: Sequence[int], field: str, unit: str) -> Any:
    values = {(row.number, row.kind): getattr(row, field) for row in rows}
    weekend, regular = ([values.get((number, kind)) for number in numbers] for kind in ("weekend", "regular"))
    return lines_figure(epochs=numbers, weekend=weekend, regular=regular, unit=unit)


def _row(row: SessionsOfEpoch) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": row.kind,
        "lit": share_text(part=row.lit_ms, whole=row.live_ms),
        "live_ms": row.live_ms,
        "is_little": row.lit_ms < ENOUGH_MS,
        "spread": _number(row.spread_bps),
        "depth_25": _number(row.depth_25_lots),
        "depth_100": _number(row.depth_100_lots),
    }


def _newest_first(row: SessionsOfEpoch) -> tuple[int, int]:
    return -row.number, list(KIND_NAMES).index(row.kind)


def _number(value: float | None) -> str:
    return "–" if value is None else figure_text(value)


def _lines_of_file(slug: str, rows: Sequence[SessionsOfEpoch]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(
            [
                slug, row.number, row.start_ms, row.end_ms, row.market, row.kind, row.live_ms, row.lit_ms,
                *("" if value is None else round(value, 4)
                  for value in (row.spread_bps, row.depth_25_lots, row.depth_100_lots)),
            ]
        )  # fmt: skip


class _Echo:
    """A file that hands each line back, so that the answer is sent while it is written."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line
