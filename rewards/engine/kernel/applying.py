"""What each kind of event does to the book, the orders and the volume, compiled.

An event that breaks a rule changes nothing and ends the run; the exact replay says what is wrong with it.
"""

from __future__ import annotations

from rewards.engine.events import ABSENT, CANCEL, FILL, HALT, NO_SIZE, NOBODY, PLACE
from rewards.engine.events import ANCHOR as ANCHOR_EVENT
from rewards.engine.kernel import book as levels
from rewards.engine.kernel import counting
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import (
    ANCHOR,
    ANCHOR_BOUND,
    BOOK_CHANGED,
    DONE,
    HALTED,
    LOTS_BOUND,
    MAKER_LOTS,
    NOT_HERE,
    ORDERS,
    PRICE_BOUND,
    SESSION,
    TAKE_OUT,
    VOLUME_BOUND,
    Run,
)


@inner
def apply(it: Run, row: int) -> int:
    """Apply the event of a row to the book; returns DONE, or NOT_HERE for the exact replay to say what is wrong."""
    at, events = it.at, it.events
    kind = events.kind[row]
    if kind == PLACE:
        return _place(it, row)
    if kind in (CANCEL, FILL):
        return _reduce(it, row)
    if kind == ANCHOR_EVENT:
        if not 1 <= events.price[row] < ANCHOR_BOUND:
            return NOT_HERE
        at[ANCHOR] = events.price[row]
        return DONE
    if kind == ABSENT:
        return NOT_HERE
    at[HALTED] = kind == HALT
    return DONE


@inner
def _place(it: Run, row: int) -> int:
    at, events, orders = it.at, it.events, it.orders
    code, owner, side, price, size = (
        events.order[row],
        events.owner[row],
        events.side[row],
        events.price[row],
        events.size[row],
    )
    if code == ABSENT or owner == NOBODY or side == ABSENT or not 1 <= price < PRICE_BOUND or size < 1:
        return NOT_HERE
    if orders.resting[code] >= 0:
        return NOT_HERE
    if owner >= 0:
        if size >= LOTS_BOUND - at[MAKER_LOTS]:
            return NOT_HERE
        at[MAKER_LOTS] += size
    order = at[ORDERS]
    at[ORDERS] += 1
    orders.resting[code] = order
    orders.code[order], orders.maker[order], orders.side[order] = code, max(owner, -1), side
    orders.price[order], orders.size[order], orders.placed_ms[order] = price, size, events.time_ms[row]
    orders.level[order] = levels.level_of(it.book, side, events.level[row])
    orders.slot[order] = -1
    _change_book(it, side, orders.level[order], min(size, it.rules.depth_lots))
    return DONE


@inner
def _reduce(it: Run, row: int) -> int:
    """Apply a cancel or a fill."""
    at, events, orders, rules = it.at, it.events, it.orders, it.rules
    code, size = events.order[row], events.size[row]
    if code == ABSENT:
        return NOT_HERE
    order = orders.resting[code]
    if order < 0:
        return NOT_HERE
    resting = orders.size[order]
    if size == NO_SIZE and events.kind[row] == CANCEL:
        size = resting
    if not 1 <= size <= resting:
        return NOT_HERE
    if events.kind[row] == FILL:
        status = _count_fill(it, order, events.taker[row], size, events.time_ms[row])
        if status != DONE:
            return status
    left = resting - size
    change = min(left, rules.depth_lots) - min(resting, rules.depth_lots)
    if change:
        _change_book(it, orders.side[order], orders.level[order], change)
    orders.size[order] = left
    if orders.maker[order] >= 0:
        at[MAKER_LOTS] -= size
    if left == 0:
        orders.resting[code] = -1
    if orders.slot[order] >= 0:
        counting.reweigh(it, order, left if left >= rules.min_order_lots else 0)
    return DONE


@inner
def _count_fill(it: Run, order: int, taker: int, size: int, time_ms: int) -> int:
    """Add a fill to its maker's volume (spec, *Payout of a market*, fills)."""
    maker, price = it.orders.maker[order], it.orders.price[order]
    if maker < 0 or maker == taker or time_ms < it.rules.start_ms:
        return DONE
    if size > VOLUME_BOUND // price:
        return NOT_HERE
    kind = it.rules.session_kinds[it.at[SESSION]]
    if it.makers.volume[maker, kind] > VOLUME_BOUND:
        return TAKE_OUT
    it.makers.volume[maker, kind] += size * price
    return DONE


@inner
def _change_book(it: Run, side: int, level: int, lots: int) -> None:
    """Add lots to a level; below the cut that moves nothing."""
    levels.change(it.book, side, level, lots)
    if it.book.cut[side] < 0 or level >= it.book.cut[side]:
        it.at[BOOK_CHANGED] = 1
