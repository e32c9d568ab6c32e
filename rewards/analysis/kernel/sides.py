"""One side of a maker's orders that are large and old enough: depth, the best price, and how many weigh, compiled."""

from __future__ import annotations

from rewards.analysis.kernel import parts
from rewards.analysis.kernel.compiling import inner
from rewards.engine.events import BID
from rewards.engine.kernel import weights
from rewards.engine.kernel.parts import EXTRA, I64, PLANES, REFERENCE, WEIGHED_BAND, Run
from rewards.engine.rules import BPS, LINEAR, QUADRATIC, WEIGHT_ONE

NO_PRICE = -1


@inner
def look(it: Run, rates: I64, group: int, depth: int, side: int) -> tuple[int, int, int]:
    """Add up one side's depth; return how many orders are old and large enough, how many of them weigh, the best.

    depth: the first of the side's columns. The best is twice its price, NO_PRICE when there is none.
    """
    slots, groups, planes = it.slots, len(it.slots.taken), it.at[PLANES]
    ripe, weighing, best = 0, 0, NO_PRICE
    for number in range(planes + it.at[EXTRA]):
        slot = number * groups + group
        if number >= planes:  # behind the planes lie what they had no place for, of all groups
            if slots.extra_group[number - planes] != group:
                continue
            slot = slots.planes * groups + number - planes
        if slots.lots[slot]:
            best = _better(side, best, slots.twice_price[slot])
            weighing += _order(it, rates, slot, depth)
            ripe += 1
    # Each order is in the narrowest depth that holds it; a wider one holds what the narrower do.
    for column in range(depth + 1, depth + len(parts.DEPTHS_BPS)):
        rates[column] += rates[column - 1]
    return ripe, weighing, best


@inner
def _better(side: int, best: int, twice_price: int) -> int:
    if best == NO_PRICE:
        return twice_price
    return max(best, twice_price) if side == BID else min(best, twice_price)


@inner
def _order(it: Run, rates: I64, slot: int, depth: int) -> bool:
    """Add an order to the narrowest depth that holds it; say whether it has a weight."""
    reference, twice_price = it.at[REFERENCE], it.slots.twice_price[slot]
    distance = abs(twice_price - reference)
    for number in range(len(parts.DEPTHS_BPS)):
        if distance <= parts.DEPTHS_BPS[number] * reference // BPS:
            rates[depth + number] += it.slots.lots[slot]
            break
    return _weighs(it, distance)


@inner
def _weighs(it: Run, distance: int) -> bool:
    """Say whether the engine's weight is above 0, without its division where there is a cheaper way."""
    band = it.at[WEIGHED_BAND]
    room = band - distance
    if room <= 0:
        return False
    if it.rules.curve == QUADRATIC:
        weighs = room * room * WEIGHT_ONE >= band * band
    elif it.rules.curve == LINEAR:
        weighs = room * WEIGHT_ONE >= band
    else:
        weighs = weights.weight(it.rules, 0, band, distance) > 0
    return bool(weighs)
