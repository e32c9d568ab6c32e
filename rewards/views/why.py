"""Why a maker did not earn more: the scorecard's facts as sentences, the costliest kind of session first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rewards.models import Epoch
from rewards.selectors.makers import KindCard, MarketCard, Scorecard
from rewards.views.words import KIND_NAMES, amount_text, boost_text, bps_text

LOW_UPTIME_BPS = 9_000
"""From nine tenths of the time on, presence is not what holds a maker back."""
_NAMED_MARKETS = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what it is, its rule and figures, and the markets where it holds.

    market, kind: the first market and the kind of session that it is about, empty for all of the epoch;
    from_ms, to_ms: where such sessions begin and end in the epoch, once `placed`.
    """

    title: str
    detail: str
    where: str
    weight: int
    market: str = ""
    kind: str = ""
    from_ms: int = 0
    to_ms: int = 0


_TITLES = {
    "gate": "below the least presence, so not paid at all",
    "one-side": "one side at a time",
    "absent": "not there",
    "partly": "away for part of it",
}
_DETAILS = {
    "gate": "Present {present} of the time; these hours are paid from {required} on.",
    "one-side": "Quotes counted, but never enough lots on both sides at once. One side alone is worth a part only.",
    "absent": "No quotes on both sides inside the band.",
    "partly": "Quotes on both sides inside the band for {present} of the time that the market traded.",
}


def reasons(*, card: Scorecard) -> list[Reason]:
    """Return what kept the pay down, most promising first; empty when nothing in the figures stands out."""
    groups: dict[tuple[str, str], list[tuple[MarketCard, KindCard]]] = defaultdict(list)
    for market in card.markets:
        for kind in market.kinds:
            if cause := _cause(kind):
                groups[kind.kind, cause].append((market, kind))
    found = [_reason(cause, places) for (_, cause), places in groups.items()]
    found += [reason for market in card.markets for reason in _of_cap(card, market)]
    return sorted(found, key=lambda reason: (-reason.weight, reason.title))


def placed(found: Sequence[Reason], *, epoch: Epoch) -> list[Reason]:
    """Give each reason the times between which its sessions lie, in one query: a dispute of it begins with them."""
    spans: dict[str, tuple[int, int]] = {}
    for kind, start_ms, end_ms in epoch.sessions.order_by("start_ms").values_list("kind", "start_ms", "end_ms"):
        spans[kind] = (spans.get(kind, (start_ms, 0))[0], end_ms)
    whole = (epoch.start_ms, epoch.end_ms)
    return [
        replace(reason, from_ms=spans.get(reason.kind, whole)[0], to_ms=spans.get(reason.kind, whole)[1])
        for reason in found
    ]


def _cause(kind: KindCard) -> str:
    if kind.live_ms == 0 or (not kind.gated and kind.uptime_bps >= LOW_UPTIME_BPS):
        return ""
    if kind.present_ms == 0:
        return "one-side" if kind.credit_share_ppm else "absent"
    return "gate" if kind.gated else "partly"


def _reason(cause: str, places: Sequence[tuple[MarketCard, KindCard]]) -> Reason:
    kinds = [kind for _, kind in places]
    missed = sum(kind.boost_percent * (kind.live_ms - kind.present_ms) for kind in kinds)
    present = _span([kind.uptime_bps for kind in kinds])
    required = _span([kind.required_bps for kind in kinds])
    return Reason(
        title=f"{KIND_NAMES[kinds[0].kind]}, {boost_text(percent=kinds[0].boost_percent)}: {_TITLES[cause]}",
        detail=_DETAILS[cause].format(present=present, required=required),
        where=_markets([market.market for market, _ in places]),
        market=places[0][0].market,
        kind=kinds[0].kind,
        # With the gate work was done and not paid, so it stands ahead of plain absence.
        weight=2 * missed if cause == "gate" else missed,
    )


def _of_cap(card: Scorecard, market: MarketCard) -> list[Reason]:
    cut = market.pay.cut_by_cap
    if cut <= 0:
        return []
    text = amount_text(raw=cut, decimals=card.token_decimals).short
    return [
        Reason(
            title="The most that one maker gets",
            detail=f"One maker gets a limited part of a market; {text} {card.token_symbol} above it was not paid.",
            where=market.market,
            market=market.market,
            weight=sum(kind.boost_percent * kind.live_ms for kind in market.kinds),
        )
    ]


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return bps_text(bps=low) if low == high else f"{bps_text(bps=low)} to {bps_text(bps=high)}"


def _markets(names: Sequence[str]) -> str:
    if len(names) <= _NAMED_MARKETS + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_MARKETS])} and {len(names) - _NAMED_MARKETS} more"
