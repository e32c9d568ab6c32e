"""An epoch's terms as sentences, made from the terms themselves so that they can't say anything else."""

from collections.abc import Callable, Mapping
from typing import Any

from rewards.views import words

Terms = Mapping[str, Any]


def terms_sentences(*, terms: Terms, symbol: str, decimals: int) -> list[str]:
    """Say in plain sentences what the terms pay for.

    Args:
        terms: the terms' JSON document (docs/spec/scoring.md, Terms).
        symbol: the token's symbol.
        decimals: the token's decimals.
    """

    def money(raw: str) -> str:
        return f"{words.amount_text(raw=int(raw), decimals=decimals).short}\N{NO-BREAK SPACE}{symbol}"

    markets = list(terms["markets"].values())
    return [
        f"An epoch pays up to {money(terms['budget'])}: {_pools(markets)}.",
        _counting(markets),
        _band(markets),
        _boosts(terms["boosts"]),
        *_sides(markets),
        f"The full rate is paid once all makers together show {_range(markets, 'target_lots', _lots)} at the "
        "reference price on both sides; a thinner book pays less.",
        *_uptime(markets),
        f"One maker gets at most {_range(markets, 'max_share_bps', _bps)} of a market’s part.",
        f"Less than {money(terms['min_payout'])} is not paid out but carried into the next epoch.",
        _unspent(terms["unspent"]),
    ]


def _lots(value: int) -> str:
    return f"{value:,}\N{NO-BREAK SPACE}lot{'' if value == 1 else 's'}"


def _bps(value: int) -> str:
    return words.bps_text(bps=value)


def _duration(value: int) -> str:
    return words.duration_text(ms=value)


def _range(markets: list[Terms], key: str, write: Callable[[int], str]) -> str:
    return _span([market[key] for market in markets], write)


def _span(values: list[int], write: Callable[[int], str]) -> str:
    low, high = min(values), max(values)
    return write(low) if low == high else f"{write(low)} to {write(high)} (by market)"


def _pools(markets: list[Terms]) -> str:
    parts = [("quoting_share_bps", "for quotes that rest"), ("fills_share_bps", "for trades with others"),
             ("stress_share_bps", "for quotes that stay while the price moves fast")]  # fmt: skip
    texts = [f"{_range(markets, key, _bps)} {what}" for key, what in parts if any(m[key] for m in markets)]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]


def _counting(markets: list[Terms]) -> str:
    rest = _range(markets, "min_rest_ms", _duration)
    return f"An order counts when it has at least {_range(markets, 'min_order_lots', _lots)} and has rested for {rest}."


def _band(markets: list[Terms]) -> str:
    regular = _span([market["max_spread_bps"]["regular"] for market in markets], _bps)
    weekend = _span([market["max_spread_bps"]["weekend"] for market in markets], _bps)
    return (
        "The closer to the reference price and the larger, the more it counts. Beyond the band it earns nothing: "
        f"{regular} away in regular hours, {weekend} on weekends."
    )


def _boosts(boosts: Mapping[str, int]) -> str:
    low = min(boosts.values())
    raised = [
        f"{words.boost_text(percent=boosts[kind])} {_WHEN[kind]}" for kind in words.KIND_NAMES if boosts[kind] > low
    ]
    if not raised:
        return "Every hour pays the same."
    return f"The hours in which few quote pay more: {', '.join(raised)}; {words.boost_text(percent=low)} otherwise."


_WHEN = {
    "regular": "in regular hours",
    "pre": "before the open",
    "post": "after the close",
    "overnight": "overnight",
    "weekend": "on weekends",
    "holiday": "on holidays",
}


def _sides(markets: list[Terms]) -> list[str]:
    divisors = {market["two_sided_divisor"] for market in markets}
    if divisors == {0}:
        return ["Both sides must be quoted: one side alone earns nothing."]
    if len(divisors) == 1 and divisors != {1}:
        return [f"Quote both sides: the same quotes on one side alone count {_fraction(divisors.pop())} as much."]
    return []


def _fraction(number: int) -> str:
    names = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth"}
    return names.get(number, f"1/{number}")


def _uptime(markets: list[Terms]) -> list[str]:
    sentences = []
    for kind, when in _WHEN.items():
        values = [market["min_uptime_bps"][kind] for market in markets]
        if any(values):
            sentences.append(
                f"Who is present for less than {_span(values, _bps)} of the time {when} earns nothing for that time."
            )
    return sentences


def _unspent(rule: str) -> str:
    if rule == "redistribute":
        return "What nobody earns is shared among the makers who were paid, in proportion."
    return "What nobody earns stays with the treasury."
