"""What one quote on both sides of a market earns in an hour: the engine's own formulas on a book that stands still.

docs/scorecard.md says what is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

from rewards.engine.kinds import KINDS
from rewards.engine.rules import BPS, SHARE_BITS, WEIGHT_ONE, band_of, quality_of, rules_of, weight_of
from rewards.engine.terms import Terms

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What a market pays for quoting in an hour of a kind of session, when nothing is halted.

    pool: the market's quoting pool; boost: percent; boosted_ms: of the whole epoch, boost * ms.
    """

    pool: int
    boost: int
    boosted_ms: int

    @property
    def hour_raw(self) -> int:
        """What all makers together can earn in an hour, in the token's smallest unit."""
        return self.pay_raw(share=1 << SHARE_BITS, length_ms=HOUR_MS)

    def pay_raw(self, *, share: int, length_ms: int) -> int:
        """Return what a share (of 2^30) that is held for so long earns, rounded down."""
        divisor = self.boosted_ms << SHARE_BITS
        return self.pool * self.boost * share * length_ms // divisor if divisor else 0


@dataclass(frozen=True, slots=True)
class Place:
    """A market in a kind of session as it was lately: the reference (half-ticks) and the other makers' quality.

    others: lots * weight in millionths, as the engine sums it.
    """

    market: str
    kind: str
    reference: int
    others: int


@dataclass(frozen=True, slots=True)
class Worth:
    """What a quote is worth. Prices in ticks; distances and band in half-ticks; weights in millionths; share of 2^30.

    large_enough: it has the least size of an order. is_present: it counts as presence for the uptime gate.
    """

    bid: int
    ask: int
    bid_weight: int
    ask_weight: int
    band: int
    quality: int
    share: int
    hour_raw: int
    large_enough: bool
    is_present: bool


def rate_of(*, terms: Terms, market: str, kind: str, lengths_ms: dict[str, int]) -> Rate:
    """Return a market's rate in a kind of session. lengths_ms: how long each kind lasts in the epoch."""
    of_market = terms.markets[market]
    pool = terms.budget * of_market.weight_bps // BPS * of_market.quoting_share_bps // BPS
    boosted_ms = sum(terms.boosts[each] * length for each, length in lengths_ms.items())
    return Rate(pool=pool, boost=terms.boosts[kind], boosted_ms=boosted_ms)


def worth_of(*, terms: Terms, place: Place, rate: Rate, size_lots: int, distance_bps: int) -> Worth:
    """Return what `size_lots` on each side earn at `distance_bps` from the reference, outside a stress window.

    Prices are whole ticks, away from the reference where the distance lies between two.
    """
    rules = rules_of(terms=terms, market=place.market)
    away = place.reference * distance_bps // BPS
    bid, ask = (place.reference - away) // 2, -(-(place.reference + away) // 2)
    band = band_of(
        reference=place.reference, max_spread_bps=rules.max_spread_bps[KINDS.index(place.kind)], widen_pct=100
    )
    distances = (place.reference - 2 * bid, 2 * ask - place.reference)
    weights = [weight_of(rules, distance=each, band=band) if bid > 0 else 0 for each in distances]
    large_enough = size_lots >= rules.min_order_lots
    counted = size_lots if large_enough else 0
    quality = quality_of(rules, bid=counted * weights[0], ask=counted * weights[1])
    full = max(place.others + quality, rules.target_lots * WEIGHT_ONE)
    share = (quality << SHARE_BITS) // full if full else 0
    is_present = large_enough and size_lots >= rules.presence_lots and max(distances) < band
    return Worth(
        bid=bid, ask=ask, bid_weight=weights[0], ask_weight=weights[1], band=band, quality=quality, share=share,
        hour_raw=rate.pay_raw(share=share, length_ms=HOUR_MS), large_enough=large_enough, is_present=is_present,
    )  # fmt: skip


def hour_of_one_lot(*, rate: Rate, others: int, target_lots: int) -> int:
    """Return what one more lot at the reference on both sides earns in an hour, in the token's smallest unit."""
    full = max(others + WEIGHT_ONE, target_lots * WEIGHT_ONE)
    return rate.pay_raw(share=(WEIGHT_ONE << SHARE_BITS) // full, length_ms=HOUR_MS)
