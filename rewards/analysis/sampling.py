"""Draws the instants at which a programme would have looked that samples the book once a minute of live time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rewards.analysis.watching import Instants
from rewards.engine.events import HALT, RESUME, MarketEvents
from rewards.engine.kernel.parts import I64
from rewards.engine.rules import Rules
from rewards.engine.sessions import Sessions

MINUTE_MS = 60_000


def live_stretches(*, rules: Rules, sessions: Sessions, events: MarketEvents) -> list[tuple[int, int, int]]:
    """Return (session, start_ms, end_ms) of all live time of an epoch, in order, cut where sessions begin.

    events: of one market, in order. Halts before the epoch hold on.
    """
    changes = [(rules.start_ms, False)]
    for row in np.flatnonzero((events.kind == HALT) | (events.kind == RESUME)).tolist():
        at_ms = min(max(int(events.time_ms[row]), rules.start_ms), rules.end_ms)
        changes.append((at_ms, events.kind[row] == HALT))
    changes.append((rules.end_ms, True))
    stretches = []
    for (start_ms, halted), (end_ms, _) in pairwise(changes):
        while not halted and start_ms < end_ms:
            session = sessions.index_at(start_ms)
            until_ms = min(end_ms, sessions.rows[session][1])
            stretches.append((session, start_ms, until_ms))
            start_ms = until_ms
    return stretches


def draw_instants(
    *, rules: Rules, sessions: Sessions, events: MarketEvents, draws: int, generator: np.random.Generator
) -> Instants:
    """Draw one uniform instant in every minute of live time, `draws` times over, each standing for its minute.

    Minutes are counted within a session, halts left out; the last one of a session may be shorter.
    """
    stretches = live_stretches(rules=rules, sessions=sessions, events=events)
    if not stretches or not draws:
        return Instants.none()
    session, starts_ms, ends_ms = np.array(stretches, dtype=np.int64).T
    clock = np.cumsum(ends_ms - starts_ms) - (ends_ms - starts_ms)  # live time that has gone by before each stretch
    minutes, lengths = _minutes(session, clock, int(clock[-1] + ends_ms[-1] - starts_ms[-1]))
    instants = minutes + generator.integers(0, lengths, size=(draws, len(minutes)))
    stretch = np.searchsorted(clock, instants, side="right") - 1
    times = (starts_ms[stretch] + instants - clock[stretch]).ravel()
    order = np.argsort(times, kind="stable")
    return Instants(
        time_ms=times[order],
        draw=np.repeat(np.arange(draws), len(minutes))[order],
        length_ms=np.tile(lengths, draws)[order],
        draws=draws,
    )


def _minutes(session: I64, clock: I64, total_ms: int) -> tuple[I64, I64]:
    """Return where each minute starts on the clock of live time, and how long it is."""
    begins = clock[np.flatnonzero(np.diff(session, prepend=-1))].tolist()
    starts = np.concatenate(
        [np.arange(begin, end, MINUTE_MS) for begin, end in zip(begins, [*begins[1:], total_ms], strict=True)]
    )
    return starts, np.diff(starts, append=total_ms)
