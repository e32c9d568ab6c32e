"""The dated rules of one exchange, read from its data file and checked.

What the exchange publishes day by day (trading days, opens, closes) comes from pandas-market-calendars; what
nobody publishes (where pre-market, overnight and weekend begin and end) is in these files, with the date from
which it holds, and so are corrections to the library's days.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rewards.calendars.errors import RulesError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LIBRARYS_END = dt.date(2262, 4, 1)
"""Times of the library are ns in 64 bits, which end in that month."""
_TIME_KEYS = ("pre", "post_end", "post_end_early", "overnight_start", "weekend_start", "weekend_end")


@dataclass(frozen=True, slots=True)
class Hours:
    """Local times of day that hold for trading days from `first` on.

    `weekend_start` is used when the week's last weekday is closed; otherwise the weekend begins where that
    day's post ends. `weekend_end` belongs to the week that begins then.
    """

    first: dt.date
    pre: dt.time
    post_end: dt.time
    post_end_early: dt.time
    overnight_start: dt.time
    weekend_start: dt.time
    weekend_end: dt.time


@dataclass(frozen=True, slots=True)
class DayException:
    """What one date really is, whatever the library says: closed, or open at other times (local)."""

    date: dt.date
    why: str
    trading: tuple[dt.time, dt.time] | None
    is_early: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """One exchange: `source` names its calendar in pandas-market-calendars.

    `break_kind` is the kind of a lunch break, None where there is none. `last_weekday` and `weekend_last_day`
    are Python's numbers (Monday is 0) of the last day that can trade and of the day on which weekends end. `last_day`
    is the last one of which the source knows whether the exchange trades.
    """

    name: str
    source: str
    zone: ZoneInfo
    break_kind: str | None
    last_weekday: int
    weekend_last_day: int
    last_day: dt.date
    hours: tuple[Hours, ...]
    exceptions: Mapping[dt.date, DayException]

    def hours_on(self, date: dt.date) -> Hours | None:
        """Return the hours that hold on a date, None before the first ones."""
        valid = [each for each in self.hours if each.first <= date]
        return valid[-1] if valid else None


@lru_cache(maxsize=64)
def read_rules(path: Path) -> Rules:
    """Read one data file. Raises RulesError, which names the file and the key."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulesError(path=path, key="the file", reason=f"it cannot be read ({error})") from error
    table = _Table(path=path, where="", data=data)
    table.only(
        "source", "timezone", "break_kind", "last_weekday", "weekend_last_day", "last_day", "hours", "exceptions"
    )
    hours = tuple(_hours(each) for each in table.tables("hours"))
    if not hours or any(late.first <= early.first for early, late in pairwise(hours)):
        raise RulesError(path=path, key="hours", reason="it needs at least one row, dates ascending")
    exceptions = [_exception(each) for each in table.tables("exceptions")]
    if len({each.date for each in exceptions}) < len(exceptions):
        raise RulesError(path=path, key="exceptions", reason="a date is there twice")
    return Rules(
        name=path.stem,
        source=table.text("source"),
        zone=_zone(table),
        break_kind=table.choice("break_kind", ("regular", "pre", "post")) if "break_kind" in data else None,
        last_weekday=WEEKDAYS.index(table.choice("last_weekday", WEEKDAYS)),
        weekend_last_day=WEEKDAYS.index(table.choice("weekend_last_day", WEEKDAYS)),
        last_day=_last_day(table, hours),
        hours=hours,
        exceptions={each.date: each for each in exceptions},
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table that knows where it is, so that every complaint can say so."""

    path: Path
    where: str
    data: Mapping[str, Any]

    def error(self, key: str, reason: str) -> RulesError:
        return RulesError(path=self.path, key=f"{self.where}{key}", reason=reason)

    def only(self, *keys: str) -> None:
        for key in self.data:
            if key not in keys:
                raise self.error(key, f"there is no such key; known are {', '.join(keys)}")

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value:
            raise self.error(key, "it has to be a text")
        return value

    def choice(self, key: str, among: tuple[str, ...]) -> str:
        value = self.data.get(key)
        if value not in among:
            raise self.error(key, f"it has to be one of {', '.join(among)}")
        return str(value)

    def date(self, key: str) -> dt.date:
        value = self.data.get(key)
        if type(value) is not dt.date:
            raise self.error(key, "it has to be a date, as 2026-01-31")
        return value

    def time(self, key: str) -> dt.time:
        value = self.data.get(key)
        if type(value) is not dt.time:
            raise self.error(key, "it has to be a time of day, as 20:00:00")
        return value

    def tables(self, key: str) -> list[_Table]:
        rows = self.data.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(key, "it has to be a list of tables")
        return [
            _Table(path=self.path, where=f"{self.where}{key}[{number}].", data=row) for number, row in enumerate(rows)
        ]


def _zone(table: _Table) -> ZoneInfo:
    try:
        return ZoneInfo(table.text("timezone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise table.error("timezone", "there is no such time zone") from error


def _last_day(table: _Table, hours: tuple[Hours, ...]) -> dt.date:
    last = table.date("last_day")
    if not hours[0].first < last < _LIBRARYS_END:
        raise table.error("last_day", f"it has to lie after the first hours and before {_LIBRARYS_END}")
    return last


def _hours(table: _Table) -> Hours:
    table.only("from", *_TIME_KEYS)
    hours = Hours(first=table.date("from"), **{key: table.time(key) for key in _TIME_KEYS})
    if not hours.pre < hours.post_end_early <= hours.post_end <= hours.overnight_start:
        reason = "pre, post_end_early, post_end and overnight_start have to follow one another within a day"
        raise table.error("pre", reason)
    return hours


def _exception(table: _Table) -> DayException:
    table.only("date", "why", "closed", "open", "close", "early")
    closed, early = table.data.get("closed", False), table.data.get("early", False)
    if type(closed) is not bool or type(early) is not bool:
        raise table.error("closed", "closed and early have to be true or false")
    if closed == ("open" in table.data) or ("open" in table.data) != ("close" in table.data):
        raise table.error("closed", "write either closed = true, or both open and close")
    trading = None if closed else (table.time("open"), table.time("close"))
    if trading is not None and trading[0] >= trading[1]:
        raise table.error("open", "it has to come before close")
    return DayException(date=table.date("date"), why=table.text("why"), trading=trading, is_early=early)
