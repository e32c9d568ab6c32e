"""The kinds of columns that rows are made of. Each carries its unit, which goes into the schema and into Parquet.

An amount is a decimal string of the token's smallest unit: JSON's numbers end at 2^53 in many a program.
"""

import datetime as dt
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

RAW: Final = "the token's smallest unit"
MS: Final = "ms since 1970, UTC"


class Row(serializers.Serializer):  # type: ignore[misc]  # untyped
    """A row of an answer. The serializers say what it looks like; views hand out dicts of exactly these keys."""


class _WithUnit:
    unit = ""

    def __init__(self, text: str, *, unit: str = "", **options: Any) -> None:
        self.unit = unit or self.unit
        # drf-spectacular and Parquet both read help_text.
        help_text = f"{text} Unit: {self.unit}." if self.unit else text
        super().__init__(help_text=help_text, **options)  # type: ignore[call-arg]  # a field of DRF's comes next


class Text(_WithUnit, serializers.CharField):  # type: ignore[misc]  # untyped
    """Text."""


@extend_schema_field({"type": "string", "pattern": "^0x[0-9a-f]*$"})
class Hex(_WithUnit, serializers.CharField):  # type: ignore[misc]  # untyped
    """0x hex, lower case."""


@extend_schema_field({"type": "string", "pattern": "^-?[0-9]+$"})
class Raw(_WithUnit, serializers.CharField):  # type: ignore[misc]  # untyped
    """An amount, as a decimal string."""

    unit = RAW


class Whole(_WithUnit, serializers.IntegerField):  # type: ignore[misc]  # untyped
    """An integer that stays below 2^53."""


class Fraction(_WithUnit, serializers.FloatField):  # type: ignore[misc]  # untyped
    """A number with a fraction, or null."""


class Flag(_WithUnit, serializers.BooleanField):  # type: ignore[misc]  # untyped
    """True or false."""


class Ms(_WithUnit, serializers.IntegerField):  # type: ignore[misc]  # untyped
    """A moment as ms since 1970, UTC; `moment` gives it together with the same in ISO 8601."""

    unit = MS


@extend_schema_field({"type": "string", "format": "date-time"})
class Iso(_WithUnit, serializers.CharField):  # type: ignore[misc]  # untyped
    """A moment in ISO 8601, UTC, with milliseconds."""


def iso(time_ms: int | None) -> str | None:
    """Write a moment in ISO 8601, as 2025-11-26T19:02:00.000Z."""
    if time_ms is None:
        return None
    seconds, rest = divmod(time_ms, 1000)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def moment(name: str, time_ms: int | None) -> dict[str, Any]:
    """Return the two columns of a moment: NAME_ms and NAME."""
    return {f"{name}_ms": time_ms, name: iso(time_ms)}


def stamp(name: str, at: dt.datetime | None) -> dict[str, Any]:
    """Return the two columns of a moment that a clock of ours gave."""
    return moment(name, None if at is None else int(at.timestamp() * 1000))


def raw(amount: int | None) -> str | None:
    """Write an amount."""
    return None if amount is None else str(amount)
