"""The replay of one market's events, compiled: apply what happens at an instant, settle the time to the next.

It does what `rewards.engine.exact` does, with the same results to the last integer, and stops at whatever it can't
do: an event that breaks a rule, or a number that 64 bits can't hold.
Source: docs/spec/scoring.md, *Intervals*.
"""

from __future__ import annotations

from rewards.engine.kernel import applying, credit, settling
from rewards.engine.kernel.compiling import entry, inner
from rewards.engine.kernel.parts import DONE, NOT_HERE, NOW, ROW, Run


@entry
def run(it: Run, end_row: int, until_ms: int) -> int:
    """Apply the events up to a row, then settle all time before `until_ms`; return how the run ended.

    At any end the registers, the orders and the results are those of the instant NOW with all events before ROW
    applied, and nothing is pending.
    """
    status = _events(it, end_row)
    if status == DONE:
        status = settling.settle_until(it, min(until_ms, it.rules.end_ms))
    credit.flush(it.at, it.makers, it.log)
    return status


@inner
def _events(it: Run, end_row: int) -> int:
    at, events = it.at, it.events
    last = at[ROW] - 1
    for row in range(at[ROW], end_row):
        time_ms = events.time_ms[row]
        if last >= 0 and not follows(it, last, row):
            return NOT_HERE
        if time_ms > at[NOW]:
            status = settling.settle_until(it, time_ms)
            if status != DONE:
                return status
        status = applying.apply(it, row)
        if status != DONE:
            return status
        at[ROW] = row + 1
        last = row
    return DONE


@inner
def follows(it: Run, last: int, row: int) -> bool:
    """Say whether an event comes after another by block and log index, and not before its time."""
    events = it.events
    if events.time_ms[row] < events.time_ms[last] or events.block[row] < events.block[last]:
        return False
    return events.block[row] > events.block[last] or events.log_index[row] > events.log_index[last]
