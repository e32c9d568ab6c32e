"""Measured figures as a table: the median of several runs beside its target."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. `runs` holds each run's value; `at_least` says whether more is better."""

    what: str
    runs: Sequence[float]
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.runs)

    @property
    def is_met(self) -> bool:
        """Whether the median reaches the target; figures without one are always as they are."""
        if self.target is None:
            return True
        return self.median >= self.target if self.at_least else self.median <= self.target

    def cells(self) -> tuple[str, ...]:
        """The row's texts."""
        sign = ">=" if self.at_least else "<="
        target = "" if self.target is None else f"{sign} {_text(self.target)} {self.unit}"
        spread = f"{_text(min(self.runs))} to {_text(max(self.runs))}, {len(self.runs)} runs"
        return (self.what, f"{_text(self.median)} {self.unit}", target, spread, "" if self.is_met else "MISSED")


def print_table(title: str, rows: Sequence[Row]) -> int:
    """Print the rows with aligned columns; return how many miss their target."""
    cells = [("what", "median", "target", "range", ""), *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return sum(not row.is_met for row in rows)


def repeat(measure: Callable[[], float], *, runs: int, warm_up: int = 1) -> list[float]:
    """Return what `measure` returned in each run after some that don't count."""
    for _ in range(warm_up):
        measure()
    return [measure() for _ in range(runs)]


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
