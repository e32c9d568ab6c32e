"""From a market's state and its events to the arrays that the kernel works on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rewards.engine.events import ASK, PLACE, MarketEvents
from rewards.engine.kernel import bits, parts
from rewards.engine.kernel.book import rest_in_book
from rewards.engine.kernel.parts import I64, Book, Events, History, Log, Makers, Orders, RuleNumbers, Run, Slots
from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketState, RestingOrders
from rewards.engine.rules import WEIGHT_ONE, Rules
from rewards.engine.sessions import Sessions

LANES = 8
FEW_PLANES = 8
FEW_EXTRA = 256
FEW_REFERENCES = 1024
FEW_LEVELS = 1024
SPARSE = 4  # with more ticks between the prices than this many an order, prices are ranked instead of counted off
TIME_BOUND = 1 << 54
WIDEN_BOUND = 1 << 40
SCALE_BOUND = 1 << 40


@dataclass
class Room:
    """How much larger than usual the arrays are that can overflow; it grows when they do."""

    slots: int = 1
    history: int = 1

    def grow(self, status: int) -> None:
        """Make room for what a run said has overflowed, if it did."""
        self.slots *= 4 if status == parts.MORE_SLOTS else 1
        self.history *= 8 if status == parts.MORE_HISTORY else 1


def rule_numbers(rules: Rules, sessions: Sessions) -> RuleNumbers | None:
    """Return the rules for the kernel, or None when one of them is beyond its 64 bits."""
    small = (
        max(rules.min_rest_ms, rules.window_ms, rules.hold_ms, rules.end_ms) < TIME_BOUND
        and rules.reference_depth_lots < parts.LOTS_BOUND
        and rules.target_lots * WEIGHT_ONE < parts.QUALITY_BOUND
        and rules.widen_pct < WIDEN_BOUND
        and rules.tick_scale < SCALE_BOUND
        and rules.lot_scale * max(1, rules.two_sided_divisor) < parts.QUALITY_BOUND
        and max(rules.min_order_lots, rules.presence_lots) < parts.QUALITY_BOUND
    )
    if not small:
        return None
    return RuleNumbers(
        start_ms=rules.start_ms,
        end_ms=rules.end_ms,
        min_order_lots=rules.min_order_lots,
        min_rest_ms=rules.min_rest_ms,
        depth_lots=rules.reference_depth_lots,
        curve=rules.curve,
        divisor=rules.two_sided_divisor,
        target=rules.target_lots * WEIGHT_ONE,
        presence_lots=rules.presence_lots,
        window_ms=rules.window_ms,
        move_bps=rules.move_bps,
        hold_ms=rules.hold_ms,
        widen_pct=rules.widen_pct,
        tick_scale=rules.tick_scale,
        lot_scale=rules.lot_scale,
        max_spread_bps=_int64s(rules.max_spread_bps),
        clamp_bps=_int64s(rules.clamp_bps),
        fractions_ppm=_int64s(fraction for fraction, _ in rules.steps),
        weights_ppm=_int64s(weight for _, weight in rules.steps),
        session_ends_ms=_int64s(end for _, end, _ in sessions.rows),
        session_kinds=_int64s(sessions.kind_indices),
    )


def load(numbers: RuleNumbers, sessions: Sessions, state: MarketState, events: MarketEvents, room: Room) -> Run | None:
    """Make the arrays of a run over events; None when something that the state holds is beyond the kernel's bounds.

    room: how much larger than usual the arrays are that can overflow.
    """
    if not _within_bounds(state):
        return None
    held = state.orders
    count = len(held.ids)
    orders = _orders(held, events)
    prices, levels = _levels(orders, count, events)
    groups = 2 * padded(len(state.score.makers))
    it = Run(
        at=_registers(state, sessions, orders, count),
        rules=numbers,
        events=Events(
            events.block,
            events.log_index,
            events.time_ms,
            events.kind,
            events.order,
            events.owner,
            events.taker,
            events.side,
            events.price,
            events.size,
            levels,
        ),
        orders=orders,
        book=_book(prices),
        slots=_slots(orders, count, groups, room.slots),
        makers=new_makers(groups // 2),
        log=new_log(parts.LOG_ENTRIES),
        history=_history(state, room.history),
        live_ms=np.zeros(len(KINDS), np.int64),
    )
    rest_in_book(it.book, orders, count, numbers.depth_lots)
    return it


def _int64s(numbers: Iterable[int]) -> I64:
    return np.array(list(numbers), dtype=np.int64)


def _within_bounds(state: MarketState) -> bool:
    """Say whether the kernel's products stay below 2^63 with what the exact replay may have left in a state."""
    references = (state.reference, *(reference for _, reference in state.history))
    if state.anchor >= parts.ANCHOR_BOUND or max(references) >= parts.REFERENCE_BOUND:
        return False
    held = state.orders
    if not held.ids:
        return True
    lots = sum(held.size[held.maker >= 0].tolist())
    return lots < parts.LOTS_BOUND and int(held.price.max()) < parts.PRICE_BOUND


def _orders(held: RestingOrders, events: MarketEvents) -> Orders:
    """Return the orders that rest, oldest first, with room for those that the events place."""
    count = len(held.ids)
    age = np.argsort(held.placed_ms, kind="stable")
    total = count + int(np.count_nonzero(events.kind == PLACE))
    columns = {}
    for name in ("maker", "side", "price", "size", "placed_ms"):
        columns[name] = np.empty(total, np.int64)
        columns[name][:count] = getattr(held, name)[age]
    known = len(events.order_ids)
    resting = np.full(known + count, -1, np.int64)
    code = np.empty(total, np.int64)
    code[:count] = known + age
    if count and known:
        places = pc.index_in(pa.array(held.ids, pa.string()), value_set=events.order_ids.cast(pa.string()))
        named = places.fill_null(-1).to_numpy(zero_copy_only=False)[age]
        code[:count] = np.where(named >= 0, named, code[:count])
    resting[code[:count]] = np.arange(count)
    return Orders(
        code=code,
        level=np.zeros(total, np.int64),
        slot=np.full(total, -1, np.int64),
        resting=resting,
        **columns,
    )


def _levels(orders: Orders, count: int, events: MarketEvents) -> tuple[I64, npt.NDArray[np.int32]]:
    """Return the prices of the run's levels, and each event's level; resting orders get theirs in place.

    Where prices lie close together, every tick between them is a level, which spares sorting them.
    """
    places = np.flatnonzero(events.kind == PLACE)
    prices = np.concatenate((orders.price[:count], events.price[places]))
    levels = np.zeros(len(events), np.int32)
    if not len(prices):
        return np.zeros(1, np.int64), levels
    # A price out of range stops the run at its event; until then any level will do.
    prices = np.clip(prices, 0, parts.PRICE_BOUND)
    low, high = int(prices.min()), int(prices.max())
    if high - low < SPARSE * len(prices) + FEW_LEVELS:
        ranks, of_levels = prices - low, np.arange(low, high + 1)
    else:
        of_levels, ranks = np.unique(prices, return_inverse=True)
    levels[places] = ranks[count:]
    orders.level[:count] = np.where(orders.side[:count] == ASK, len(of_levels) - 1 - ranks[:count], ranks[:count])
    return of_levels, levels


def _book(prices: I64) -> Book:
    layers = bits.layer_starts(len(prices))
    return Book(
        prices=prices,
        lots=np.zeros((2, len(prices)), np.int64),
        members=np.zeros((2, layers[-1]), np.uint64),
        layers=layers,
        cut=np.full(2, -1, np.int64),
        above=np.zeros(2, np.int64),
        total=np.zeros(2, np.int64),
    )


def _slots(orders: Orders, count: int, groups: int, room: int) -> Slots:
    held = int(np.count_nonzero(orders.maker[:count] >= 0))
    planes = min(parts.PLANE_LIMIT, FEW_PLANES * room + (2 * held // groups if groups else 0))
    extra = FEW_EXTRA * room + held
    total = planes * groups + extra
    return Slots(
        planes=planes,
        twice_price=np.zeros(total, np.int64),
        lots=np.zeros(total, np.int64),
        order=np.zeros(total, np.int64),
        taken=np.zeros(groups, np.int64),
        extra_group=np.zeros(extra, np.int64),
    )


def padded(makers: int) -> int:
    """Return how many entries arrays by maker have."""
    return LANES * -(-makers // LANES)


def new_log(entries: int) -> Log:
    """Return a log with room for some entries."""
    return Log(*(np.empty(entries, np.int64) for _ in range(5)))


def new_makers(padded: int) -> Makers:
    """Return makers without anything."""

    def zeros(*shape: int) -> I64:
        return np.zeros(shape, np.int64)

    return Makers(
        sums=zeros(2 * padded),
        near=zeros(2 * padded),
        quality=zeros(padded),
        settled=zeros(padded),
        pending=zeros(padded),
        present=zeros(padded),
        present_since=zeros(padded),
        is_dirty=zeros(padded),
        dirty=zeros(padded),
        credit=zeros(padded, len(KINDS)),
        stress_credit=zeros(padded),
        present_ms=zeros(padded, len(KINDS)),
        volume=zeros(padded, len(KINDS)),
    )


def _history(state: MarketState, room: int) -> History:
    held = len(state.history)
    history = History(*(np.zeros(FEW_REFERENCES * room + 2 * held, np.int64) for _ in range(2)))
    if held:
        history.time_ms[:held], history.reference[:held] = np.array(state.history, dtype=np.int64).T
    return history


def _registers(state: MarketState, sessions: Sessions, orders: Orders, count: int) -> I64:
    at = np.zeros(parts.REGISTERS, np.int64)
    at[parts.NOW] = state.now_ms
    at[parts.SESSION] = sessions.index_at(state.now_ms)
    at[parts.ANCHOR] = state.anchor
    at[parts.HALTED] = state.halted
    at[parts.REFERENCE] = state.reference
    at[parts.STRESS_UNTIL] = state.stress_until_ms
    at[parts.ORDERS] = count
    at[parts.MAKER_LOTS] = orders.size[:count][orders.maker[:count] >= 0].sum()
    at[parts.BOOK_CHANGED] = 1
    at[parts.HISTORY] = len(state.history)
    return at
