"""The replay of one market's events between instants, compiled: apply what happens, settle the time between.

It does what `rewards.engine.exact` does, with the same results to the last integer, and stops at whatever it can't
do: an event that breaks a rule, or a number that 64 bits can't hold.
Source: spec/scoring.md, *Intervals* to *Stress windows*.
"""

from __future__ import annotations

from rewards.engine.events import ABSENT, CANCEL, FILL, HALT, NO_SIZE, NOBODY, PLACE
from rewards.engine.events import ANCHOR as ANCHOR_EVENT
from rewards.engine.kernel import book as levels
from rewards.engine.kernel import credit, slots, weights
from rewards.engine.kernel.compiling import entry, inner
from rewards.engine.kernel.parts import (
    ANCHOR,
    ANCHOR_BOUND,
    BOOK_CHANGED,
    DONE,
    DUE,
    FIRST_HISTORY,
    HALTED,
    HISTORY,
    LIT_MS,
    LOG_KIND,
    LOG_STRESSED,
    LONGEST_MS,
    LOTS_BOUND,
    MAKER_LOTS,
    MID2,
    MORE_HISTORY,
    NOT_HERE,
    NOW,
    ORDERS,
    PRICE_BOUND,
    REFERENCE,
    REFERENCE_BOUND,
    ROW,
    SESSION,
    STRESS_MS,
    STRESS_UNTIL,
    TAKE_OUT,
    TAKE_OUT_MS,
    VOLUME_BOUND,
    WEIGHED_BAND,
    WEIGHED_REFERENCE,
    Run,
)
from rewards.engine.rules import BAND_BOUND

BPS = 10_000
BID, ASK = 0, 1


@entry
def run(it: Run, end_row: int, until_ms: int) -> int:
    """Apply the events up to a row, then settle all time before `until_ms`; return how the run ended.

    At any end the registers, the orders and the results are those of the instant NOW with all events before ROW
    applied, and nothing is pending.
    """
    status = _events(it, end_row)
    if status == DONE:
        status = _settle_until(it, min(until_ms, it.rules.end_ms))
    credit.flush(it.at, it.makers, it.log)
    return status


@inner
def _events(it: Run, end_row: int) -> int:
    at, events = it.at, it.events
    last = at[ROW] - 1
    for row in range(at[ROW], end_row):
        time_ms = events.time_ms[row]
        if last >= 0 and not _follows(it, last, row):
            return NOT_HERE
        if time_ms > at[NOW]:
            status = _settle_until(it, time_ms)
            if status != DONE:
                return status
        status = _apply(it, row)
        if status != DONE:
            return status
        at[ROW] = row + 1
        last = row
    return DONE


@inner
def _follows(it: Run, last: int, row: int) -> bool:
    events = it.events
    if events.time_ms[row] < events.time_ms[last] or events.block[row] < events.block[last]:
        return False
    return events.block[row] > events.block[last] or events.log_index[row] > events.log_index[last]


@inner
def _apply(it: Run, row: int) -> int:
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
def _change_book(it: Run, side: int, level: int, lots: int) -> None:
    """Add lots to a level; below the cut that moves nothing."""
    levels.change(it.book, side, level, lots)
    if it.book.cut[side] < 0 or level >= it.book.cut[side]:
        it.at[BOOK_CHANGED] = 1


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
        _reweigh(it, order, left if left >= rules.min_order_lots else 0)
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
def _reweigh(it: Run, order: int, lots: int) -> None:
    """Let a counting order count with other lots than before, or no longer when 0."""
    at, orders = it.at, it.orders
    slot = orders.slot[order]
    before = it.slots.lots[slot]
    if lots == 0:
        slots.remove(at, it.slots, orders, order)
    else:
        it.slots.lots[slot] = lots
    _add_to_sums(it, order, lots - before)


@inner
def _add_to_sums(it: Run, order: int, lots: int) -> None:
    at, makers, orders = it.at, it.makers, it.orders
    maker, twice_price = orders.maker[order], 2 * orders.price[order]
    group = maker + orders.side[order] * len(makers.quality)
    if abs(twice_price - at[WEIGHED_REFERENCE]) < at[WEIGHED_BAND]:
        found = weights.weight(it.rules, at[WEIGHED_REFERENCE], at[WEIGHED_BAND], twice_price)
        makers.sums[group] += lots * found
        makers.near[group] += lots
        credit.touch(at, makers, maker)


@inner
def _come_of_rest(it: Run) -> int:
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
            _add_to_sums(it, order, lots)
        at[DUE] += 1
    return DONE


@inner
def _settle_until(it: Run, limit_ms: int) -> int:
    """Settle all time before `limit_ms`; that instant itself stays open for its events."""
    at = it.at
    while at[NOW] < limit_ms:
        status = _come_of_rest(it)
        if status != DONE:
            return status
        status = _interval(it, limit_ms)
        if status != DONE:
            return status
    return DONE


@inner
def _interval(it: Run, limit_ms: int) -> int:
    """Close the open instant and settle the interval that it begins."""
    at, rules = it.at, it.rules
    now_ms, session = at[NOW], at[SESSION]
    kind = rules.session_kinds[session]
    reference = _reference(it, kind)
    if reference >= REFERENCE_BOUND:
        return NOT_HERE
    live = not at[HALTED]
    if rules.window_ms:
        status = _stress_rule(it, reference if live else 0)
        if status != DONE:
            return status
    stressed = now_ms < at[STRESS_UNTIL]
    if at[LIT_MS] > TAKE_OUT_MS:
        return TAKE_OUT
    if live and reference and not _weigh(it, reference, kind, stressed):
        return NOT_HERE
    end_ms = _next_instant(it, min(limit_ms, rules.session_ends_ms[session]))
    dt = end_ms - now_ms
    if live:
        it.live_ms[kind] += dt
        if stressed:
            at[STRESS_MS] += dt
        if reference:
            credit.accrue(at, rules, it.makers, it.log, dt)
    at[REFERENCE] = reference
    at[NOW] = end_ms
    if end_ms == rules.session_ends_ms[session] and session + 1 < len(rules.session_kinds):
        at[SESSION] = session + 1
    return DONE


@inner
def _reference(it: Run, kind: int) -> int:
    """Return the reference in half-ticks, 0 in the dark (spec, *Reference*)."""
    at, rules = it.at, it.rules
    if at[BOOK_CHANGED]:
        at[BOOK_CHANGED] = 0
        bid = levels.find_cut(it.book, BID, rules.depth_lots)
        ask = levels.find_cut(it.book, ASK, rules.depth_lots)
        at[MID2] = bid + ask if 0 < bid < ask else 0
    mid2, anchor = at[MID2], at[ANCHOR]
    if mid2 == 0 or anchor == 0:
        return mid2
    room = anchor * rules.clamp_bps[kind] // BPS
    return min(max(mid2, anchor - room), anchor + room)


@inner
def _weigh(it: Run, reference: int, kind: int, stressed: bool) -> bool:
    """Bring sums, quality and presence up to NOW; False when the band is too wide for the rule's bounds."""
    at, rules, makers, log = it.at, it.rules, it.makers, it.log
    band = reference * rules.max_spread_bps[kind] // BPS
    if stressed and band < BAND_BOUND:
        band = band * rules.widen_pct // 100
    if band >= BAND_BOUND:
        return False
    if kind != at[LOG_KIND] or stressed != at[LOG_STRESSED]:
        credit.flush(at, makers, log)
        at[LOG_KIND], at[LOG_STRESSED] = kind, stressed
    if reference != at[WEIGHED_REFERENCE] or band != at[WEIGHED_BAND]:
        weights.weigh_all(at, rules, it.slots, makers, reference, band)
        credit.refresh_all(at, rules, makers, log)
    else:
        credit.refresh_dirty(at, rules, makers, log)
    return True


@inner
def _next_instant(it: Run, limit_ms: int) -> int:
    at, orders = it.at, it.orders
    end_ms = min(limit_ms, at[NOW] + LONGEST_MS)
    if at[NOW] < at[STRESS_UNTIL] < end_ms:
        end_ms = at[STRESS_UNTIL]
    due = at[DUE]
    while due < at[ORDERS] and (orders.maker[due] < 0 or orders.size[due] == 0):
        due += 1  # a stranger's order, or one that is gone
    at[DUE] = due
    if due < at[ORDERS]:
        end_ms = min(end_ms, orders.placed_ms[due] + it.rules.min_rest_ms)
    return end_ms


@inner
def _stress_rule(it: Run, reference: int) -> int:
    """Open or extend a stress window, and remember the reference (spec, *Stress windows*).

    reference: 0 in the dark or in a halt.
    """
    at, rules, history = it.at, it.rules, it.history
    now_ms = at[NOW]
    if reference and reference != at[REFERENCE]:
        then = _reference_at(it, now_ms - rules.window_ms)
        if then and abs(reference - then) * BPS >= rules.move_bps * then:
            at[STRESS_UNTIL] = now_ms + rules.hold_ms
    count = at[HISTORY]
    if (history.reference[count - 1] if count else 0) == reference:
        return DONE
    if count == len(history.time_ms):
        first = at[FIRST_HISTORY]
        if first < count // 2:
            return MORE_HISTORY
        for place in range(first, count):
            history.time_ms[place - first] = history.time_ms[place]
            history.reference[place - first] = history.reference[place]
        at[FIRST_HISTORY], count = 0, count - first
    history.time_ms[count], history.reference[count] = now_ms, reference
    at[HISTORY] = count + 1
    return DONE


@inner
def _reference_at(it: Run, time_ms: int) -> int:
    """Return the live reference at a time that never decreases from call to call, 0 for none."""
    at, history = it.at, it.history
    first = at[FIRST_HISTORY]
    while first + 1 < at[HISTORY] and history.time_ms[first + 1] <= time_ms:
        first += 1
    at[FIRST_HISTORY] = first
    if first >= at[HISTORY] or history.time_ms[first] > time_ms:
        return 0
    return history.reference[first]
