"""Where the orders that count lie, so that all of one maker's side can be summed in a few instructions, compiled."""

from __future__ import annotations

from rewards.engine.kernel import bits
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import DONE, EXTRA, I64, MORE_SLOTS, PLANES, Orders, Slots


@inner
def add(at: I64, slots: Slots, orders: Orders, order: int, group: int) -> int:
    """Let an order count. Returns MORE_SLOTS when there is no place for it, else DONE."""
    free = ~slots.taken[group] & ((1 << slots.planes) - 1)
    groups = len(slots.taken)
    if free:
        plane = bits.lowest_bit(free)
        slots.taken[group] |= 1 << plane
        at[PLANES] = max(at[PLANES], plane + 1)
        slot = plane * groups + group
    else:
        if at[EXTRA] == len(slots.extra_group):
            return MORE_SLOTS
        slot = slots.planes * groups + at[EXTRA]
        slots.extra_group[at[EXTRA]] = group
        at[EXTRA] += 1
    slots.twice_price[slot] = 2 * orders.price[order]
    slots.lots[slot] = orders.size[order]
    slots.order[slot] = order
    orders.slot[order] = slot
    return DONE


@inner
def remove(at: I64, slots: Slots, orders: Orders, order: int) -> None:
    """Let an order count no longer; behind the planes the last one takes its place."""
    slot, groups = orders.slot[order], len(slots.taken)
    orders.slot[order] = -1
    first = slots.planes * groups
    if slot < first:
        slots.lots[slot] = 0
        slots.taken[slot % groups] &= ~(1 << (slot // groups))
        return
    at[EXTRA] -= 1
    last = first + at[EXTRA]
    if slot != last:
        slots.twice_price[slot] = slots.twice_price[last]
        slots.lots[slot] = slots.lots[last]
        slots.order[slot] = slots.order[last]
        slots.extra_group[slot - first] = slots.extra_group[last - first]
        orders.slot[slots.order[slot]] = slot
