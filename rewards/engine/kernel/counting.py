"""Orders that begin to count, count with fewer lots, or count no longer, and the sums of their makers, compiled."""

from __future__ import annotations

from rewards.engine.kernel import credit, slots, weights
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import DONE, DUE, NOW, ORDERS, WEIGHED_BAND, WEIGHED_REFERENCE, Run


@inner
def come_of_rest(it: Run) -> int:
    """Let every order count that has rested for long enough at NOW."""
    at, orders, rules = it.at, it.orders, it.rules
    while at[DUE] < at[ORDERS] and orders.placed_ms[at[DUE]] + rules.min_rest_ms <= at[NOW]:
        order = at[DUE]
        maker, lots = orders.maker[order], orders.size[order]
        if maker >= 0 and lots >= rules.min_order_lots:
            group = maker + orders.side[order] * len(it.makers.quality)
            status = slots.add(at, it.slots, orders, order, group)
            if status != DONE:
                return status
            add_to_sums(it, order, lots)
        at[DUE] += 1
    return DONE


@inner
def reweigh(it: Run, order: int, lots: int) -> None:
    """Let a counting order count with other lots than before, or no longer when 0."""
    at, orders = it.at, it.orders
    slot = orders.slot[order]
    before = it.slots.lots[slot]
    if lots == 0:
        slots.remove(at, it.slots, orders, order)
    else:
        it.slots.lots[slot] = lots
    add_to_sums(it, order, lots - before)


@inner
def add_to_sums(it: Run, order: int, lots: int) -> None:
    """Add lots (less than 0 to take them away) of an order to its maker's sums, if they are within the band."""
    at, makers, orders = it.at, it.makers, it.orders
    maker, twice_price = orders.maker[order], 2 * orders.price[order]
    group = maker + orders.side[order] * len(makers.quality)
    if abs(twice_price - at[WEIGHED_REFERENCE]) < at[WEIGHED_BAND]:
        found = weights.weight(it.rules, at[WEIGHED_REFERENCE], at[WEIGHED_BAND], twice_price)
        makers.sums[group] += lots * found
        makers.near[group] += lots
        credit.touch(at, makers, maker)
