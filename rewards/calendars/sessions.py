"""Build the sessions of a range: contiguous intervals that cover it, each of one kind.

Source: docs/spec/scoring.md, *Sessions*. Every trading day claims its overnight, pre, regular and post; weekends
come next; what nobody claims is holiday.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from rewards.calendars.errors import (
    AfterLastDayError,
    BeforeFirstHoursError,
    RulesError,
    TimeRangeError,
    UnknownCalendarError,
)
from rewards.calendars.rules import DayException, Hours, Rules, read_rules
from rewards.calendars.trading_days import TradingDay, local_ms, trading_days

DATA_DIR = Path(__file__).with_name("data")

Interval = tuple[int, int, str]

_ONE_DAY = dt.timedelta(days=1)
# A weekend begins up to this many days before the moment it covers, and an overnight ends a day after it.
_MARGIN = 7 * _ONE_DAY


def calendar_names(*, data_dir: Path = DATA_DIR) -> list[str]:
    """Return the names of the calendars that have a data file, sorted."""
    return sorted(path.stem for path in data_dir.glob("*.toml"))


def calendar_zone(calendar: str, *, data_dir: Path = DATA_DIR) -> ZoneInfo:
    """Return the time zone of an exchange's clock. Raises UnknownCalendarError and RulesError."""
    return _rules_of(calendar, data_dir).zone


def check_reach(calendar: str, end_ms: int, *, data_dir: Path = DATA_DIR) -> None:
    """Check that a calendar says what is until a time (ms UTC, however late).

    Raises UnknownCalendarError, RulesError, AfterLastDayError.
    """
    _check_reach(_rules_of(calendar, data_dir), end_ms)


def build_sessions(
    calendar: str, start_ms: int, end_ms: int, *, data_dir: Path = DATA_DIR, closed: Collection[dt.date] = ()
) -> list[Interval]:
    """Return (start_ms, end_ms, kind), ascending and contiguous, covering exactly [start_ms, end_ms).

    calendar: name of a data file, as XNYS. Times are int ms UTC. Neighbours are of different kinds. closed: days on
    which the exchange is closed beside those that its data know of.
    Raises UnknownCalendarError, RulesError, TimeRangeError, BeforeFirstHoursError, AfterLastDayError.
    """
    if start_ms >= end_ms:
        raise TimeRangeError(start_ms=start_ms, end_ms=end_ms)
    rules = _with_closed(_rules_of(calendar, data_dir), closed)
    _check_reach(rules, end_ms)
    first = _local_date(rules, start_ms) - _MARGIN
    last = min(_local_date(rules, end_ms) + _MARGIN, rules.last_day)
    days = trading_days(rules, first=first, last=last)
    claimed = _without_overlap(rules, (part for day in days for part in _parts_of_day(rules, day)))
    weekends = list(_weekends(rules, first, last, days))
    covered = _fill(start_ms, end_ms, claimed, _fill(start_ms, end_ms, weekends, [(start_ms, end_ms, "holiday")]))
    return _merged(covered)


def _check_reach(rules: Rules, end_ms: int) -> None:
    # The evening of a day is part of the next one's night, so the last day itself can't be told whole.
    if end_ms > local_ms(rules, rules.last_day, dt.time()):
        # Whoever asks for a time that no date has is told of the last date that there is.
        last_ms = local_ms(rules, dt.date.max - _MARGIN, dt.time())
        date = _local_date(rules, end_ms) if end_ms < last_ms else dt.date.max
        raise AfterLastDayError(calendar=rules.name, date=date, last=rules.last_day)


def _rules_of(calendar: str, data_dir: Path) -> Rules:
    known = calendar_names(data_dir=data_dir)
    if calendar not in known:
        raise UnknownCalendarError(calendar=calendar, known=known)
    return read_rules(data_dir / f"{calendar}.toml")


def _with_closed(rules: Rules, days: Collection[dt.date]) -> Rules:
    found = {day: DayException(date=day, why="entered by people", trading=None, is_early=False) for day in days}
    return replace(rules, exceptions={**rules.exceptions, **found}) if found else rules


def _local_date(rules: Rules, time_ms: int) -> dt.date:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=time_ms)).astimezone(rules.zone).date()


def _hours_on(rules: Rules, date: dt.date) -> Hours:
    hours = rules.hours_on(date)
    if hours is None:
        raise BeforeFirstHoursError(calendar=rules.name, date=date, first=rules.hours[0].first)
    return hours


def _post_end_ms(rules: Rules, day: TradingDay) -> int:
    hours = _hours_on(rules, day.date)
    return local_ms(rules, day.date, hours.post_end_early if day.is_early else hours.post_end)


def _parts_of_day(rules: Rules, day: TradingDay) -> Iterator[Interval]:
    """Yield what a trading day claims, from the evening before on."""
    hours = _hours_on(rules, day.date)
    pre_ms = local_ms(rules, day.date, hours.pre)
    yield local_ms(rules, day.date - _ONE_DAY, hours.overnight_start), pre_ms, "overnight"
    yield pre_ms, day.open_ms, "pre"
    if day.lunch_ms is None or rules.break_kind is None:
        yield day.open_ms, day.close_ms, "regular"
    else:
        yield day.open_ms, day.lunch_ms[0], "regular"
        yield day.lunch_ms[0], day.lunch_ms[1], rules.break_kind
        yield day.lunch_ms[1], day.close_ms, "regular"
    yield day.close_ms, _post_end_ms(rules, day), "post"


def _without_overlap(rules: Rules, parts: Iterable[Interval]) -> list[Interval]:
    """Check that what trading days claim is in order; a day of odd times shows here."""
    claimed: list[Interval] = []
    for part in parts:
        if part[0] > part[1] or (claimed and part[0] < claimed[-1][1]):
            moment = dt.datetime.fromtimestamp(part[0] / 1000, rules.zone)
            reason = f"the {part[2]} from {moment:%Y-%m-%d %H:%M} on overlaps the session before or has no end"
            raise RulesError(path=Path(f"{rules.name}.toml"), key="hours", reason=reason)
        claimed.append(part)
    return claimed


def _weekends(rules: Rules, first: dt.date, last: dt.date, days: list[TradingDay]) -> Iterator[Interval]:
    """Yield every weekend whose last trading weekday lies between the two dates."""
    by_date = {day.date: day for day in days}
    date = first + (rules.last_weekday - first.weekday()) % 7 * _ONE_DAY
    while date <= last:
        end_date = date + (rules.weekend_last_day - rules.last_weekday) % 7 * _ONE_DAY
        end_ms = local_ms(rules, end_date, _hours_on(rules, end_date + _ONE_DAY).weekend_end)
        if day := by_date.get(date):
            yield _post_end_ms(rules, day), end_ms, "weekend"
        else:
            yield local_ms(rules, date, _hours_on(rules, date).weekend_start), end_ms, "weekend"
        date += 7 * _ONE_DAY


def _fill(start_ms: int, end_ms: int, upper: list[Interval], lower: list[Interval]) -> list[Interval]:
    """Lay `upper` (ascending, disjoint) over `lower`, which covers [start_ms, end_ms) exactly."""
    covered: list[Interval] = []
    position, below = start_ms, 0
    for begin, finish, kind in [*upper, (end_ms, end_ms, "")]:
        begin, finish = max(begin, start_ms), min(finish, end_ms)
        if begin > finish:
            continue
        while position < begin:
            while lower[below][1] <= position:
                below += 1
            until = min(lower[below][1], begin)
            covered.append((position, until, lower[below][2]))
            position = until
        if begin < finish:
            covered.append((begin, finish, kind))
            position = finish
    return covered


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, finish, kind in intervals:
        if merged and merged[-1][2] == kind:
            merged[-1] = (merged[-1][0], finish, kind)
        else:
            merged.append((begin, finish, kind))
    return merged
