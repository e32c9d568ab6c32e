"""Why a maker did not earn more: the scorecard's facts as sentences, the costliest kind of session first."""

from dataclasses import dataclass

from rewards.selectors.makers import KindCard, MarketCard, Scorecard
from rewards.views.words import KIND_NAMES, amount_text, boost_text, bps_text

LOW_UPTIME_BPS = 9_000
"""From nine tenths of the time on, presence is not what holds a maker back."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason in a sentence, with its rule, and where it holds."""

    title: str
    detail: str
    weight: int


def reasons(*, card: Scorecard) -> list[Reason]:
    """Return what kept the pay down, most promising first; empty when nothing in the figures stands out."""
    found = [reason for market in card.markets for kind in market.kinds for reason in _of_kind(market, kind)]
    found += [reason for market in card.markets for reason in _of_cap(card, market)]
    return sorted(found, key=lambda reason: (-reason.weight, reason.title))


def _of_kind(market: MarketCard, kind: KindCard) -> list[Reason]:
    if kind.live_ms == 0:
        return []
    where = f"{market.market}, {KIND_NAMES[kind.kind].lower()} ({boost_text(percent=kind.boost_percent)})"
    missed = kind.boost_percent * (kind.live_ms - kind.present_ms)
    present = bps_text(bps=kind.uptime_bps)
    if kind.gated:
        detail = (
            f"Present {present} of the time; below {bps_text(bps=kind.required_bps)} these hours are not paid at all."
        )
        # Ahead of every plain absence: here work was done and not paid.
        return [Reason(title=f"{where}: below the least presence", detail=detail, weight=2 * missed)]
    if kind.present_ms == 0 and kind.credit_share_ppm > 0:
        detail = "Quotes counted, but never enough lots on both sides at once. One side alone is worth a part only."
        return [Reason(title=f"{where}: one side at a time", detail=detail, weight=missed)]
    if kind.present_ms == 0:
        return [Reason(title=f"{where}: not there", detail="No quotes on both sides inside the band.", weight=missed)]
    if kind.uptime_bps < LOW_UPTIME_BPS:
        detail = f"Quotes on both sides inside the band for {present} of the time that the market traded."
        return [Reason(title=f"{where}: away for part of it", detail=detail, weight=missed)]
    return []


def _of_cap(card: Scorecard, market: MarketCard) -> list[Reason]:
    cut = market.pay.cut_by_cap
    if cut <= 0:
        return []
    text = amount_text(raw=cut, decimals=card.token_decimals).short
    detail = f"One maker gets a limited part of a market; {text} {card.token_symbol} above it was not paid."
    whole = sum(kind.boost_percent * kind.live_ms for kind in market.kinds)
    return [Reason(title=f"{market.market}: the most that one maker gets", detail=detail, weight=whole)]
