"""The buttons of the form of the terms that change its entries: markets and steps come, go and are copied."""

import copy

from rewards.views.terms_entries import MOST_MARKETS, Entries, MarketEntries
from rewards.views.words import KIND_NAMES

NEW_MARKET = MarketEntries(
    values={
        "quoting_share_bps": "100",
        "fills_share_bps": "0",
        "stress_share_bps": "0",
        "max_share_bps": "100",
        "min_order_lots": "1",
        "min_rest_ms": "500",
        "target_lots": "0",
        "presence_lots": "1",
        "reference_depth_lots": "1",
        "two_sided_divisor": "3",
        **{f"min_uptime_bps.{kind}": "0" for kind in KIND_NAMES},
    },
    has_stress=False,
)


def change_entries(entries: Entries, action: str) -> list[int] | None:
    """Do what a button other than Save asks: add, copy or remove a market, add or remove a step, copy to all.

    action: `add-market`, or `remove-market:N`, `copy-market:N`, `spread:N`, `add-step:N`, `remove-step:N:M`.
    Returns the blocks to show open, None when it is no such button.
    """
    name, *numbers = action.split(":")
    if name == "add-market":
        if len(entries.markets) < MOST_MARKETS:
            entries.markets.append(copy.deepcopy(NEW_MARKET))
        return [len(entries.markets) - 1]
    try:
        number, *rest = (int(text) for text in numbers)
        market = entries.markets[number] if number >= 0 else None
    except (ValueError, IndexError):
        return None
    if market is None:
        return None
    return _change_market(entries, market, name, number, rest)


def _change_market(
    entries: Entries, market: MarketEntries, name: str, number: int, rest: list[int]
) -> list[int] | None:
    match name, rest:
        case "remove-market", []:
            del entries.markets[number]
            return []
        case "copy-market", [] if len(entries.markets) < MOST_MARKETS:
            entries.markets.insert(number + 1, copy.deepcopy(market))
            entries.markets[number + 1].name = ""
            return [number + 1]
        case "spread", []:
            _spread(entries, market)
            return [number]
        case "add-step", []:
            market.steps.append(("", ""))
            market.curve = "steps"
            return [number]
        case "remove-step", [row] if 0 <= row < len(market.steps):
            del market.steps[row]
            return [number]
    return None


def _spread(entries: Entries, market: MarketEntries) -> None:
    """Give every other market this one's numbers, all but its name and its part of the budget."""
    for other in entries.markets:
        if other is not market:
            weight = other.values.get("weight_bps", "")
            other.values = {**market.values, "weight_bps": weight}
            other.curve, other.steps, other.has_stress = market.curve, list(market.steps), market.has_stress
