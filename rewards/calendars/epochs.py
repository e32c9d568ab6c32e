"""When an epoch of so many days ends: the same hour by the exchange's clock, also where that clock is changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from rewards.calendars.sessions import calendar_zone


def days_later_ms(calendar: str, start_ms: int, days: int) -> int:
    """Return the moment (ms UTC) that lies `days` days after `start_ms` by the clock of the calendar's exchange.

    Raises UnknownCalendarError and RulesError.
    """
    zone = calendar_zone(calendar)
    begins = datetime.fromtimestamp(start_ms // 1000, tz=zone)
    ends = (begins.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    return int(ends.timestamp()) * 1000 + start_ms % 1000
