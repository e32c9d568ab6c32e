"""What a scorecard draws of how a maker quoted in a market: lines over time, why it did not count, pay by the hour."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from rewards.analysis.kernel import parts
from rewards.analysis.statistics import By, MarketCells
from rewards.engine.kinds import KINDS
from rewards.engine.rules import SHARE_BITS
from rewards.engine.terms import MarketTerms, Terms
from rewards.models import Epoch, Score
from rewards.selectors.parsed_terms import terms_of
from rewards.selectors.quoting import Quoting, quoting

NEW_YORK = ZoneInfo("America/New_York")
HOUR_MS = 3_600_000
BPS = 10_000
REASONS = ("counting", "halted", "dark", "no_quotes", "too_small", "too_young", "too_far", "one_sided")
"""Of docs/statistics.md, in the order of the kernel's columns; at each moment exactly one holds."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive five minutes in which the same reason held for most of the time. Times are ms UTC, half-open."""

    start_ms: int
    end_ms: int
    reason: str

    @property
    def length_ms(self) -> int:
        """How long it lasted."""
        return self.end_ms - self.start_ms

    @property
    def middle_ms(self) -> int:
        """A moment of it to look at."""
        return (self.start_ms + self.end_ms) // 2


@dataclass(frozen=True, slots=True)
class HourPay:
    """Pay of one hour of the week in New York. raw: the token's smallest unit; hours_ms: live time it was earned in."""

    weekday: int
    hour: int
    raw: int
    hours_ms: int

    @property
    def per_hour(self) -> int:
        """Pay per hour that the market was live in it, 0 without any."""
        return self.raw * HOUR_MS // self.hours_ms if self.hours_ms else 0


@dataclass(frozen=True)
class Quoted:
    """How a maker quoted in a market of an epoch, up to `until_ms` (ms UTC). start_ms, end_ms: of the epoch.

    cells: what all of it is made of, the first `known` of which are in.
    """

    market: str
    start_ms: int
    end_ms: int
    until_ms: int
    terms: MarketTerms
    maker_rows: pa.Table
    market_rows: pa.Table
    stretches: tuple[Stretch, ...]
    hours: tuple[HourPay, ...]
    cells: MarketCells
    known: int


def quoted(*, epoch: Epoch, market: str, maker: str) -> Quoted | None:
    """Return how a maker quoted in a market, in four queries; None while nothing is known of the market.

    maker_rows, market_rows: docs/statistics.md, by five minutes, up to `until_ms`; the first is empty for who never
    had an order there.
    """
    found = quoting(epoch=epoch, market=market, makers=[maker])
    if found is None:
        return None
    terms = terms_of(epoch=epoch)
    known = int(np.searchsorted(found.cells.times.starts_ms, found.until_ms, side="left"))
    return Quoted(
        market=market,
        start_ms=epoch.start_ms,
        end_ms=epoch.end_ms,
        until_ms=found.until_ms,
        terms=terms.markets[market],
        maker_rows=found.cells.maker_table(by=By.FIVE_MINUTES).slice(0, known),
        market_rows=found.cells.market_table(by=By.FIVE_MINUTES).slice(0, known),
        stretches=_stretches(found, known) if found.cells.makers else (),
        hours=_hours(epoch, terms, found, known, maker) if found.cells.makers else (),
        cells=found.cells,
        known=known,
    )


def _stretches(found: Quoting, known: int) -> tuple[Stretch, ...]:
    """Name each five minutes by what held for most of it, and join those of one name."""
    times = found.cells.times
    held = found.cells.whole[:known, 0, parts.COUNTING_MS : parts.ONE_SIDED_MS + 1]
    named = np.where(held.any(1), held.argmax(1), -1)
    ends = np.minimum(times.ends_ms[:known], found.until_ms)
    cuts = np.flatnonzero(np.diff(named, prepend=-2)).tolist()
    return tuple(
        Stretch(int(times.starts_ms[first]), int(ends[last - 1]), REASONS[int(named[first])])
        for first, last in zip(cuts, [*cuts[1:], known], strict=True)
        if named[first] >= 0
    )


def _hours(epoch: Epoch, terms: Terms, found: Quoting, known: int, maker: str) -> tuple[HourPay, ...]:
    """Share the maker's quoting pay out over the hours of the week in which its credit was earned.

    docs/spec/scoring.md, Payout of a market: the pay is linear in boosted credit. While the epoch is live the time to
    come is taken as live throughout, so that the figures are what is safe.
    """
    cells, times = found.cells, found.cells.times
    boosts = np.array([terms.boosts[kind] for kind in KINDS], object)[times.kinds]
    pool = _quoting_pool(terms, found.market)
    divisor = sum((boosts * _live_ms(cells, known)).tolist()) << SHARE_BITS
    lost = _gated(epoch, found.market, maker, terms.markets[found.market].min_uptime_bps)
    sums: dict[tuple[int, int], list[int]] = {}
    for cell in range(known):
        credit = int(cells.whole[cell, 0, parts.CREDIT])
        live_ms = int(cells.of_market[cell, parts.MARKET_DARK_MS] + cells.of_market[cell, parts.MARKET_LIT_MS])
        moment = dt.datetime.fromtimestamp(int(times.starts_ms[cell]) / 1000, NEW_YORK)
        total = sums.setdefault((moment.weekday(), moment.hour), [0, 0])
        total[0] += 0 if KINDS[int(times.kinds[cell])] in lost else int(boosts[cell]) * credit
        total[1] += live_ms
    return tuple(
        HourPay(weekday, hour, pool * boosted // divisor if divisor else 0, live_ms)
        for (weekday, hour), (boosted, live_ms) in sorted(sums.items())
    )


def _live_ms(cells: MarketCells, known: int) -> np.ndarray:
    """Return live time by cell; cells to come count whole."""
    live = (cells.times.ends_ms - cells.times.starts_ms).astype(object)
    so_far = cells.of_market[:, parts.MARKET_DARK_MS] + cells.of_market[:, parts.MARKET_LIT_MS]
    live[:known] = so_far[:known]
    return live


def _gated(epoch: Epoch, market: str, maker: str, needed_bps: Mapping[str, int]) -> set[str]:
    """Return the kinds of session whose credit the uptime gate takes; none before the epoch is over."""
    if epoch.paid_total is None:
        return set()
    rows = Score.objects.filter(epoch=epoch, market=market, maker=maker)
    return {row.kind for row in rows if row.present_ms * BPS < needed_bps[row.kind] * row.live_ms}


def _quoting_pool(terms: Terms, market: str) -> int:
    of_market = terms.markets[market]
    return terms.budget * of_market.weight_bps // BPS * of_market.quoting_share_bps // BPS
