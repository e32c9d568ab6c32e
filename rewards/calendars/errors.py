"""What can go wrong with calendars: an unknown one, rules that contradict themselves, a range out of their reach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path


class CalendarError(Exception):
    """Base of every error of calendars. None of them goes away by trying again."""

    retryable = False


class UnknownCalendarError(CalendarError):
    """No data file has this name."""

    def __init__(self, *, calendar: str, known: Sequence[str]) -> None:
        self.calendar, self.known = calendar, tuple(known)
        super().__init__(f"There is no calendar {calendar!r}; the known ones are {', '.join(known)}.")


class RulesError(CalendarError):
    """A calendar's data file is not complete or contradicts itself. `key` says where."""

    def __init__(self, *, path: Path, key: str, reason: str) -> None:
        self.path, self.key, self.reason = path, key, reason
        super().__init__(f"{path.name}, {key}: {reason}.")


class TimeRangeError(CalendarError):
    """The range asked for ends before it begins."""

    def __init__(self, *, start_ms: int, end_ms: int) -> None:
        self.start_ms, self.end_ms = start_ms, end_ms
        super().__init__(f"Sessions from {start_ms} to {end_ms} were asked for; the end has to come later.")


class BeforeFirstHoursError(CalendarError):
    """The calendar's data say nothing about hours as early as this."""

    def __init__(self, *, calendar: str, date: dt.date, first: dt.date) -> None:
        self.calendar, self.date, self.first = calendar, date, first
        super().__init__(
            f"Calendar {calendar} has no hours for {date}: its first begin on {first}; "
            "add earlier ones to its data file."
        )


class AfterLastDayError(CalendarError):
    """The calendar's data say nothing about days as late as this."""

    def __init__(self, *, calendar: str, date: dt.date, last: dt.date) -> None:
        self.calendar, self.date, self.last = calendar, date, last
        super().__init__(
            f"Calendar {calendar} knows the exchange's days until {last}: what is asked of it has to end before that "
            f"day, and {date} is too late."
        )
