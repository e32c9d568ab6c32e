"""From the arrays that a run has changed back to a market's state."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rewards.engine.events import MarketEvents
from rewards.engine.kernel import parts
from rewards.engine.kernel.parts import Orders, Run
from rewards.engine.marketstate import MarketState, RestingOrders


def store(it: Run, state: MarketState, events: MarketEvents) -> int:
    """Write what a run changed back to the state; return how many events it applied."""
    at, score, makers = it.at.tolist(), state.score, it.makers
    state.now_ms, state.anchor, state.halted = at[parts.NOW], at[parts.ANCHOR], bool(at[parts.HALTED])
    state.reference, state.stress_until_ms = at[parts.REFERENCE], at[parts.STRESS_UNTIL]
    first, end = at[parts.FIRST_HISTORY], at[parts.HISTORY]
    state.history = list(
        zip(it.history.time_ms[first:end].tolist(), it.history.reference[first:end].tolist(), strict=True)
    )
    state.forget_history(window_ms=it.rules.window_ms)
    _store_orders(it.orders, at[parts.ORDERS], state, events)
    for mine, theirs in (
        (score.credit, makers.credit),
        (score.present_ms, makers.present_ms),
        (score.volume, makers.volume),
    ):
        for row, more in zip(mine, theirs.tolist(), strict=False):  # theirs is padded
            row[:] = [a + b for a, b in zip(row, more, strict=True)]
    score.stress_credit = [a + b for a, b in zip(score.stress_credit, makers.stress_credit.tolist(), strict=False)]
    score.live_ms = [a + b for a, b in zip(score.live_ms, it.live_ms.tolist(), strict=True)]
    score.stress_ms += at[parts.STRESS_MS]
    applied: int = at[parts.ROW]
    if applied:
        state.last = (
            int(events.block[applied - 1]),
            int(events.log_index[applied - 1]),
            int(events.time_ms[applied - 1]),
        )
    return applied


def _store_orders(orders: Orders, count: int, state: MarketState, events: MarketEvents) -> None:
    alive = np.flatnonzero(orders.size[:count] > 0)
    known = len(events.order_ids)
    codes = orders.code[alive]
    ids = [""] * len(alive)
    new = np.flatnonzero(codes < known)
    for place, name in zip(new.tolist(), events.order_ids.take(pa.array(codes[new])).to_pylist(), strict=True):
        ids[place] = name
    for place in np.flatnonzero(codes >= known).tolist():
        ids[place] = state.orders.ids[codes[place] - known]
    state.orders = RestingOrders(
        ids, *(column[alive] for column in (orders.maker, orders.side, orders.price, orders.size, orders.placed_ms))
    )
