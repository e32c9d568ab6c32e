"""A small curve as SVG points: how evenly an epoch's pay is spread."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 180
"""The figure's own units; the stylesheet scales it."""
MOST_POINTS = 120
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class LorenzFigure:
    """The curve's points, and the same as a table: of the smallest so many per cent of accounts, their part."""

    points: str
    rows: tuple[tuple[int, int], ...]
    half_ppm: int


def lorenz_figure(*, curve: Sequence[tuple[int, int]]) -> LorenzFigure | None:
    """Lay a Lorenz curve out: accounts from the smallest to the right, their part of all upwards.

    Args:
        curve: (accounts so far, parts per million they get), from (0, 0); see analysis.flagging.money.lorenz.

    Returns:
        None where nobody is paid.
    """
    accounts = curve[-1][0] if curve else 0
    if not accounts:
        return None
    step = max(1, -(-len(curve) // MOST_POINTS))
    chosen = [*curve[:-1:step], curve[-1]]
    points = " ".join(f"{number * WIDTH / accounts:.1f},{HEIGHT - ppm * HEIGHT / PPM:.1f}" for number, ppm in chosen)
    rows = tuple((percent, curve[accounts * percent // 100][1]) for percent in (10, 25, 50, 75, 90, 100))
    return LorenzFigure(points=points, rows=rows, half_ppm=curve[accounts // 2][1])
