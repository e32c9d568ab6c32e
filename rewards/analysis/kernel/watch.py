"""The engine's replay, looked at in every interval, compiled.

Events, intervals, weights and credit are the engine's own functions, so that what is counted here is what was paid.
"""

from __future__ import annotations

from rewards.analysis.kernel import cells, samples
from rewards.analysis.kernel.compiling import entry, inner
from rewards.analysis.kernel.parts import CELL, Watch
from rewards.engine.events import CANCEL, FILL, PLACE
from rewards.engine.kernel import applying, counting, credit, replay, settling
from rewards.engine.kernel.parts import DONE, DUE, NOT_HERE, NOW, ORDERS, ROW, Run


@entry
def run(it: Run, watch: Watch, end_row: int, until_ms: int) -> int:
    """Do what the engine's `run` does, with the same results, and watch it."""
    status = _run(it, watch, end_row, min(until_ms, it.rules.end_ms))
    credit.flush(it.at, it.makers, it.log)
    if len(watch.cells.ends_ms):
        cells.settle_all(it, watch)
    return status


@inner
def _run(it: Run, watch: Watch, end_row: int, until_ms: int) -> int:
    """Apply the events up to a row, then settle; one loop does both, since machine code for each takes long to make."""
    at, events = it.at, it.events
    last = at[ROW] - 1
    for row in range(at[ROW], end_row + 1):
        if row < end_row and last >= 0 and not replay.follows(it, last, row):
            return NOT_HERE
        limit_ms = events.time_ms[row] if row < end_row else until_ms
        if limit_ms > at[NOW]:
            status = _settle_until(it, watch, limit_ms)
            if status != DONE:
                return status
        if row == end_row:
            break
        status = _apply(it, watch, row)
        if status != DONE:
            return status
        at[ROW] = row + 1
        last = row
    return DONE


@inner
def _apply(it: Run, watch: Watch, row: int) -> int:
    """Apply an event, and note what becomes of its maker's orders."""
    kind, code = it.events.kind[row], it.events.order[row]
    order, before = -1, 0
    if kind in (CANCEL, FILL) and code >= 0:
        order = it.orders.resting[code]
        if order >= 0:
            before = it.orders.size[order]
    status = applying.apply(it, row)
    if status == DONE:
        if kind == PLACE:
            order = it.at[ORDERS] - 1
        if order >= 0 and len(watch.cells.ends_ms):
            cells.note_order(it, watch, order, before)
    return status


@inner
def _settle_until(it: Run, watch: Watch, limit_ms: int) -> int:
    at, with_cells = it.at, len(watch.cells.ends_ms) > 0
    while at[NOW] < limit_ms:
        due, start_ms, until_ms = at[DUE], at[NOW], limit_ms
        if with_cells:
            until_ms = min(limit_ms, watch.cells.ends_ms[watch.at[CELL]])
        status = counting.come_of_rest(it)
        if with_cells:
            for order in range(due, at[DUE]):
                if it.orders.maker[order] >= 0:
                    cells.touch(watch, it.orders.maker[order])
        if status == DONE:
            status = settling.interval(it, until_ms)
        if status != DONE:
            return status
        samples.take(it, watch)
        if with_cells:
            cells.look(it, watch, start_ms)
            if at[NOW] == watch.cells.ends_ms[watch.at[CELL]]:
                cells.close(it, watch)
    return DONE
