"""Small curves as SVG points: how evenly an epoch's pay is spread, and a programme's budget and spend over time."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewards.selectors.epoch_review import SpendPoint

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


@dataclass(frozen=True, slots=True)
class SpendFigure:
    """Two rising lines from the beginning of a programme: what was budgeted, what was paid."""

    budget: str
    paid: str
    area: str
    rows: tuple[SpendPoint, ...]


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


def spend_figure(*, points: Sequence[SpendPoint]) -> SpendFigure | None:
    """Lay budget and spend out, from nothing before the first epoch; None while no epoch has been scored."""
    if not points or not points[-1].budget:
        return None
    most = points[-1].budget
    at = [(index * WIDTH / len(points), point) for index, point in enumerate(points, start=1)]

    def line(amounts: Sequence[tuple[float, int]]) -> str:
        rest = (f"{x:.1f},{HEIGHT - amount * HEIGHT / most:.1f}" for x, amount in amounts)
        return " ".join([f"0,{HEIGHT}", *rest])

    paid = line([(x, point.paid) for x, point in at])
    return SpendFigure(
        budget=line([(x, point.budget) for x, point in at]),
        paid=paid,
        area=f"{paid} {WIDTH},{HEIGHT}",
        rows=tuple(points),
    )
