"""Sums of what each maker had in each cell, brought up to date only when something of it changes, compiled.

A maker's state is worked out anew when one of its orders changes or comes of rest, and for all makers when the
reference, the band or the state of the market changes. Until then it is only multiplied by time.
"""

from __future__ import annotations

from rewards.analysis.kernel import parts, sides
from rewards.analysis.kernel.compiling import inner
from rewards.analysis.kernel.parts import CELL, DIRTY, HELD, LIT, SEEN_BAND, SEEN_REFERENCE, STATE, Watch
from rewards.engine.events import ASK, BID
from rewards.engine.kernel import book, credit
from rewards.engine.kernel.parts import HALTED, NOW, QUALITY_SUM, REFERENCE, STRESS_UNTIL, WEIGHED_BAND, Run
from rewards.engine.rules import BPS


@inner
def touch(watch: Watch, maker: int) -> None:
    """Note that a maker's orders have changed."""
    watched = watch.watched
    if not watched.is_dirty[maker]:
        watched.is_dirty[maker] = 1
        watched.dirty[watch.at[DIRTY]] = maker
        watch.at[DIRTY] += 1


@inner
def note_order(it: Run, watch: Watch, order: int, before: int) -> None:
    """Count an order that had `before` lots and now has others."""
    maker, lots, least = it.orders.maker[order], it.orders.size[order], it.rules.min_order_lots
    if maker < 0:
        return
    watch.watched.orders[maker] += (lots > 0) - (before > 0)
    watch.watched.small[maker] += (0 < lots < least) - (0 < before < least)
    touch(watch, maker)


@inner
def look(it: Run, watch: Watch, start_ms: int) -> None:
    """Look at the interval from `start_ms` to NOW, which the engine has settled."""
    at, state = it.at, _state(it)
    reference, band = at[REFERENCE], at[WEIGHED_BAND]
    turned = state != watch.at[STATE]
    moved = state == LIT and (reference != watch.at[SEEN_REFERENCE] or band != watch.at[SEEN_BAND])
    if turned or moved:
        for maker in range(len(watch.watched.since_ms)):
            if turned or watch.watched.orders[maker]:
                touch(watch, maker)
        watch.at[STATE], watch.at[SEEN_REFERENCE], watch.at[SEEN_BAND] = state, reference, band
    for number in range(watch.at[DIRTY]):
        maker = watch.watched.dirty[number]
        watch.watched.is_dirty[maker] = 0
        _refresh(it, watch, maker, state, start_ms)
    watch.at[DIRTY] = 0
    _look_at_market(it, watch, state, start_ms)


@inner
def close(it: Run, watch: Watch) -> None:
    """Complete the open cell at NOW and open the next one."""
    credit.flush(it.at, it.makers, it.log)
    settle_all(it, watch)
    watch.at[CELL] += 1


@inner
def settle_all(it: Run, watch: Watch) -> None:
    """Add all that makers had up to NOW to the open cell; nothing of the engine's may be pending."""
    watched, cell = watch.watched, watch.at[CELL]
    makers, now_ms = it.makers, it.at[NOW]
    if cell == len(watch.cells.ends_ms):
        return
    for maker in range(len(watched.since_ms)):
        _settle(watch, maker, now_ms)
        of_engine = watch.cells.whole[cell, maker]
        shares, present_ms, volume = 0, 0, 0
        for kind in range(makers.credit.shape[1]):
            shares += makers.credit[maker, kind]
            present_ms += makers.present_ms[maker, kind]
            volume += makers.volume[maker, kind]
        for column, total in (
            (parts.CREDIT, shares),
            (parts.STRESS_CREDIT, makers.stress_credit[maker]),
            (parts.PRESENT_MS, present_ms),
            (parts.VOLUME, volume),
        ):
            of_engine[column] += total - watched.taken[maker, column - HELD]
            watched.taken[maker, column - HELD] = total


@inner
def _state(it: Run) -> int:
    if it.at[HALTED]:
        return parts.IN_HALT
    return LIT if it.at[REFERENCE] else parts.IN_DARK


@inner
def _look_at_market(it: Run, watch: Watch, state: int, start_ms: int) -> None:
    at, cell = it.at, watch.at[CELL]
    whole, floats = watch.cells.market[cell], watch.cells.market_floats[cell]
    dt = at[NOW] - start_ms
    if state == parts.IN_HALT:
        whole[parts.MARKET_HALTED_MS] += dt
        return
    if start_ms < at[STRESS_UNTIL]:
        whole[parts.MARKET_STRESS_MS] += dt
    if state == parts.IN_DARK:
        whole[parts.MARKET_DARK_MS] += dt
        return
    whole[parts.MARKET_LIT_MS] += dt
    if at[QUALITY_SUM] == 0:
        whole[parts.MARKET_NOBODY_MS] += dt
    reference = at[REFERENCE]
    bid = it.book.prices[book.level_of(it.book, BID, it.book.cut[BID])]
    ask = it.book.prices[book.level_of(it.book, ASK, it.book.cut[ASK])]
    floats[parts.REFERENCE] += float(reference) * dt
    floats[parts.MARKET_QUALITY] += float(at[QUALITY_SUM]) * dt
    floats[parts.BAND_BPS] += at[WEIGHED_BAND] * (BPS / reference) * dt
    floats[parts.BOOK_SPREAD_BPS] += 2 * (ask - bid) * (BPS / reference) * dt


@inner
def _settle(watch: Watch, maker: int, until_ms: int) -> None:
    """Add what a maker has had since it was last looked at."""
    watched, cell = watch.watched, watch.at[CELL]
    dt = until_ms - watched.since_ms[maker]
    watched.since_ms[maker] = until_ms
    if dt == 0:
        return
    rates, whole = watched.rates[maker], watch.cells.whole[cell, maker]
    for column in range(HELD):
        whole[column] += rates[column] * dt
    float_rates, floats = watched.float_rates[maker], watch.cells.floats[cell, maker]
    for column in range(parts.FLOATS):
        floats[column] += float_rates[column] * dt


@inner
def _refresh(it: Run, watch: Watch, maker: int, state: int, now_ms: int) -> None:
    """Work out what a maker has from `now_ms` on."""
    watched = watch.watched
    _settle(watch, maker, now_ms)
    rates, float_rates = watched.rates[maker], watched.float_rates[maker]
    rates[:] = 0
    float_rates[:] = 0.0
    if state == LIT:
        _refresh_lit(it, watch, maker)
    elif state == parts.IN_HALT:
        rates[parts.HALTED_MS] = 1
        rates[parts.ORDER_HALTED_MS] = watched.orders[maker]
    else:
        rates[parts.DARK_MS] = 1
        rates[parts.ORDER_DARK_MS] = watched.orders[maker]


@inner
def _refresh_lit(it: Run, watch: Watch, maker: int) -> None:
    watched, reference, count = watch.watched, it.at[REFERENCE], len(it.makers.quality)
    rates, float_rates = watched.rates[maker], watched.float_rates[maker]
    if watched.orders[maker] == 0:
        rates[parts.NO_QUOTES_MS] = 1
        return
    ripe_bids, weighing_bids, bid = sides.look(it, rates, maker, parts.BID_DEPTH, BID)
    ripe_asks, weighing_asks, ask = sides.look(it, rates, maker + count, parts.ASK_DEPTH, ASK)
    ripe, weighing = ripe_bids + ripe_asks, weighing_bids + weighing_asks
    large = watched.orders[maker] - watched.small[maker]
    rates[parts.ORDER_COUNTING_MS] = weighing
    rates[parts.ORDER_TOO_FAR_MS] = ripe - weighing
    rates[parts.ORDER_TOO_YOUNG_MS] = large - ripe
    rates[parts.ORDER_TOO_SMALL_MS] = watched.small[maker]
    quality = it.makers.quality[maker]
    if quality > 0:
        rates[parts.COUNTING_MS] = 1
        rates[parts.SINGLE_SIDE_MS] = weighing_bids == 0 or weighing_asks == 0
    else:
        rates[_hurdle(large, ripe, weighing)] = 1
    float_rates[parts.QUALITY] = quality
    bps = BPS / reference
    if bid != sides.NO_PRICE:
        rates[parts.BID_MS] = 1
        float_rates[parts.BID_DISTANCE_BPS] = (reference - bid) * bps
    if ask != sides.NO_PRICE:
        rates[parts.ASK_MS] = 1
        float_rates[parts.ASK_DISTANCE_BPS] = (ask - reference) * bps
    if bid != sides.NO_PRICE and ask != sides.NO_PRICE:
        rates[parts.TWO_SIDED_MS] = 1
        float_rates[parts.SPREAD_BPS] = (ask - bid) * bps


@inner
def _hurdle(large: int, ripe: int, weighing: int) -> int:
    """Return the hurdle that a maker's best order fails at: size, then age, then distance, then the other side."""
    if large == 0:
        return parts.TOO_SMALL_MS
    if ripe == 0:
        return parts.TOO_YOUNG_MS
    return parts.ONE_SIDED_MS if weighing else parts.TOO_FAR_MS
