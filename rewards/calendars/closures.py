"""Closures that no calendar knew when an epoch's sessions were fixed: what those days become, and nothing else."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from rewards.calendars.sessions import DATA_DIR, Interval, build_sessions, calendar_zone


def days_within(calendar: str, spans: Iterable[tuple[int, int]], *, data_dir: Path = DATA_DIR) -> set[dt.date]:
    """Return the exchange's own days that the spans (ms UTC, half-open) touch."""
    zone = calendar_zone(calendar, data_dir=data_dir)
    days = set()
    for from_ms, to_ms in spans:
        day, last = (dt.datetime.fromtimestamp(at // 1000, zone).date() for at in (from_ms, to_ms - 1))
        while day <= last:
            days.add(day)
            day += dt.timedelta(days=1)
    return days


def close_days(
    rows: Sequence[Interval], *, calendar: str, days: Collection[dt.date], data_dir: Path = DATA_DIR
) -> list[Interval]:
    """Return sessions in which the exchange is closed on these days, by the calendar's rules for closed days.

    Only what the closures change is new: everything else stays as it was fixed, whatever the calendar says by now.
    """
    start_ms, end_ms = rows[0][0], rows[-1][1]
    if not days:
        return list(rows)
    usual = build_sessions(calendar, start_ms, end_ms, data_dir=data_dir)
    closed = build_sessions(calendar, start_ms, end_ms, data_dir=data_dir, closed=days)
    cuts = sorted({start for start, _, _ in (*rows, *usual, *closed)})
    result: list[Interval] = []
    for start, end in zip(cuts, [*cuts[1:], end_ms], strict=True):
        before, after = _kind_at(usual, start), _kind_at(closed, start)
        kind = _kind_at(rows, start) if before == after else after
        if result and result[-1][2] == kind:
            result[-1] = (result[-1][0], end, kind)
        else:
            result.append((start, end, kind))
    return result


def _kind_at(rows: Sequence[Interval], time_ms: int) -> str:
    return rows[bisect_right(rows, time_ms, key=lambda row: row[0]) - 1][2]
