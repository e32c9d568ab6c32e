"""An epoch's terms as rows that people can read: what each number is, its unit, and what it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rewards.models import Epoch
from rewards.selectors.parsed_terms import terms_document
from rewards.selectors.rows import KINDS

_MARKET_ROWS = (
    ("min_order_lots", "Smallest order that counts", "lots", "Smaller orders earn nothing."),
    ("min_rest_ms", "Rest before an order counts", "ms", "Time on the book before an order earns."),
    ("target_lots", "Full rate from", "lots", "Below this much weighted depth on both sides, the pool pays less."),
    ("presence_lots", "Present from", "lots", "Lots inside the band, on each side, that count as present."),
    ("reference_depth_lots", "Depth behind the reference", "lots", "The mid is taken this many lots deep."),
    ("two_sided_divisor", "One side only earns 1 in", "count", "0: quotes on one side alone earn nothing."),
    ("max_share_bps", "Most that one maker gets", "bps", "Of the market's pool."),
)
_POOL_ROWS = (
    ("quoting_share_bps", "For quotes that rest", "bps", "Shared by time, size and closeness to the reference."),
    ("fills_share_bps", "For fills", "bps", "Shared by value traded against others."),
    ("stress_share_bps", "For quoting when it moves", "bps", "Shared by quotes in fast markets."),
)
_STRESS_ROWS = (
    ("move_bps", "A fast market moves by", "bps", "Within the window below."),
    ("window_ms", "within", "ms", "How far back the move is looked for."),
    ("hold_ms", "and counts as fast for", "ms", "From the last such move on."),
    ("widen_pct", "Band while it is fast", "percent", "Of the usual band."),
    ("full_ms", "Full pay from", "ms", "With less fast time in the epoch, the pool pays less."),
)
_CURVES = {
    "quadratic": "Falls with the square of the distance, to nothing at the edge of the band",
    "linear": "Falls evenly to nothing at the edge of the band",
    "steps": "Falls in steps",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRow:
    """One term. `unit`: lots, ms, bps, percent, count, amount (smallest unit) or text (value is a str then)."""

    label: str
    value: int | str
    unit: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTerms:
    """What holds in one kind of session of a market; boost in percent."""

    kind: str
    boost_percent: int
    max_spread_bps: int
    clamp_bps: int
    min_uptime_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """One market's terms; `pool` is its part of the budget in the token's smallest unit."""

    market: str
    weight_bps: int
    pool: int
    rows: tuple[TermRow, ...]
    kinds: tuple[KindTerms, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeMarkets:
    """Markets with the same numbers: said once, with all their names."""

    names: tuple[str, ...]
    terms: MarketTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsView:
    """An epoch's terms, whole: general rows, markets by name, and the hash that the evidence carries."""

    general: tuple[TermRow, ...]
    boosts: dict[str, int]
    markets: tuple[MarketTerms, ...]
    sha256: str
    canonical_json: str

    @property
    def alike(self) -> tuple[AlikeMarkets, ...]:
        """The markets by the first of their names; those that differ in nothing but the name are one entry."""
        groups: dict[tuple[object, ...], list[MarketTerms]] = {}
        for market in self.markets:
            groups.setdefault((market.weight_bps, market.rows, market.kinds), []).append(market)
        return tuple(AlikeMarkets(names=tuple(each.market for each in group), terms=group[0])
                     for group in groups.values())  # fmt: skip


def epoch_terms(*, epoch_id: int) -> TermsView:
    """Return the terms of an epoch as readable rows, in one query."""
    epoch = Epoch.objects.get(pk=epoch_id)
    terms = terms_document(epoch=epoch)
    budget = int(terms["budget"])
    return TermsView(
        general=_general(terms),
        boosts={kind: terms["boosts"][kind] for kind in KINDS},
        markets=tuple(
            _market(name=name, market=market, boosts=terms["boosts"], budget=budget)
            for name, market in sorted(terms["markets"].items())
        ),
        sha256=epoch.terms_sha256,
        canonical_json=epoch.terms_json,
    )


def _general(terms: Mapping[str, Any]) -> tuple[TermRow, ...]:
    unspent = {
        "return": "stays with the treasury",
        "redistribute": "is shared among the makers who were paid",
    }[terms["unspent"]]
    return (
        TermRow(label="Budget", value=int(terms["budget"]), unit="amount", help="The most that the epoch pays."),
        TermRow(
            label="Smallest payout",
            value=int(terms["min_payout"]),
            unit="amount",
            help="Less than this is carried into the next epoch.",
        ),
        TermRow(label="What is not earned", value=unspent, unit="text", help="After the caps have been applied."),
    )


def _market(*, name: str, market: dict[str, Any], boosts: dict[str, int], budget: int) -> MarketTerms:
    rows = [_row(market, *line) for line in _POOL_ROWS]
    rows.append(TermRow(label="Closeness", value=_curve(market["curve"]), unit="text", help="Weight of an order."))
    rows += [_row(market, *line) for line in _MARKET_ROWS]
    stress = market.get("stress")
    if stress is not None:
        rows += [_row(stress, *line) for line in _STRESS_ROWS]
    return MarketTerms(
        market=name,
        weight_bps=market["weight_bps"],
        pool=budget * market["weight_bps"] // 10_000,
        rows=tuple(rows),
        kinds=tuple(
            KindTerms(
                kind=kind,
                boost_percent=boosts[kind],
                max_spread_bps=market["max_spread_bps"][kind],
                clamp_bps=market["clamp_bps"][kind],
                min_uptime_bps=market["min_uptime_bps"][kind],
            )
            for kind in KINDS
        ),
    )


def _row(values: dict[str, Any], key: str, label: str, unit: str, text: str) -> TermRow:
    return TermRow(label=label, value=values[key], unit=unit, help=text)


def _curve(curve: dict[str, Any]) -> str:
    text = _CURVES[curve["kind"]]
    if curve["kind"] != "steps":
        return text
    steps = ", ".join(f"{weight // 10_000}% up to {edge // 10_000}%" for edge, weight in curve["steps"])
    return f"{text}: {steps} of the band"
