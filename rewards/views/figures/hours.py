"""The table of the hours of the week: brighter where an hour brought more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rewards.views.figures.week import LEVELS

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = 24


class HourLike(Protocol):
    """What the table needs of an hour of the week; weekday 0 is Monday, in New York."""

    @property
    def weekday(self) -> int:
        """Which day."""
        ...

    @property
    def hour(self) -> int:
        """Which hour of the day."""
        ...

    @property
    def per_hour(self) -> int:
        """What an hour of it brought (the token's smallest unit)."""
        ...


@dataclass(frozen=True, slots=True)
class HourCell:
    """One hour of one weekday. level: 0 to 5; None where there was no time, and then raw is None, too."""

    raw: int | None
    level: int | None


@dataclass(frozen=True, slots=True)
class DayOfHours:
    """A weekday with its 24 hours."""

    weekday: str
    cells: tuple[HourCell, ...]


def hour_rows(*, hours: Sequence[HourLike]) -> tuple[DayOfHours, ...]:
    """Lay hours out by weekday; nothing earned is level 0, the best hour the highest."""
    known = {(each.weekday, each.hour): each.per_hour for each in hours}
    most = max(known.values(), default=0)
    return tuple(
        DayOfHours(name, tuple(_cell(known.get((day, hour)), most) for hour in range(HOURS)))
        for day, name in enumerate(WEEKDAYS)
    )


def _cell(raw: int | None, most: int) -> HourCell:
    if raw is None:
        return HourCell(None, None)
    return HourCell(raw, 0 if raw <= 0 or most <= 0 else 1 + raw * (LEVELS - 2) // most)
