"""What a flag says: its size in numbers, one plain sentence, and the rows that a person looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SERIOUS, NOTE = "serious", "note"
MOST_ROWS = 20
"""Rows of evidence that a flag keeps: enough to look at, and the rest is in the public events."""

Figure = int | float | str
Money = Callable[[int], str]
"""Writes an amount of the token's smallest unit in words."""


@dataclass(frozen=True)
class Finding:
    """One flag. subjects: makers' ids or accounts. figures: amounts are decimal strings. evidence: rows with the same
    keys."""

    code: str
    level: str
    subjects: tuple[str, ...]
    sentence: str
    figures: Mapping[str, Figure]
    evidence: Sequence[Mapping[str, Figure]] = field(default=())
    where: str = ""

    @property
    def key(self) -> str:
        """What makes it the same flag when it is found again: market and subjects."""
        return "|".join((self.where, *self.subjects))[:200]


def percent(part: float) -> str:
    """Write a part of one in per cent."""
    return f"{part:.0%}" if part >= 0.1 else f"{part:.1%}"


def parts_of(pay: Mapping[str, int], whole: int) -> dict[str, int]:
    """Return each amount in parts per million of the whole, rounded down."""
    return {name: amount * 1_000_000 // whole if whole else 0 for name, amount in pay.items()}
