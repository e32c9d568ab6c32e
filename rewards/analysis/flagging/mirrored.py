"""Flags from quotes: two makers that place and cancel within a few ms of each other at the same or mirrored prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rewards.analysis.flagging import thresholds as at
from rewards.analysis.flagging.fills import placed_rows
from rewards.analysis.flagging.finding import MOST_ROWS, NOTE, SERIOUS, Figure, Finding, percent
from rewards.analysis.kernel import twins
from rewards.engine.events import CANCEL, PLACE, MarketEvents

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Quotes:
    """Placements and cancels of makers inside the epoch, by time. middle: best bid and ask added up, just before."""

    time_ms: I64
    owner: I64
    kind: I64
    side: I64
    price: I64
    middle: I64
    row: I64

    def take(self, rows: npt.NDArray[Any]) -> Quotes:
        """Return some of them."""
        return Quotes(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def shifted(self, *, maker: int, moments: I64, by: int) -> Quotes:
        """Return them with one maker's moved by so many moments, round the end, in order of time again."""
        place = np.searchsorted(moments, self.time_ms)
        moved = np.where(self.owner == maker, moments[(place + by) % len(moments)], self.time_ms)
        order = np.argsort(moved, kind="stable")
        there = self.take(order)
        return Quotes(moved[order], there.owner, there.kind, there.side, there.price, there.middle, there.row)


def quotes_of(events: MarketEvents, *, start_ms: int, end_ms: int) -> Quotes:
    """Return the placements and cancels of [start_ms, end_ms) that makers made, with side and price of their orders."""
    place = placed_rows(events)
    middle = _middles(events)
    rows = np.flatnonzero(
        ((events.kind == PLACE) | (events.kind == CANCEL)) & (place >= 0)
        & (events.time_ms >= start_ms) & (events.time_ms < end_ms)
    )  # fmt: skip
    rows = rows[events.owner[place[rows]] >= 0]
    rows = rows[np.argsort(events.time_ms[rows], kind="stable")]
    of = place[rows]
    return Quotes(
        time_ms=events.time_ms[rows], owner=events.owner[of].astype(np.int64), kind=events.kind[rows].astype(np.int64),
        side=events.side[of].astype(np.int64), price=events.price[of], middle=middle[rows], row=rows,
    )  # fmt: skip


def mirrored_quotes(
    *, market: str, quotes: Quotes, events: MarketEvents, makers: Sequence[str], names: Mapping[str, str]
) -> list[Finding]:
    """Flag pairs of makers whose events have twins far more often than when one of them is shifted in time."""
    # They are in order; numpy's own `unique` hashes, which takes ten times as long for as many different values.
    moments = quotes.time_ms[np.diff(quotes.time_ms, prepend=-1) > 0]
    if len(moments) <= 2 * max(at.MIRROR_SHIFTS):
        return []
    counts, events_of = _counts(quotes, len(makers)), np.bincount(quotes.owner, minlength=len(makers))
    parts = counts / np.maximum(events_of, 1)[:, None]
    least_count, least_part = np.minimum(counts, counts.T), np.minimum(parts, parts.T)
    chosen = np.triu((least_count >= at.MIRROR_LEAST) & (least_part >= at.MIRROR_NOTE_PART), 1)
    findings = []
    for first, second in np.argwhere(chosen).tolist():
        pair = quotes.take(np.flatnonzero((quotes.owner == first) | (quotes.owner == second)))
        null = [
            int(_counts(pair.shifted(maker=second, moments=moments, by=by), len(makers))[first, second])
            for by in at.MIRROR_SHIFTS
        ]
        found = int(counts[first, second])
        if found < at.MIRROR_TIMES * max(*null, 1):
            continue
        findings.append(
            _finding(
                market, (makers[first], makers[second]), names, found,
                (float(parts[first, second]), float(parts[second, first])), null, _rows(pair, events, first),
            )
        )  # fmt: skip
    return findings


def _finding(
    market: str, pair: tuple[str, str], names: Mapping[str, str], found: int, parts: tuple[float, float],
    null: list[int], evidence: list[dict[str, Figure]],
) -> Finding:  # fmt: skip
    one, two = (names.get(slug, slug) for slug in pair)
    mean = sum(null) / len(null)
    serious = min(parts) >= at.MIRROR_SERIOUS_PART
    return Finding(
        code="mirrored_quotes", level=SERIOUS if serious else NOTE, subjects=pair, where=market,
        sentence=f"In {market} {found:,} placements and cancels of {one} ({percent(parts[0])} of them) have a twin of "
        f"{two} within {at.MIRROR_WINDOW_MS} ms, at the same or the mirrored price. With {two}’s times shifted it is "
        f"{mean:,.0f} on average and {max(null):,} at most.",
        figures={"twins": found, "part": parts[0], "other_part": parts[1], "null_mean": mean, "null_most": max(null),
                 "shifts": len(null)},
        evidence=evidence,
    )  # fmt: skip


def _counts(quotes: Quotes, makers: int) -> I64:
    counts = np.zeros((makers, makers), np.int64)
    twins.count_twins(
        quotes.time_ms, quotes.owner, quotes.kind, quotes.side, quotes.price, quotes.middle, at.MIRROR_WINDOW_MS,
        at.MIRROR_TICKS, np.full(makers, -1, np.int64), counts,
    )  # fmt: skip
    return counts


def _middles(events: MarketEvents) -> I64:
    prices = np.unique(events.price[events.kind == PLACE])
    level = np.searchsorted(prices, events.price).astype(np.int64)
    level[(events.kind != PLACE) | (level >= len(prices))] = -1
    out = np.zeros(len(events), np.int64)
    orders = len(events.order_ids)
    twins.middles(
        events.time_ms, events.kind.astype(np.int64), events.order.astype(np.int64), events.side.astype(np.int64),
        level, events.size, prices, np.zeros((2, max(len(prices), 1)), np.int64),
        np.zeros((max(orders, 1), 3), np.int64), out,
    )  # fmt: skip
    return out


def _rows(pair: Quotes, events: MarketEvents, first: int) -> list[dict[str, Figure]]:
    """Return the first events of either maker that lie close to one of the other's."""
    near = np.flatnonzero(np.diff(pair.time_ms) <= at.MIRROR_WINDOW_MS)
    near = near[pair.owner[near] != pair.owner[near + 1]][: MOST_ROWS // 2]
    return [
        {"block": int(events.block[pair.row[index]]), "time, ms": int(pair.time_ms[index]),
         "whose": "the first" if pair.owner[index] == first else "the second",
         "what": "place" if pair.kind[index] == PLACE else "cancel",
         "side": "bid" if pair.side[index] == 0 else "ask", "ticks": int(pair.price[index])}
        for each in near.tolist() for index in (each, each + 1)
    ]  # fmt: skip
