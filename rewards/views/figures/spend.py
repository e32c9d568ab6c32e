"""Budget, earned and paid over a programme's epochs as SVG points, with a projection behind what is known."""

from collections.abc import Callable
from dataclasses import dataclass

from rewards.selectors.spend import ProgramSpend, SpendRow
from rewards.views.figures.curves import HEIGHT, WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendOverTime:
    """Points of the lines, each from nothing before the first epoch; the projected ones go on from the known ones.

    now_x: where the known part ends. bottom: the axis.
    """

    budget: str
    earned: str
    paid: str
    area: str
    budget_to_come: str
    earned_to_come: str
    now_x: str
    width: int = WIDTH
    bottom: int = HEIGHT


def spend_over_time(*, spend: ProgramSpend) -> SpendOverTime | None:
    """Lay a programme's spend out; None while no epoch of it has been scored, or none had a budget."""
    rows, known = spend.rows, len(spend.scored)
    if not known or not rows[-1].budget_so_far:
        return None
    most = rows[-1].budget_so_far

    def line(of: Callable[[SpendRow], int], first: int, last: int) -> str:
        points = [] if first else [f"0,{HEIGHT}"]
        for index in range(max(first, 1), last + 1):
            amount = of(rows[index - 1])
            points.append(f"{index * WIDTH / len(rows):.1f},{HEIGHT - amount * HEIGHT / most:.1f}")
        return " ".join(points)

    paid, now_x = line(lambda row: row.paid_so_far, 0, known), f"{known * WIDTH / len(rows):.1f}"
    has_more = len(rows) > known
    return SpendOverTime(
        budget=line(lambda row: row.budget_so_far, 0, known),
        earned=line(lambda row: row.earned_so_far, 0, known),
        paid=paid,
        area=f"{paid} {now_x},{HEIGHT}",
        budget_to_come=line(lambda row: row.budget_so_far, known, len(rows)) if has_more else "",
        earned_to_come=line(lambda row: row.earned_so_far, known, len(rows)) if has_more else "",
        now_x=now_x,
    )
