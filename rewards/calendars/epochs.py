"""When an epoch of so many days ends: the same hour by the exchange's clock, also where that clock is changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rewards.calendars.sessions import calendar_zone, check_reach

_DAY_MS: Final = 86_400_000


def days_later_ms(calendar: str, start_ms: int, days: int) -> int:
    """Return the moment (ms UTC) that lies `days` days after `start_ms` by the clock of the calendar's exchange.

    Raises UnknownCalendarError, RulesError, and AfterLastDayError when the calendar does not reach that far.
    """
    # Before any date is made of it, which may lie beyond all dates; a change of the clock is less than a day.
    check_reach(calendar, start_ms + (days - 1) * _DAY_MS)
    zone = calendar_zone(calendar)
    begins = datetime.fromtimestamp(start_ms // 1000, tz=zone)
    ends = (begins.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    end_ms = int(ends.timestamp()) * 1000 + start_ms % 1000
    check_reach(calendar, end_ms)
    return end_ms
