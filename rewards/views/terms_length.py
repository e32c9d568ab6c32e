"""The two entries of the form beside the terms: how long an epoch is, and when the first one begins."""

from dataclasses import dataclass, field
from datetime import datetime

from django.http import QueryDict

from rewards.calendars import AfterLastDayError, calendar_zone, days_later_ms
from rewards.models import Program, TermsVersion
from rewards.selectors.terms_ruling import needs_first_start
from rewards.services.terms_versions import MOST_DAYS


@dataclass(slots=True)
class Length:
    """Texts as typed, what they mean, and what is wrong by entry. asks_start: no epoch runs, so a date is needed."""

    days: str
    asks_start: bool
    start: str = ""
    epoch_days: int = 0
    start_ms: int | None = None
    errors: dict[str, str] = field(default_factory=dict)


def length_of(*, version: TermsVersion, now_ms: int) -> Length:
    """Return a version's entries."""
    program, start = version.program, ""
    if version.first_start_ms is not None:
        zone = calendar_zone(program.calendar)
        start = f"{datetime.fromtimestamp(version.first_start_ms / 1000, tz=zone):%Y-%m-%dT%H:%M}"
    return Length(
        days=str(version.epoch_days),
        asks_start=version.first_start_ms is not None or needs_first_start(program=program, now_ms=now_ms),
        start=start,
    )


def length_of_post(post: QueryDict, *, program: Program, now_ms: int) -> Length:
    """Read the entries out of a form and say what is wrong with them."""
    length = Length(
        days=post.get("epoch_days", "").strip(),
        asks_start=needs_first_start(program=program, now_ms=now_ms),
        start=post.get("first_start", "").strip(),
    )
    if length.days.isdecimal() and len(length.days) < 6 and 1 <= int(length.days) <= MOST_DAYS:
        length.epoch_days = int(length.days)
    else:
        length.errors["epoch_days"] = f"It has to be a whole number from 1 to {MOST_DAYS}."
    if length.asks_start:
        _read_start(length, program, now_ms)
    return length


def _read_start(length: Length, program: Program, now_ms: int) -> None:
    try:
        begins = datetime.fromisoformat(length.start).replace(tzinfo=calendar_zone(program.calendar))
    except ValueError:
        length.errors["first_start"] = "Give the day and the hour, as 2026-12-07T00:00."
        return
    length.start_ms = int(begins.timestamp()) * 1000
    if length.start_ms <= now_ms:
        length.errors["first_start"] = "It has to lie ahead."
        return
    try:
        days_later_ms(program.calendar, length.start_ms, length.epoch_days or 1)
    except AfterLastDayError as error:
        length.errors["first_start"] = (
            f"The epoch would reach beyond {error.last:%Y-%m-%d}, where the calendar {error.calendar} ends. "
            "Begin it earlier."
        )
