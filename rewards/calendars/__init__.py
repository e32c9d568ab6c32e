"""Session intervals of exchanges: which hours are regular, which are before, after, overnight or shut."""

from rewards.calendars.epochs import days_later_ms
from rewards.calendars.sessions import build_sessions, calendar_names, calendar_zone

__all__ = ["build_sessions", "calendar_names", "calendar_zone", "days_later_ms"]
