"""The time between instants: the reference, the band, who is credited and how long it lasts, compiled.

Source: docs/spec/scoring.md, *Intervals* to *Credit*.
"""

from __future__ import annotations

from rewards.engine.events import ASK, BID
from rewards.engine.kernel import book as levels
from rewards.engine.kernel import counting, credit, stress, weights
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import (
    ANCHOR,
    BOOK_CHANGED,
    DONE,
    DUE,
    HALTED,
    LIT_MS,
    LOG_KIND,
    LOG_STRESSED,
    LONGEST_MS,
    MID2,
    NOT_HERE,
    NOW,
    ORDERS,
    REFERENCE,
    REFERENCE_BOUND,
    SESSION,
    STRESS_MS,
    STRESS_UNTIL,
    TAKE_OUT,
    TAKE_OUT_MS,
    WEIGHED_BAND,
    WEIGHED_REFERENCE,
    Run,
)
from rewards.engine.rules import BAND_BOUND, BPS


@inner
def settle_until(it: Run, limit_ms: int) -> int:
    """Settle all time before `limit_ms`; that instant itself stays open for its events."""
    at = it.at
    while at[NOW] < limit_ms:
        status = counting.come_of_rest(it)
        if status != DONE:
            return status
        status = interval(it, limit_ms)
        if status != DONE:
            return status
    return DONE


@inner
def interval(it: Run, limit_ms: int) -> int:
    """Close the open instant and settle the interval that it begins."""
    at, rules = it.at, it.rules
    now_ms, session = at[NOW], at[SESSION]
    kind = rules.session_kinds[session]
    reference = _reference(it, kind)
    if reference >= REFERENCE_BOUND:
        return NOT_HERE
    live = not at[HALTED]
    if rules.window_ms:
        status = stress.look(it, reference if live else 0)
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
    room = _rounded(anchor * rules.clamp_bps[kind], BPS, rules.tick_scale)
    return min(max(mid2, anchor - room), anchor + room)


@inner
def _rounded(product: int, divisor: int, scale: int) -> int:
    """Return `product // divisor` in whole ticks of the terms, of which each is `scale` of the events'."""
    return product // divisor if scale == 1 else product // (divisor * scale) * scale


@inner
def _weigh(it: Run, reference: int, kind: int, stressed: bool) -> bool:
    """Bring sums, quality and presence up to NOW; False when the band is too wide for the rule's bounds."""
    at, rules, makers, log = it.at, it.rules, it.makers, it.log
    band = _rounded(reference * rules.max_spread_bps[kind], BPS, rules.tick_scale)
    if stressed and band < BAND_BOUND:
        band = _rounded(band * rules.widen_pct, 100, rules.tick_scale)
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
