"""Session intervals of exchanges: which hours are regular, which are before, after, overnight or shut."""

from rewards.calendars.closures import close_days, days_within
from rewards.calendars.epochs import days_later_ms
from rewards.calendars.errors import AfterLastDayError
from rewards.calendars.sessions import build_sessions, calendar_names, calendar_zone

__all__ = [
    "AfterLastDayError",
    "build_sessions",
    "calendar_names",
    "calendar_zone",
    "close_days",
    "days_later_ms",
    "days_within",
]
