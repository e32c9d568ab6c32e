"""The picture of a week: one row a New York day, one block a session, brighter where more is paid."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rewards.views.words import DAY_MS, KIND_NAMES, NEW_YORK, boost_text

LEVELS = 6
MOST_ROWS = 8
"""A week that starts in the evening touches eight days; longer epochs show the part around the clock."""
HOUR_MARKS = (0, 4, 8, 12, 16, 20, 24)
_LABEL_FITS_PERCENT = 9.0
"""A block narrower than this share of a day holds no text, even on a wide screen."""


class SessionLike(Protocol):
    """What the picture needs of a session."""

    @property
    def start_ms(self) -> int:
        """When it starts (ms UTC)."""
        ...

    @property
    def end_ms(self) -> int:
        """When it ends (ms UTC)."""
        ...

    @property
    def kind(self) -> str:
        """Which kind it is."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """One session's part of one day; x and width are per cent of the row."""

    x: str
    width: str
    middle: str
    kind: str
    name: str
    boost: str
    level: int
    has_label: bool
    is_now: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class DayRow:
    """One New York day; `now_x` is where the clock stands, in per cent, on that day only."""

    weekday: str
    date: str
    is_today: bool
    now_x: str | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class HourMark:
    """A mark of the hour axis."""

    x: str
    text: str


@dataclass(frozen=True, slots=True)
class Week:
    """The whole picture."""

    days: tuple[DayRow, ...]
    hours: tuple[HourMark, ...]


def week_figure(*, sessions: Sequence[SessionLike], boosts: Mapping[str, int], clock_ms: int | None) -> Week:
    """Lay the sessions out by New York days.

    Args:
        sessions: contiguous, ascending, half-open; ms UTC.
        boosts: per cent by kind of session.
        clock_ms: the chain's clock, or None when no block is known.
    """
    levels = boost_levels(boosts=boosts)
    days = _days_shown(sessions=sessions, clock_ms=clock_ms)
    rows = tuple(_row(day, sessions, boosts, levels, clock_ms) for day in days)
    hours = tuple(HourMark(x=_percent(hour / 24), text=f"{hour:02d}") for hour in HOUR_MARKS)
    return Week(days=rows, hours=hours)


def boost_levels(*, boosts: Mapping[str, int]) -> dict[str, int]:
    """Map kinds to brightness 0 (least paid) to 5 (most paid), in proportion to the boost."""
    low, high = min(boosts.values()), max(boosts.values())
    if high == low:
        return dict.fromkeys(boosts, 0)
    return {kind: (boost - low) * (LEVELS - 1) // (high - low) for kind, boost in boosts.items()}


def _days_shown(*, sessions: Sequence[SessionLike], clock_ms: int | None) -> list[dt.date]:
    if not sessions:
        return []
    first, last = _local(sessions[0].start_ms).date(), _local(sessions[-1].end_ms - 1).date()
    days = [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
    if len(days) <= MOST_ROWS:
        return days
    today = _local(clock_ms).date() if clock_ms is not None else first
    monday = max(first, min(today, last) - dt.timedelta(days=min(today, last).weekday()))
    return [day for day in days if monday <= day < monday + dt.timedelta(days=7)]


def _row(
    day: dt.date,
    sessions: Sequence[SessionLike],
    boosts: Mapping[str, int],
    levels: Mapping[str, int],
    clock_ms: int | None,
) -> DayRow:
    start_ms, end_ms = _midnight_ms(day), _midnight_ms(day + dt.timedelta(days=1))
    parts = [s for s in sessions if s.start_ms < end_ms and s.end_ms > start_ms]
    is_today = clock_ms is not None and start_ms <= clock_ms < end_ms
    return DayRow(
        weekday=f"{day:%a}",
        date=f"{day.day} {day:%b}",
        is_today=is_today,
        now_x=_percent(_wall_fraction(clock_ms)) if is_today and clock_ms is not None else None,
        blocks=tuple(_block(s, start_ms, end_ms, boosts, levels, clock_ms) for s in parts),
    )


def _block(
    session: SessionLike,
    day_start_ms: int,
    day_end_ms: int,
    boosts: Mapping[str, int],
    levels: Mapping[str, int],
    clock_ms: int | None,
) -> Block:
    left = 0.0 if session.start_ms <= day_start_ms else _wall_fraction(session.start_ms)
    right = 1.0 if session.end_ms >= day_end_ms else _wall_fraction(session.end_ms)
    return Block(
        x=_percent(left),
        width=_percent(right - left),
        middle=_percent((left + right) / 2),
        kind=session.kind,
        name=KIND_NAMES[session.kind],
        boost=boost_text(percent=boosts[session.kind]),
        level=levels[session.kind],
        has_label=(right - left) * 100 >= _LABEL_FITS_PERCENT,
        is_now=clock_ms is not None and session.start_ms <= clock_ms < session.end_ms,
        is_past=clock_ms is not None and min(session.end_ms, day_end_ms) <= clock_ms,
    )


def _local(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1000, tz=NEW_YORK)


def _midnight_ms(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=NEW_YORK).timestamp() * 1000)


def _wall_fraction(time_ms: int) -> float:
    # By the clock on the wall, so that 09:30 stands under 09:30 on the days the clocks change, too.
    local = _local(time_ms)
    return (local.hour * 3_600_000 + local.minute * 60_000 + local.second * 1000) / DAY_MS


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.3f}".rstrip("0").rstrip(".") + "%"
