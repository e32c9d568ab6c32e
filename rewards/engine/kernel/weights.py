"""Weights of orders by distance, one at a time and of all counting orders at once, compiled.

The sums over all orders are written so that a compiler turns them into vector instructions. A division by the same
divisor is a multiplication by its reciprocal, whose result is too small by at most two and is then corrected with
the remainder: exact for every input within `parts`' bounds.
"""

from __future__ import annotations

import numpy as np

from rewards.engine.kernel import bits
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import EXTRA, I64, PLANES, WEIGHED_BAND, WEIGHED_REFERENCE, Makers, RuleNumbers, Slots
from rewards.engine.rules import LINEAR, QUADRATIC, WEIGHT_ONE

LOW_32 = 0xFFFFFFFF


@inner
def weight(rules: RuleNumbers, reference: int, band: int, twice_price: int) -> int:
    """Return the weight in millionths of an order (spec, *Weight of an order*)."""
    distance = abs(twice_price - reference)
    if distance >= band:
        return 0
    room = band - distance
    if rules.curve == QUADRATIC:
        return room * room * WEIGHT_ONE // (band * band)
    if rules.curve == LINEAR:
        return room * WEIGHT_ONE // band
    for step in range(len(rules.fractions_ppm)):
        if distance * 1_000_000 <= rules.fractions_ppm[step] * band:
            return rules.weights_ppm[step]
    return 0


@inner
def weigh_all(at: I64, rules: RuleNumbers, slots: Slots, makers: Makers, reference: int, band: int) -> None:
    """Compute every maker's sums anew for a reference and a band below 3,000,000 half-ticks."""
    makers.sums[:] = 0
    makers.near[:] = 0
    at[WEIGHED_REFERENCE], at[WEIGHED_BAND] = reference, band
    if band <= 0:
        return
    if rules.curve == QUADRATIC:
        _planes_by_ratio(at[PLANES], slots, makers, reference, band, band * band, True)
    elif rules.curve == LINEAR:
        _planes_by_ratio(at[PLANES], slots, makers, reference, band, band, False)
    else:
        _planes_by_steps(at[PLANES], rules, slots, makers, reference, band)
    first = slots.planes * len(makers.sums)
    for slot in range(first, first + at[EXTRA]):
        group = slots.extra_group[slot - first]
        if abs(slots.twice_price[slot] - reference) < band:
            makers.sums[group] += slots.lots[slot] * weight(rules, reference, band, slots.twice_price[slot])
            makers.near[group] += slots.lots[slot]


@inner
def _planes_by_ratio(
    planes: int, slots: Slots, makers: Makers, reference: int, band: int, divisor: int, square: bool
) -> None:
    """Add up `lots * (room or its square * 1,000,000 // divisor)` by group."""
    length = bits.bit_length(divisor)
    down, back = max(0, length - 32), min(length, 32)
    factor = np.int64((np.uint64(WEIGHT_ONE) << np.uint64(length)) // np.uint64(divisor))
    sums, near, groups = makers.sums, makers.near, len(makers.sums)
    for plane in range(planes):
        # Slices, since an index that might be negative keeps the loop from becoming vector instructions.
        twice_price = slots.twice_price[plane * groups : (plane + 1) * groups]
        lots = slots.lots[plane * groups : (plane + 1) * groups]
        for group in range(groups):
            room = max(np.int64(0), band - abs(twice_price[group] - reference))
            part = room * room if square else room
            found = (((part >> down) & LOW_32) * factor) >> back
            rest = part * WEIGHT_ONE - found * divisor
            if rest >= divisor:
                found += 1
                rest -= divisor
            if rest >= divisor:
                found += 1
            sums[group] += found * lots[group]
            near[group] += lots[group] if room > 0 else np.int64(0)


@inner
def _planes_by_steps(planes: int, rules: RuleNumbers, slots: Slots, makers: Makers, reference: int, band: int) -> None:
    """Add up `lots * weight of the first step that reaches as far` by group."""
    sums, near, groups = makers.sums, makers.near, len(makers.sums)
    for slot in range(planes * groups):
        distance = abs(slots.twice_price[slot] - reference)
        if distance >= band or slots.lots[slot] == 0:
            continue
        group = slot % groups
        near[group] += slots.lots[slot]
        for step in range(len(rules.fractions_ppm)):
            if distance * WEIGHT_ONE <= rules.fractions_ppm[step] * band:
                sums[group] += slots.lots[slot] * rules.weights_ppm[step]
                break
