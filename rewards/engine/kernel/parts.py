"""What the compiled replay of one market works on: plain arrays, grouped, and the registers of a run.

Nothing here computes. Arrays are made by `rewards.engine.compiled`; the modules beside this one change them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int8]
U64 = npt.NDArray[np.uint64]

# How a run ends.
DONE = 0  # all events are applied and all time before the limit is settled
TAKE_OUT = 1  # the sums since the last run are as large as 64 bits allow: add them up elsewhere, then go on
MORE_SLOTS = 2  # the counting orders have outgrown their arrays: make them larger, go on
MORE_HISTORY = 3  # the reference's history has
NOT_HERE = 4  # an event that breaks a rule, or a number beyond 64 bits: the exact replay has to look at it

# What lies within 64 bits. Products of the replay stay below 2^63 while inputs stay below these.
LOTS_BOUND = 1 << 40  # lots of all makers' orders together; a weight is below 2^20
QUALITY_BOUND = 1 << 60
PRICE_BOUND = 1 << 60
ANCHOR_BOUND = 1 << 48
REFERENCE_BOUND = 1 << 48
VOLUME_BOUND = 1 << 61
LONGEST_MS = 1 << 31  # no interval is longer: a longer one is settled in parts
TAKE_OUT_MS = 1 << 31  # a share is at most 2^30, so this much time and one interval more sum to at most 2^62

# Registers: numbers that a run begins with and changes.
(
    NOW,  # ms, the open instant
    SESSION,  # index of the session that holds NOW
    ANCHOR,  # half-ticks, 0 before the first
    HALTED,
    REFERENCE,  # half-ticks, of the interval before NOW; 0 for none
    STRESS_UNTIL,  # ms
    STRESS_MS,
    ROW,  # the next event
    ORDERS,  # how many orders there are, gone ones included
    DUE,  # the first order that may still have to come of rest
    MAKER_LOTS,  # lots of all makers' resting orders
    BOOK_CHANGED,  # whether the cuts have to be looked for again
    MID2,  # half-ticks, 0 in the dark
    WEIGHED_REFERENCE,  # the reference and the band that the makers' sums were weighed with
    WEIGHED_BAND,
    QUALITY_SUM,
    CHANGED,  # whether any maker's quality has changed since the log's last entry
    DIRTY,  # how many makers' sums have changed since their quality was computed
    PLANES,  # how many planes have been in use
    EXTRA,  # how many counting orders lie behind the planes
    LOG,  # entries of the log
    LOG_KIND,
    LOG_STRESSED,
    LIT_MS,  # live time with a reference since the run began
    FIRST_HISTORY,
    HISTORY,
    REGISTERS,
) = range(27)

LOG_ENTRIES = 256
PLANE_LIMIT = 62  # the free planes of a group are the bits of one int64


class RuleNumbers(NamedTuple):
    """`rewards.engine.rules.Rules` as the kernel reads it; arrays of six are by kind, sessions by number."""

    start_ms: int
    end_ms: int
    min_order_lots: int
    min_rest_ms: int
    depth_lots: int
    curve: int
    divisor: int
    target: int  # target_lots in millionths
    presence_lots: int
    window_ms: int
    move_bps: int
    hold_ms: int
    widen_pct: int
    tick_scale: int
    lot_scale: int
    max_spread_bps: I64
    clamp_bps: I64
    fractions_ppm: I64
    weights_ppm: I64
    session_ends_ms: I64
    session_kinds: I64


class Events(NamedTuple):
    """Columns of events; level is the rank of a place's price among all prices of the run."""

    block: I64
    log_index: I64
    time_ms: I64
    kind: I8
    order: I32
    owner: I32
    taker: I32
    side: I8
    price: I64
    size: I64
    level: I32


class Orders(NamedTuple):
    """Every order that rests at the run's beginning or is placed in it, by the time at which it was placed.

    code: where its id stands. slot: its place among the counting orders, -1 for none. resting: by code, the order
    that rests under that id, -1 for none.
    """

    code: I64
    maker: I64
    side: I64
    price: I64
    size: I64
    placed_ms: I64
    level: I64
    slot: I64
    resting: I64


class Book(NamedTuple):
    """Resting lots by price, for bids (row 0) and asks (row 1).

    Columns are levels such that a higher one is nearer to the top of the book: asks run backwards. lots: each order's
    up to the reference depth, which is all that decides where the depth is reached. cut: the level at which the
    depth is reached, -1 for none. above: lots at the cut and higher. total: lots of the side.
    """

    prices: I64
    lots: I64
    members: U64
    layers: I64
    cut: I64
    above: I64
    total: I64


class Slots(NamedTuple):
    """Orders that count: one column per group (a maker's bids or asks), several planes, and a list behind them.

    taken: by group, the planes in use, as bits. extra_group: the groups of what lies behind the planes.
    """

    planes: int
    twice_price: I64
    lots: I64
    order: I64
    taken: I64
    extra_group: I64


class Makers(NamedTuple):
    """By maker, padded to a multiple of eight; sums and near hold all makers' bids, then all makers' asks.

    sums: weighted lots. near: lots within the band. settled: log entries that pending holds already. pending: share *
    ms under the log's kind. present_since: LIT_MS. The last four are results, by maker and kind where that says so.
    """

    sums: I64
    near: I64
    quality: I64
    settled: I64
    pending: I64
    present: I64
    present_since: I64
    is_dirty: I64
    dirty: I64
    credit: I64
    stress_credit: I64
    present_ms: I64
    volume: I64


class Log(NamedTuple):
    """Intervals that some maker's credit does not hold yet: the shares' divisor, its reciprocal and the time."""

    divisor: I64
    shift: I64
    factor: I64
    bits: I64
    dt: I64


class History(NamedTuple):
    """References of live intervals, 0 for none, at the times at which they changed."""

    time_ms: I64
    reference: I64


class Run(NamedTuple):
    """Everything that one run reads and changes."""

    at: I64
    rules: RuleNumbers
    events: Events
    orders: Orders
    book: Book
    slots: Slots
    makers: Makers
    log: Log
    history: History
    live_ms: I64
