"""What in terms is allowed and yet worth a second look, as sentences. None of it keeps anybody from going on."""

from collections.abc import Callable, Mapping
from typing import Any

from rewards.selectors.terms_facts import TermsFacts
from rewards.views.terms_fields import PERCENT, PERCENT_OF_BPS, Unit
from rewards.views.words import KIND_NAMES

HIGH_BOOST = 1000
_WHOLE = 10_000


def terms_warnings(*, terms: Mapping[str, Any], facts: TermsFacts, unit: Unit) -> list[str]:
    """Return the sentences, money first. terms: a sound document. unit: of the token's amounts."""
    markets: Mapping[str, Any] = terms["markets"]
    return [
        *_money(terms, facts, unit),
        *_boosts(terms["boosts"]),
        *_named(
            markets,
            lambda name, _: name not in facts.known_markets,
            "is not a market that we read",
            "are not markets that we read",
        ),
        *_named(
            markets,
            lambda name, _: name in facts.known_markets and name not in facts.markets_with_events,
            "has had no event so far",
            "have had no event so far",
        ),
        *_named(
            markets,
            lambda _, market: 0 < market["target_lots"] < market["min_order_lots"],
            "counts only orders that are larger than the depth at which the full rate is paid",
            "count only orders that are larger than the depth at which the full rate is paid",
        ),
        *_named(
            markets,
            lambda _, market: market["max_share_bps"] * facts.makers < _WHOLE,
            f"can't pay all of its part: {facts.makers} makers, each with at most its share, don't reach 100%",
            f"can't pay all of their parts: {facts.makers} makers, each with at most its share, don't reach 100%",
        ),
        *_closed(markets),
    ]


def _money(terms: Mapping[str, Any], facts: TermsFacts, unit: Unit) -> list[str]:
    budget, found = int(terms["budget"]), []
    if budget == 0:
        found.append("The budget is nothing, so nobody earns anything.")
    if facts.treasury is None:
        found.append("The chain could not be asked now what the treasury holds and what the contract may take.")
    else:
        if facts.balance < budget:
            found.append(
                f"The treasury holds {unit.words(facts.balance)}, less than the budget of {unit.words(budget)}. "
                "An epoch can be approved only when it holds what the epoch pays."
            )
    if int(terms["min_payout"]) > budget > 0:
        found.append("The smallest payout is larger than the budget, so nobody is paid for many epochs.")
    weights = sum(market["weight_bps"] for market in terms["markets"].values())
    if not terms["markets"]:
        found.append("There is no market, so nobody earns anything.")
    elif weights < _WHOLE:
        rest = PERCENT_OF_BPS.words(_WHOLE - weights)
        found.append(f"The markets make {PERCENT_OF_BPS.words(weights)} together: {rest} of the budget is never paid.")
    return found


def _boosts(boosts: Mapping[str, int]) -> list[str]:
    high = [kind for kind in KIND_NAMES if boosts[kind] > HIGH_BOOST]
    none = [kind for kind in KIND_NAMES if boosts[kind] == 0]
    found = [
        f"The boost of “{KIND_NAMES[kind]}” is {PERCENT.words(boosts[kind])}: these hours take nearly all of the money."
        for kind in high
    ]
    return found + [f"“{KIND_NAMES[kind]}” has a boost of 0%: quotes earn nothing in it." for kind in none]


def _closed(markets: Mapping[str, Any]) -> list[str]:
    found = []
    for kind, label in KIND_NAMES.items():
        found += _named(
            markets,
            lambda _, market, kind=kind: market["max_spread_bps"][kind] == 0,  # type: ignore[misc]
            f"has a band of 0 bps in “{label}”: quotes earn nothing in it",
            f"have a band of 0 bps in “{label}”: quotes earn nothing in it",
        )
        found += _named(
            markets,
            lambda _, market, kind=kind: market["min_uptime_bps"][kind] == _WHOLE,  # type: ignore[misc]
            f"asks for 100% presence in “{label}”: one missing millisecond costs all of it",
            f"ask for 100% presence in “{label}”: one missing millisecond costs all of it",
        )
    return found


def _named(
    markets: Mapping[str, Any], holds: Callable[[str, Mapping[str, Any]], bool], one: str, many: str
) -> list[str]:
    names = [name for name, market in sorted(markets.items()) if holds(name, market)]
    if not names:
        return []
    if len(names) == 1:
        return [f"{names[0]} {one}."]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return [f"{shown} {many}."]
