"""Two lines over a programme's epochs as SVG points: what its weekends were like, and its regular hours beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 150
"""The figure's own units; the stylesheet scales it."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One epoch's value: where it is, and what it says to who rests the pointer on it."""

    x: str
    y: str
    title: str


@dataclass(frozen=True, slots=True)
class LinesFigure:
    """Both lines on one scale from nothing to `most`. Epochs without a value break a line into parts."""

    weekend: tuple[str, ...]
    regular: tuple[str, ...]
    dots: tuple[Dot, ...]
    most: str
    first: int
    last: int


def lines_figure(
    *, epochs: Sequence[int], weekend: Sequence[float | None], regular: Sequence[float | None], unit: str
) -> LinesFigure | None:
    """Lay two values an epoch out, from left to right by place; None where no weekend has a value.

    Args:
        epochs: numbers of the epochs, as long as both lists of values.
        unit: what the values are in, for the dots' titles.
    """
    most = max((value for value in (*weekend, *regular) if value is not None), default=0.0)
    if most <= 0 or all(value is None for value in weekend):
        return None
    xs = [WIDTH / 2] if len(epochs) == 1 else [index * WIDTH / (len(epochs) - 1) for index in range(len(epochs))]

    def at(x: float, value: float) -> tuple[str, str]:
        return f"{x:.1f}", f"{HEIGHT - value * HEIGHT / most:.1f}"

    dots = tuple(
        Dot(*at(x, value), title=f"Epoch {number}, weekend: {figure_text(value)} {unit}")
        for number, x, value in zip(epochs, xs, weekend, strict=True)
        if value is not None
    )
    lines = [
        _parts([None if value is None else ",".join(at(x, value)) for x, value in zip(xs, values, strict=True)])
        for values in (weekend, regular)
    ]
    return LinesFigure(lines[0], lines[1], dots, figure_text(most), epochs[0], epochs[-1])


def figure_text(value: float) -> str:
    """Write a mean as people read it: two decimals below 1, one below 100, none above."""
    if value < 1:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _parts(points: Sequence[str | None]) -> tuple[str, ...]:
    """Join neighbours; a lone point is a dot and no line."""
    parts: list[list[str]] = [[]]
    for point in points:
        if point is None:
            parts.append([])
        else:
            parts[-1].append(point)
    return tuple(" ".join(part) for part in parts if len(part) > 1)
