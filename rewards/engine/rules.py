"""The terms of one market as the plain numbers that the replay of its events works with."""

from __future__ import annotations

from dataclasses import dataclass

from rewards.engine.kinds import KINDS
from rewards.engine.terms import MarketTerms, Terms

WEIGHT_ONE = 1_000_000
SHARE_BITS = 30
BPS = 10_000
QUALITY_BOUND = 1 << 62
BAND_BOUND = 3_000_000
QUADRATIC, LINEAR, STEPS = range(3)
_CURVES = {"quadratic": QUADRATIC, "linear": LINEAR, "steps": STEPS}


@dataclass(frozen=True)
class Rules:
    """What decides the replay of one market; what only decides the allocation is not here.

    Tuples of six are by kind of session. `window_ms` 0 means that there is no stress rule. `tick_scale`, `lot_scale`:
    how many ticks and lots of the events are one of the terms, which is what is rounded to; above 1 after splits alone.
    """

    min_order_lots: int
    min_rest_ms: int
    reference_depth_lots: int
    max_spread_bps: tuple[int, ...]
    clamp_bps: tuple[int, ...]
    curve: int
    steps: tuple[tuple[int, int], ...]
    two_sided_divisor: int
    target_lots: int
    presence_lots: int
    window_ms: int
    move_bps: int
    hold_ms: int
    widen_pct: int
    start_ms: int
    end_ms: int
    tick_scale: int = 1
    lot_scale: int = 1


def rules_of(*, terms: Terms, market: str) -> Rules:
    """Return the rules of a market of the terms."""
    of_market: MarketTerms = terms.markets[market]
    stress = of_market.stress
    return Rules(
        min_order_lots=of_market.min_order_lots,
        min_rest_ms=of_market.min_rest_ms,
        reference_depth_lots=of_market.reference_depth_lots,
        max_spread_bps=tuple(of_market.max_spread_bps[kind] for kind in KINDS),
        clamp_bps=tuple(of_market.clamp_bps[kind] for kind in KINDS),
        curve=_CURVES[of_market.curve.kind],
        steps=of_market.curve.steps,
        two_sided_divisor=of_market.two_sided_divisor,
        target_lots=of_market.target_lots,
        presence_lots=of_market.presence_lots,
        window_ms=stress.window_ms if stress else 0,
        move_bps=stress.move_bps if stress else 0,
        hold_ms=stress.hold_ms if stress else 0,
        widen_pct=stress.widen_pct if stress else 100,
        start_ms=terms.epoch.start_ms,
        end_ms=terms.epoch.end_ms,
    )


def clamp_reference(*, mid2: int, anchor: int, clamp_bps: int, scale: int = 1) -> int:
    """Return the reference in half-ticks; anchor 0 means that none has been seen. scale: the rules' tick_scale."""
    if anchor == 0:
        return mid2
    room = anchor * clamp_bps // (BPS * scale) * scale
    return min(max(mid2, anchor - room), anchor + room)


def band_of(*, reference: int, max_spread_bps: int, widen_pct: int, scale: int = 1) -> int:
    """Return the band `v` in half-ticks; widen_pct is 100 outside a stress window. scale: the rules' tick_scale."""
    band = reference * max_spread_bps // (BPS * scale) * scale
    return band * widen_pct // (100 * scale) * scale


def weight_of(rules: Rules, *, distance: int, band: int) -> int:
    """Return the weight, in millionths, of an order at a distance of `distance` half-ticks."""
    if distance >= band:
        return 0
    room = band - distance
    if rules.curve == QUADRATIC:
        return room * room * WEIGHT_ONE // (band * band)
    if rules.curve == LINEAR:
        return room * WEIGHT_ONE // band
    for fraction_ppm, weight_ppm in rules.steps:
        if distance * 1_000_000 <= fraction_ppm * band:
            return weight_ppm
    return 0


def quality_of(rules: Rules, *, bid: int, ask: int) -> int:
    """Return `Q` of a maker from its two weighted sums."""
    low, high = min(bid, ask), max(bid, ask)
    if rules.two_sided_divisor == 0:
        return low
    return max(low, high // (rules.two_sided_divisor * rules.lot_scale) * rules.lot_scale)
