"""Flags from fills: a maker that trades with itself, and two that trade mostly with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from rewards.analysis.flagging import thresholds as at
from rewards.analysis.flagging.finding import MOST_ROWS, NOTE, SERIOUS, Figure, Finding, percent
from rewards.engine.events import FILL, PLACE, MarketEvents

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fills:
    """The fills of one market inside the epoch: both sides as indices of makers, below 0 for others."""

    resting: I64
    taking: I64
    lots: I64
    price: I64
    row: I64

    @property
    def volume(self) -> npt.NDArray[np.float64]:
        """Lots times ticks; a float, for sums beyond 64 bits are only compared here."""
        return self.lots.astype(np.float64) * self.price


def fills_of(events: MarketEvents, *, start_ms: int, end_ms: int) -> Fills:
    """Return the fills of [start_ms, end_ms), each with the owner and price of the order that rested."""
    placed = placed_rows(events)
    rows = np.flatnonzero((events.kind == FILL) & (events.time_ms >= start_ms) & (events.time_ms < end_ms))
    rows = rows[placed[rows] >= 0]
    place = placed[rows]
    return Fills(
        resting=events.owner[place].astype(np.int64), taking=events.taker[rows].astype(np.int64),
        lots=events.size[rows], price=events.price[place], row=rows,
    )  # fmt: skip


def placed_rows(events: MarketEvents) -> I64:
    """Return for each event the row of the last place of its order, up to and with itself; -1 for none."""
    count = len(events)
    by_order = np.argsort(events.order, kind="stable")
    codes = events.order[by_order]
    is_place = events.kind[by_order] == PLACE
    starts = np.concatenate(([True], codes[1:] != codes[:-1])) if count else np.zeros(0, np.bool_)
    position = np.arange(count)
    # The last place seen so far, cut off where another order begins.
    last = np.maximum.accumulate(np.where(is_place, position, -1)) if count else position
    begin = np.maximum.accumulate(np.where(starts, position, 0)) if count else position
    found = np.where((last >= begin) & (codes >= 0), last, -1)
    rows = np.full(count, -1, np.int64)
    rows[by_order] = np.where(found >= 0, by_order[found], -1)
    return rows


def own_fills(
    *, market: str, fills: Fills, events: MarketEvents, makers: Sequence[str], names: Mapping[str, str]
) -> list[Finding]:
    """Flag makers with fills inside their own cluster."""
    volume, findings = fills.volume, []
    whole = float(volume.sum())
    for maker in np.unique(fills.resting[(fills.resting >= 0) & (fills.resting == fills.taking)]).tolist():
        mine = (fills.resting == maker) | (fills.taking == maker)
        own = (fills.resting == maker) & (fills.taking == maker)
        of_own, count = float(volume[own].sum()), int(own.sum())
        part = of_own / float(volume[mine].sum())
        serious = part >= at.OWN_FILLS_SERIOUS_PART and count >= at.OWN_FILLS_SERIOUS_FILLS
        slug = makers[maker]
        findings.append(
            Finding(
                code="own_fills", level=SERIOUS if serious else NOTE, subjects=(slug,), where=market,
                sentence=f"{names.get(slug, slug)} traded with itself in {market}: {count:,} fills, {percent(part)} of "
                f"its volume and {percent(of_own / whole)} of the market’s. The rules pay nothing for such fills.",
                figures={"fills": count, "lots": int(fills.lots[own].sum()), "part_of_own": part,
                         "part_of_market": of_own / whole},
                evidence=_rows(fills, events, own),
            )
        )  # fmt: skip
    return findings


def trade_together(
    *, market: str, fills: Fills, events: MarketEvents, makers: Sequence[str], names: Mapping[str, str]
) -> list[Finding]:
    """Flag pairs of makers of whose fills far more are with each other than independent choice would give.

    Independent choice: whoever trades meets others in proportion to how often they trade. Own fills are left out.
    """
    others = fills.resting != fills.taking
    resting, taking = fills.resting[others], fills.taking[others]
    total, count = int(others.sum()), len(makers)
    # Strangers are many, but one row will do: they are never a pair of makers.
    codes_of = [np.where(side >= 0, side, count) for side in (resting, taking)]
    met = np.bincount(codes_of[0] * (count + 1) + codes_of[1], minlength=(count + 1) ** 2)
    met = met.reshape(count + 1, count + 1)
    met = met + met.T
    trades = met.sum(1)
    findings = []
    for first, second in np.argwhere(np.triu(met[:count, :count], 1) >= at.TOGETHER_LEAST_FILLS).tolist():
        sides = [_against(int(met[first, second]), int(trades[a]), int(trades[b]), total)
                 for a, b in ((first, second), (second, first))]  # fmt: skip
        least = min(part for part, _, _ in sides)
        stands_out = all(
            part >= at.TOGETHER_TIMES * expected and sigmas >= at.TOGETHER_SIGMAS for part, expected, sigmas in sides
        )
        if not stands_out or least < at.TOGETHER_NOTE_PART:
            continue
        pair = np.isin(fills.resting, (first, second)) & np.isin(fills.taking, (first, second)) & others
        findings.append(_pair(market, (makers[first], makers[second]), names, sides, int(met[first, second]),
                              _rows(fills, events, pair)))  # fmt: skip
    return findings


def _against(met: int, own: int, others: int, total: int) -> tuple[float, float, float]:
    """Return the part of one's fills with the other, what independent choice gives, and how many sigmas lie between."""
    expected = others / (2 * total - own)
    spread = sqrt(own * expected * (1 - expected)) if expected < 1 else 0.0
    return met / own, expected, (met - own * expected) / spread if spread else 0.0


def _pair(
    market: str, pair: tuple[str, str], names: Mapping[str, str], sides: list[tuple[float, float, float]], met: int,
    evidence: list[dict[str, Figure]],
) -> Finding:  # fmt: skip
    (part, expected, sigmas), (other_part, other_expected, other_sigmas) = sides
    one, two = (names.get(slug, slug) for slug in pair)
    serious = max(part, other_part) >= at.TOGETHER_SERIOUS_PART
    return Finding(
        code="trade_together", level=SERIOUS if serious else NOTE, subjects=pair, where=market,
        sentence=f"In {market} {percent(part)} of {one}’s fills were with {two}, and {percent(other_part)} of {two}’s "
        f"with {one}; independent choice would give {percent(expected)} and {percent(other_expected)}.",
        figures={"fills": met, "part": part, "expected": expected, "sigmas": sigmas, "other_part": other_part,
                 "other_expected": other_expected, "other_sigmas": other_sigmas},
        evidence=evidence,
    )  # fmt: skip


def _rows(fills: Fills, events: MarketEvents, mask: npt.NDArray[np.bool_]) -> list[dict[str, Figure]]:
    """Return the largest fills of some, in order of time."""
    chosen = np.flatnonzero(mask)
    largest = np.sort(chosen[np.argsort(-fills.volume[chosen], kind="stable")[:MOST_ROWS]])
    return [
        {"block": int(events.block[row]), "log index": int(events.log_index[row]), "time, ms": int(events.time_ms[row]),
         "lots": int(lots), "ticks": int(price)}
        for row, lots, price in zip(fills.row[largest], fills.lots[largest], fills.price[largest], strict=True)
    ]  # fmt: skip
