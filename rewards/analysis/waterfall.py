"""From what a market pays for quoting to what one maker gets of it, in steps that sum to the pay to the unit.

Each step answers one question, and docs/scorecard.md asks them all. Times, credit, boosts, gates and pools are the
engine's own integers. Size, sides and distance are looked at by the means of five minutes; what means leave out is a
step of its own, so nothing is hidden in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rewards.analysis.kernel import parts
from rewards.analysis.statistics import F64, Array, MarketCells
from rewards.engine.kernel.parts import I64
from rewards.engine.kinds import KINDS
from rewards.engine.rules import BPS, SHARE_BITS, WEIGHT_ONE
from rewards.engine.terms import MarketTerms, Terms

FULL = 1 << SHARE_BITS
STEPS = (
    "dark", "no_quotes", "too_small", "too_young", "too_far", "one_sided",
    "size", "sides", "distance", "means", "boost", "gate", "fills", "stress", "cap",
)  # fmt: skip
"""In this order. The first six are reasons of docs/statistics.md."""
_AWAY = (
    parts.DARK_MS, parts.NO_QUOTES_MS, parts.TOO_SMALL_MS, parts.TOO_YOUNG_MS, parts.TOO_FAR_MS, parts.ONE_SIDED_MS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step. change: what it takes (below 0) or gives; after: what is left. Both in the token's smallest unit."""

    name: str
    change: int
    after: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """base: the market's quoting pool. steps: all of STEPS, which lead from there to `pay`, to the unit."""

    base: int
    steps: tuple[Step, ...]
    pay: int


def waterfall(
    *, terms: Terms, cells: MarketCells, maker: str, known: int, fills: int, stress: int, payout: int
) -> Waterfall:
    """Return the steps of a maker in a market.

    known: how many cells are in. fills, stress: of those pools, before the cap; payout: what is paid for the market
    after it (all in the token's smallest unit), which the last step leads to whatever the cells say.
    """
    index = cells.makers.index(maker)
    of_market = terms.markets[cells.market]
    pool = terms.budget * of_market.weight_bps // BPS * of_market.quoting_share_bps // BPS
    boosts = [terms.boosts[kind] for kind in KINDS]
    kinds = cells.times.kinds[:known]
    live_ms = cells.of_market[:known, parts.MARKET_DARK_MS] + cells.of_market[:known, parts.MARKET_LIT_MS]
    plain = _Pool(pool, sum(live_ms.tolist()) << SHARE_BITS)
    levels = [plain.part(each) for each in _plain_levels(cells, index, known, live_ms, of_market)]
    credit, present_ms = (
        _by_kind(cells.whole[:known, index, each], kinds) for each in (parts.CREDIT, parts.PRESENT_MS)
    )
    live_of_kind = _by_kind(live_ms, kinds)
    boosted = _Pool(pool, sum(boost * ms for boost, ms in zip(boosts, live_of_kind, strict=True)) << SHARE_BITS)
    gates_bps = [of_market.min_uptime_bps[kind] for kind in KINDS]
    weighted = [boost * each for boost, each in zip(boosts, credit, strict=True)]
    passed = [
        each if present * BPS >= gate * live else 0
        for each, present, gate, live in zip(weighted, present_ms, gates_bps, live_of_kind, strict=True)
    ]
    quoting = boosted.part(sum(passed))
    levels += [boosted.part(sum(weighted)), quoting, quoting + fills, quoting + fills + stress, payout]
    before = [levels[0], *levels]
    steps = tuple(
        Step(name, after - earlier, after) for name, earlier, after in zip(STEPS, before[1:], levels[1:], strict=False)
    )
    return Waterfall(base=levels[0], steps=steps, pay=payout)


@dataclass(frozen=True, slots=True)
class _Pool:
    pool: int
    divisor: int

    def part(self, credit: int) -> int:
        return self.pool * credit // self.divisor if self.divisor else 0


def _plain_levels(cells: MarketCells, index: int, known: int, live_ms: I64, of_market: MarketTerms) -> list[int]:
    """Return credit (share * 2^30 * ms, no boost) before the first step and after each up to `means`."""
    own = cells.whole[:known, index]
    whole_ms = sum(live_ms.tolist())
    levels = [whole_ms << SHARE_BITS]
    for column in _AWAY:
        whole_ms -= sum(own[:, column].tolist())
        levels.append(whole_ms << SHARE_BITS)
    counting_ms = own[:, parts.COUNTING_MS].astype(np.float64)
    levels += [int((share * counting_ms).sum() * FULL) for share in _shares(cells, index, known, of_market)]
    return [*levels, sum(own[:, parts.CREDIT].tolist())]


def _shares(cells: MarketCells, index: int, known: int, of_market: MarketTerms) -> Sequence[F64]:
    """Return by cell the share with the larger side's lots on both sides at the reference, with one's own sides at the
    reference, and as it was: each of means over counting time, against the others' mean quality over lit time.
    """
    own, market = cells.whole[:known, index], cells.of_market[:known]
    lots = float(cells.units.lot_scale)
    counting_ms = own[:, parts.COUNTING_MS].astype(np.float64)
    quality = _over(cells.floats[:known, index, parts.QUALITY], counting_ms * (WEIGHT_ONE * lots))
    theirs = cells.of_market_floats[:known, parts.MARKET_QUALITY] - cells.floats[:known, index, parts.QUALITY]
    others = _over(np.maximum(theirs, 0.0), market[:, parts.MARKET_LIT_MS] * (WEIGHT_ONE * lots))
    band_bps = _over(cells.of_market_floats[:known, parts.BAND_BPS], market[:, parts.MARKET_LIT_MS].astype(np.float64))
    nearest = np.searchsorted(np.array(parts.DEPTHS_BPS), band_bps - 1e-6).clip(max=len(parts.DEPTHS_BPS) - 1)
    rows = np.arange(known)
    bid = _over(own[rows, parts.BID_DEPTH + nearest].astype(np.float64), counting_ms * lots)
    ask = _over(own[rows, parts.ASK_DEPTH + nearest].astype(np.float64), counting_ms * lots)
    low, high = np.minimum(bid, ask), np.maximum(bid, ask)
    divisor = of_market.two_sided_divisor
    sides = np.maximum(low, high / divisor) if divisor else low
    return [_share(each, others, of_market.target_lots) for each in (high, sides, quality)]


def _share(quality: F64, others: F64, target_lots: int) -> F64:
    return _over(quality, np.maximum(quality + others, float(target_lots)))


def _over(total: Array, by: Array) -> F64:
    """Divide, 0 where there is nothing to divide by."""
    result: F64 = np.divide(total, by, out=np.zeros(len(total)), where=by > 0)
    return result


def _by_kind(values: I64, kinds: I64) -> list[int]:
    return [sum(values[kinds == kind].tolist()) for kind in range(len(KINDS))]
