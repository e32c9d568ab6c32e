"""Stress windows: what the reference was a while ago, and whether it has moved too far since, compiled.

Source: docs/spec/scoring.md, *Stress windows*.
"""

from __future__ import annotations

from rewards.engine.kernel.compiling import inner
from rewards.engine.kernel.parts import DONE, FIRST_HISTORY, HISTORY, MORE_HISTORY, NOW, REFERENCE, STRESS_UNTIL, Run
from rewards.engine.rules import BPS


@inner
def look(it: Run, reference: int) -> int:
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
