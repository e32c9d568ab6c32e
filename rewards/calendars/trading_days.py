"""Trading days of an exchange: opens, closes, lunch breaks; pandas-market-calendars with corrections."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rewards.calendars.rules import DayException, Rules

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One day on which the exchange trades. Times are int ms UTC; `date` is the exchange's own.

    `lunch_ms` is (start, end) of the lunch break, None without one.
    """

    date: dt.date
    open_ms: int
    close_ms: int
    is_early: bool
    lunch_ms: tuple[int, int] | None = None


def trading_days(rules: Rules, *, first: dt.date, last: dt.date) -> list[TradingDay]:
    """Return the trading days from `first` to `last` (both included), ascending, corrections applied."""
    days: dict[dt.date, TradingDay] = {}
    for year in range(first.year, last.year + 1):
        days.update({day.date: day for day in _library_days(rules.source, year)})
    for date, exception in rules.exceptions.items():
        days.pop(date, None)
        if exception.trading is not None:
            days[date] = _exceptional_day(rules, exception)
    return [days[date] for date in sorted(days) if first <= date <= last]


def local_ms(rules: Rules, date: dt.date, time: dt.time) -> int:
    """Return the moment of a local date and time of day, int ms UTC."""
    return _ms(dt.datetime.combine(date, time, tzinfo=rules.zone))


def _exceptional_day(rules: Rules, exception: DayException) -> TradingDay:
    assert exception.trading is not None  # noqa: S101 - the caller has looked; this tells the type checker
    opens, closes = (local_ms(rules, exception.date, time) for time in exception.trading)
    return TradingDay(exception.date, opens, closes, exception.is_early)


@lru_cache(maxsize=512)
def _library_days(source: str, year: int) -> tuple[TradingDay, ...]:
    """Ask the library for one year, once per process."""
    # Imported here, since it takes seconds and most processes never build sessions.
    import pandas_market_calendars as mcal

    # The library still uses names that pandas will drop; its results are checked in tests, and its
    # warnings are no business of whoever asks for sessions.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = mcal.get_calendar(source)
        schedule = calendar.schedule(start_date=f"{year}-01-01", end_date=f"{year}-12-31")
        early = set(calendar.early_closes(schedule).index)
        rows = [(index.date(), row, index in early) for index, row in schedule.iterrows()]
    return tuple(_library_day(date, row, is_early) for date, row, is_early in rows)


def _library_day(date: dt.date, row: Any, is_early: bool) -> TradingDay:
    lunch = None
    if "break_start" in row.index and row["break_start"] == row["break_start"]:  # not NaT
        lunch = (_ms(row["break_start"]), _ms(row["break_end"]))
    return TradingDay(date, _ms(row["market_open"]), _ms(row["market_close"]), is_early, lunch)


def _ms(moment: dt.datetime) -> int:
    # A whole number of ms: floor division of timedeltas is exact, unlike timestamp().
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)
