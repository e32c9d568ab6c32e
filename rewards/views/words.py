"""Numbers, times and states in the words that people read; pure, so that every rule has a worked example."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")

KIND_NAMES = {
    "regular": "Regular hours",
    "pre": "Before the open",
    "post": "After the close",
    "overnight": "Overnight",
    "weekend": "Weekend",
    "holiday": "Holiday",
}
"""Kinds of session in the order in which tables list them."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_NON_BREAKING = "\N{NO-BREAK SPACE}"
_SMALL_DIGITS = 6
"""Below one hundredth, an amount shows two significant digits within this many decimals."""


@dataclass(frozen=True, slots=True)
class AmountText:
    """An amount as people read it (`short`, rounded down) and in full."""

    short: str
    full: str


def amount_text(*, raw: int, decimals: int, in_column: bool = False) -> AmountText:
    """Write an amount of the token's smallest unit; the short form never shows more than there is.

    Args:
        raw: amount in the token's smallest unit; may be negative (a change).
        decimals: how many decimals the token has.
        in_column: keep two decimals even for whole numbers, so that the points of a column align.
    """
    sign, size = ("−" if raw < 0 else ""), abs(raw)
    whole, part = divmod(size, 10**decimals)
    digits = f"{part:0{decimals}d}" if decimals else ""
    full_digits = digits.rstrip("0")
    full = sign + f"{whole:,}" + (f".{full_digits}" if full_digits else "")
    short = _short(whole=whole, digits=digits)
    if in_column and decimals and "." not in short:
        short += ".00"
    return AmountText(short=sign + short, full=full)


def _short(*, whole: int, digits: str) -> str:
    if whole or not digits.strip("0"):
        return f"{whole:,}.{digits[:2]:0<2}" if digits and digits.strip("0") else f"{whole:,}"
    leading = len(digits) - len(digits.lstrip("0"))
    if leading < 2:
        return f"0.{digits[:2]:0<2}"
    if leading >= _SMALL_DIGITS:
        return f"<{_NON_BREAKING}0.{'0' * (_SMALL_DIGITS - 1)}1"
    return "0." + digits[: min(leading + 2, _SMALL_DIGITS)].rstrip("0")


def brief_text(*, raw: int, decimals: int) -> str:
    """Write an amount in at most five characters for a crowded table, rounded down: 0.42, 12.3, 481, 1.2k, 3.4M."""
    if raw <= 0:
        return "0"
    whole, hundredths = raw // 10**decimals, raw * 100 // 10**decimals
    if whole < 10:
        return f"{hundredths // 100}.{hundredths % 100:02d}" if hundredths else f"<{_NON_BREAKING}0.01"
    if whole < 100:
        return f"{whole}.{hundredths % 100 // 10}"
    if whole < 1000:
        return str(whole)
    for letter, size in (("k", 10**3), ("M", 10**6), ("B", 10**9)):
        tenths = whole * 10 // size
        if tenths < 10_000:
            return f"{tenths // 10}.{tenths % 10}{letter}" if tenths < 1000 else f"{tenths // 10}{letter}"
    return f"{whole // 10**9:,}B"


def share_text(*, part: int, whole: int) -> str:
    """Write part of whole as per cent with one decimal, rounded down; tiny shares do not turn into nothing."""
    if whole <= 0 or part <= 0:
        return "0%"
    tenths = part * 1000 // whole
    if tenths == 0:
        return f"<{_NON_BREAKING}0.1%"
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"


def bps_text(*, bps: int) -> str:
    """Write basis points as per cent: 75 is 0.75%."""
    whole, part = divmod(bps, 100)
    return f"{whole}%" if part == 0 else f"{whole}.{f'{part:02d}'.rstrip('0')}%"


def boost_text(*, percent: int) -> str:
    """Write a boost as a multiple: 250 is 2.5×."""
    whole, part = divmod(percent, 100)
    return f"{whole}×" if part == 0 else f"{whole}.{f'{part:02d}'.rstrip('0')}×"


def duration_text(*, ms: int) -> str:
    """Write a length of time in words, in its two largest units; parts of a second below a minute."""
    if ms < 0:
        return "−" + duration_text(ms=-ms)
    if ms < SECOND_MS:
        return _plural(ms, "millisecond") if ms else "0 seconds"
    if ms < MINUTE_MS:
        whole, tenths = divmod(ms // 100, 10)
        return _plural(whole, "second") if tenths == 0 else f"{whole}.{tenths}{_NON_BREAKING}seconds"
    units = [("day", ms // DAY_MS), ("hour", ms // HOUR_MS % 24), ("minute", ms // MINUTE_MS % 60)]
    if ms < HOUR_MS:
        units.append(("second", ms // SECOND_MS % 60))
    first = next(index for index, (_, count) in enumerate(units) if count)
    return " ".join(_plural(count, name) for name, count in units[first : first + 2] if count)


def _plural(count: int, name: str) -> str:
    return f"{count:,}{_NON_BREAKING}{name}" + ("" if count == 1 else "s")


def hours_text(*, ms: int) -> str:
    """Write a length of time in hours with one decimal, rounded down: for columns that are compared."""
    tenths = ms * 10 // HOUR_MS
    return f"{tenths // 10:,}.{tenths % 10}{_NON_BREAKING}h"


@dataclass(frozen=True, slots=True)
class MomentText:
    """A moment as New York and UTC clocks show it."""

    iso: str
    new_york: str
    utc: str


def moment_text(*, time_ms: int) -> MomentText:
    """Write a time (ms since 1970, UTC) with day and minute in New York, and in UTC with its day if that differs."""
    utc = dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC)
    local = utc.astimezone(NEW_YORK)
    same_day = utc.date() == local.date()
    return MomentText(
        iso=utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        new_york=f"{_day(local)}, {local:%H:%M}",
        utc=f"{utc:%H:%M}" if same_day else f"{_weekday_and_day(utc)}, {utc:%H:%M}",
    )


def _day(moment: dt.datetime) -> str:
    return f"{_weekday_and_day(moment)} {moment:%Y}"


def _weekday_and_day(moment: dt.datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b}"


def period_text(*, start_ms: int, end_ms: int) -> str:
    """Write a half-open span as New York days, the last one included: 9 to 15 Nov 2026."""
    first = dt.datetime.fromtimestamp(start_ms / 1000, tz=NEW_YORK).date()
    last = dt.datetime.fromtimestamp((end_ms - 1) / 1000, tz=NEW_YORK).date()
    end = f"{last.day} {last:%b %Y}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} to {end}"


def short_hex(text: str) -> str:
    """Shorten an address or hash for people: 0x1234…cdef; short texts stay as they are."""
    return text if len(text) <= 14 else f"{text[:6]}…{text[-4:]}"
