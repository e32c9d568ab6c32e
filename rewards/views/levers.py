"""What a maker who was there could have done better in a market: size, the smaller side, distance, with its figures."""

from dataclasses import dataclass
from typing import Any

from rewards.analysis.statistics import By
from rewards.analysis.waterfall import Waterfall
from rewards.models import Epoch
from rewards.selectors.quoted import Quoted
from rewards.views.words import amount_text

_LEAST_PERCENT = 1
"""A step that takes less of the pool is not worth a thought."""


@dataclass(frozen=True, slots=True)
class Lever:
    """What it is and what it took, and the figures that it comes from."""

    title: str
    detail: str


def levers(*, epoch: Epoch, steps: Waterfall, found: Quoted) -> list[Lever]:
    """Return what took most first; the steps are docs/scorecard.md's."""
    own = found.cells.maker_table(by=By.EPOCH).to_pylist()
    if not own:
        return []
    seen = {**_numbers(own[0]), "others": _others(found, own[0])}
    told = {"size": _size, "sides": _sides, "distance": _distance}
    taken = [each for each in steps.steps if each.name in told and -each.change * 100 > steps.base * _LEAST_PERCENT]
    token = epoch.program
    return [
        told[each.name](
            f"{amount_text(raw=-each.change, decimals=token.token_decimals).short} {token.token_symbol}", seen, found
        )
        for each in sorted(taken, key=lambda each: each.change)
    ]


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    names = ("bid_depth_100_bps_lots", "ask_depth_100_bps_lots", "bid_distance_bps", "ask_distance_bps")
    return {name: row[name] or 0.0 for name in names}


def _others(found: Quoted, own: dict[str, Any]) -> float:
    """Return the mean quality of all others, in lots at the reference."""
    whole = found.cells.market_table(by=By.EPOCH).to_pylist()[0]["quality_lots"] or 0.0
    return max(0.0, whole - (own["quality_lots"] or 0.0))


def _size(amount: str, seen: dict[str, float], found: Quoted) -> Lever:
    target = f", and the full rate takes {found.terms.target_lots:,}" if found.terms.target_lots else ""
    return Lever(
        f"Size beside the others’: {amount}",
        f"You had {_lots(seen)} within 1% on average. All others together were worth {seen['others']:,.0f} lots at the "
        f"reference{target}. More lots take a larger share.",
    )


def _sides(amount: str, seen: dict[str, float], _found: Quoted) -> Lever:
    return Lever(
        f"The smaller side: {amount}",
        f"You had {_lots(seen)} within 1% on average. The smaller side decides: make it as large as the other.",
    )


def _distance(amount: str, seen: dict[str, float], found: Quoted) -> Lever:
    bands = sorted(set(found.terms.max_spread_bps.values()))
    ends = f"{bands[0]} bps" if len(bands) == 1 else f"{bands[0]} to {bands[-1]} bps, by session"
    return Lever(
        f"Distance: {amount}",
        f"Your best bids rested {seen['bid_distance_bps']:.1f} bps from the reference and your best asks "
        f"{seen['ask_distance_bps']:.1f} bps, on average. A lot counts more the closer it is, and nothing at the "
        f"end of the band ({ends}).",
    )


def _lots(seen: dict[str, float]) -> str:
    return f"{seen['bid_depth_100_bps_lots']:,.0f} lots bid and {seen['ask_depth_100_bps_lots']:,.0f} asked"
