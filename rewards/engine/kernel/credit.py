"""From makers' sums to quality, shares and credit, each maker settled only when its quality changes, compiled.

A maker's share of an interval depends on its own quality and on a divisor that all makers have in common. The log
holds the divisors and lengths of the last intervals; a maker is credited for all of them at once, in one short
loop of vector instructions, when its quality changes or the log is full.
"""

from __future__ import annotations

import numpy as np

from rewards.engine.kernel import bits
from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import (
    CHANGED,
    DIRTY,
    I64,
    LIT_MS,
    LOG,
    LOG_KIND,
    LOG_STRESSED,
    LONGEST_MS,
    QUALITY_SUM,
    Log,
    Makers,
    RuleNumbers,
)
from rewards.engine.kernel.weights import LOW_32
from rewards.engine.rules import SHARE_BITS

FEW_ENTRIES = 4
SMALL = 1 << 30


@inner
def touch(at: I64, makers: Makers, maker: int) -> None:
    """Note that a maker's sums have changed."""
    if not makers.is_dirty[maker]:
        makers.is_dirty[maker] = 1
        makers.dirty[at[DIRTY]] = maker
        at[DIRTY] += 1


@inner
def refresh_dirty(at: I64, rules: RuleNumbers, makers: Makers, log: Log) -> None:
    """Compute the quality and presence of the makers whose sums have changed."""
    for number in range(at[DIRTY]):
        maker = makers.dirty[number]
        makers.is_dirty[maker] = 0
        _refresh(at, rules, makers, log, maker)
    at[DIRTY] = 0


@inner
def refresh_all(at: I64, rules: RuleNumbers, makers: Makers, log: Log) -> None:
    """Compute the quality and presence of every maker."""
    settle_all(at, makers, log)
    quality, sums, near = makers.quality, makers.sums, makers.near
    count, divisor = len(quality), min(rules.divisor, SMALL)
    bids, asks, near_bids, near_asks = sums[:count], sums[count:], near[:count], near[count:]
    total, turned = np.int64(0), np.int64(0)
    for maker in range(count):
        low, high = min(bids[maker], asks[maker]), max(bids[maker], asks[maker])
        quality[maker] = low
        turned |= high if high >= (min(low, SMALL) + 1) * divisor else np.int64(0)
        total += low
    if turned and divisor:
        total = np.int64(0)
        for maker in range(count):
            quality[maker] = _quality(rules, bids[maker], asks[maker])
            total += quality[maker]
    at[QUALITY_SUM], at[CHANGED] = total, 1
    turned, present = np.int64(0), makers.present
    for maker in range(count):
        is_present = min(near_bids[maker], near_asks[maker]) >= rules.presence_lots
        turned |= present[maker] ^ np.int64(is_present)
    if turned:
        for maker in range(count):
            _refresh_presence(at, rules, makers, maker)
    makers.is_dirty[:] = 0
    at[DIRTY] = 0


@inner
def _refresh(at: I64, rules: RuleNumbers, makers: Makers, log: Log, maker: int) -> None:
    count = len(makers.quality)
    quality = _quality(rules, makers.sums[maker], makers.sums[maker + count])
    if quality != makers.quality[maker]:
        _settle(at, makers, log, maker)
        at[QUALITY_SUM] += quality - makers.quality[maker]
        at[CHANGED] = 1
        makers.quality[maker] = quality
    _refresh_presence(at, rules, makers, maker)


@inner
def _refresh_presence(at: I64, rules: RuleNumbers, makers: Makers, maker: int) -> None:
    count = len(makers.quality)
    present = makers.near[maker] >= rules.presence_lots and makers.near[maker + count] >= rules.presence_lots
    if present and not makers.present[maker]:
        makers.present[maker] = 1
        makers.present_since[maker] = at[LIT_MS]
    elif makers.present[maker] and not present:
        makers.present[maker] = 0
        makers.present_ms[maker, at[LOG_KIND]] += at[LIT_MS] - makers.present_since[maker]


@inner
def _quality(rules: RuleNumbers, bid: int, ask: int) -> int:
    """Return `Q` (spec, *Quality of a maker*); the division is left out where it can't exceed the smaller side."""
    low, high, divisor = min(bid, ask), max(bid, ask), rules.divisor
    if divisor == 0 or (divisor < SMALL and low < SMALL and high < (low + 1) * divisor):
        return low
    if rules.lot_scale > 1:
        return max(low, high // (divisor * rules.lot_scale) * rules.lot_scale)
    return max(low, high // divisor)


@inner
def accrue(at: I64, rules: RuleNumbers, makers: Makers, log: Log, dt: int) -> None:
    """Add a live interval with a reference to the clock of presence and, when anybody counts, to the log."""
    at[LIT_MS] += dt
    if at[QUALITY_SUM] == 0:
        return
    divisor = max(at[QUALITY_SUM], rules.target)
    last = at[LOG] - 1
    if last >= 0 and not at[CHANGED] and log.divisor[last] == divisor and log.dt[last] + dt < LONGEST_MS:
        log.dt[last] += dt
        return
    at[CHANGED] = 0
    if at[LOG] == len(log.dt):
        settle_all(at, makers, log)
    entry = at[LOG]
    at[LOG] += 1
    log.divisor[entry], log.dt[entry] = divisor, dt
    if last >= 0 and log.divisor[last] == divisor:
        log.shift[entry], log.factor[entry], log.bits[entry] = log.shift[last], log.factor[last], log.bits[last]
    else:
        reciprocal(log, entry, divisor)


@inner
def reciprocal(log: Log, entry: int, divisor: int) -> None:
    """Store `2^(30 + length) // divisor`, at most 2^31, for a divisor of `length` bits, below 2^61."""
    length = bits.bit_length(divisor)
    if length <= 32:
        log.shift[entry], log.bits[entry] = 0, length
        log.factor[entry] = (1 << (SHARE_BITS + length)) // divisor
        return
    log.shift[entry], log.bits[entry] = length - 32, 32
    factor = (1 << 62) // ((divisor >> (length - 32)) + 1)  # too small by at most two
    # The true remainder lies in [0, 3 * divisor), so its low 64 bits say all.
    power = (
        1 << (SHARE_BITS + length)
        if SHARE_BITS + length < 63
        else (np.int64(-(1 << 63)) if SHARE_BITS + length == 63 else np.int64(0))
    )
    rest = power - factor * divisor
    while rest >= divisor:
        factor += 1
        rest -= divisor
    log.factor[entry] = factor


@inner
def settle_all(at: I64, makers: Makers, log: Log) -> None:
    """Credit every maker for the whole log and empty it."""
    if at[LOG] <= FEW_ENTRIES:
        for entry in range(at[LOG]):
            settle_entry(makers, log, entry)
    else:
        for maker in range(len(makers.quality)):
            _settle(at, makers, log, maker)
    makers.settled[:] = 0
    at[LOG] = 0


@inner
def settle_entry(makers: Makers, log: Log, entry: int) -> None:
    """Credit every maker that has not been credited yet for one entry of the log."""
    divisor, shift, factor, back = log.divisor[entry], log.shift[entry], log.factor[entry], log.bits[entry]
    dt, quality, settled, pending = log.dt[entry], makers.quality, makers.settled, makers.pending
    for maker in range(len(quality)):
        share = (((quality[maker] >> shift) & LOW_32) * factor) >> back
        rest = (quality[maker] << SHARE_BITS) - share * divisor
        if rest >= divisor:
            share += 1
            rest -= divisor
        if rest >= divisor:
            share += 1
        pending[maker] += share * dt if settled[maker] <= entry else np.int64(0)


@inner
def _settle(at: I64, makers: Makers, log: Log, maker: int) -> None:
    """Credit one maker for the entries of the log that it has not been credited for."""
    first, end, quality = makers.settled[maker], at[LOG], makers.quality[maker]
    makers.settled[maker] = end
    if quality == 0:
        return
    divisor, shift, factor = log.divisor[first:end], log.shift[first:end], log.factor[first:end]
    back, dt = log.bits[first:end], log.dt[first:end]
    credit = np.int64(0)
    for entry in range(end - first):
        share = (((quality >> shift[entry]) & LOW_32) * factor[entry]) >> back[entry]
        # Both products may pass 2^63; their difference is below 3 * divisor, and what wraps round cancels.
        rest = (quality << SHARE_BITS) - share * divisor[entry]
        if rest >= divisor[entry]:
            share += 1
            rest -= divisor[entry]
        if rest >= divisor[entry]:
            share += 1
        credit += share * dt[entry]
    makers.pending[maker] += credit


@inner
def flush(at: I64, makers: Makers, log: Log) -> None:
    """Move all that is pending to the results of the log's kind."""
    settle_all(at, makers, log)
    kind, stressed = at[LOG_KIND], at[LOG_STRESSED]
    for maker in range(len(makers.quality)):
        makers.credit[maker, kind] += makers.pending[maker]
        if stressed:
            makers.stress_credit[maker] += makers.pending[maker]
        makers.pending[maker] = 0
        if makers.present[maker]:
            makers.present_ms[maker, kind] += at[LIT_MS] - makers.present_since[maker]
            makers.present_since[maker] = at[LIT_MS]
