"""What credit and hours of a market are worth by the terms, before gate and cap (scoring: payout of a market)."""

from collections.abc import Mapping
from dataclasses import dataclass

from rewards.engine.rules import BPS, SHARE_BITS
from rewards.engine.terms import Terms
from rewards.selectors.makers import KindCard, MarketCard

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Worth:
    """lengths_ms: the announced time of each kind of session. is_over: the cards' times are those of all the epoch;
    else what is announced counts as traded throughout.
    """

    terms: Terms
    lengths_ms: Mapping[str, int]
    is_over: bool

    def credit(self, market: MarketCard, kind: KindCard, *, credit: int) -> int:
        """Return what credit (share * 2^30 * ms) of a kind of session brings, in the token's smallest unit."""
        whole = self._boosted_ms(market) << SHARE_BITS
        return self._pool(market) * kind.boost_percent * credit // whole if whole else 0

    def hour(self, market: MarketCard, kind: KindCard) -> int:
        """Return what an hour of it pays all makers together, in the token's smallest unit."""
        return self.credit(market, kind, credit=HOUR_MS << SHARE_BITS)

    def _pool(self, market: MarketCard) -> int:
        terms = self.terms.markets[market.market]
        return self.terms.budget * terms.weight_bps // BPS * terms.quoting_share_bps // BPS

    def _boosted_ms(self, market: MarketCard) -> int:
        live_ms = {kind.kind: kind.live_ms for kind in market.kinds} if self.is_over else {}
        return sum(self.terms.boosts[kind] * live_ms.get(kind, ms) for kind, ms in self.lengths_ms.items())
