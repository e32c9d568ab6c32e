"""The made-up markets: what they are, how their prices move, and when the home exchange publishes a price."""

import math
import random
from collections import deque
from dataclasses import dataclass, field

from rewards.demo.exchange import Book, Op

VOLATILITY = {"regular": 1.0, "pre": 0.5, "post": 0.45, "overnight": 0.25, "weekend": 0.2, "holiday": 0.2}
"""How much a price moves in a kind of session, against regular hours."""
LOOK_BACK_S = 300


@dataclass(frozen=True)
class MarketSpec:
    """An equity perpetual; a tick is one cent and a lot one share. `beta`: how hard it is hit in the burst."""

    name: str
    base_symbol: str
    start_cents: int
    sigma_bps_per_minute: float
    beta: float


MARKETS = (
    MarketSpec("AAPL-PERP", "AAPL", 27_412, 2.4, 0.8),
    MarketSpec("NVDA-PERP", "NVDA", 18_874, 3.4, 1.1),
    MarketSpec("TSLA-PERP", "TSLA", 41_260, 3.8, 1.4),
    MarketSpec("SPY-PERP", "SPY", 67_935, 1.3, 0.6),
)


@dataclass(frozen=True)
class Burst:
    """A sudden fall of all markets and half the way back; `fall_bps` for a beta of 1."""

    start_s: int
    fall_bps: float = 420.0
    fall_s: int = 420
    recover_s: int = 5_400
    noise: float = 4.0
    pause_market: str = "TSLA-PERP"
    pause_after_s: int = 240
    pause_s: int = 300

    @property
    def end_s(self) -> int:
        """When the market is calm again."""
        return self.start_s + self.fall_s + self.recover_s

    def falls(self, now_s: int) -> bool:
        """Tell whether prices are falling."""
        return self.start_s <= now_s < self.start_s + self.fall_s

    def drift_bps(self, *, now_s: int, step_s: int) -> float:
        """Return by how much a price of beta 1 drifts in the step that ends now."""
        if self.falls(now_s):
            return -self.fall_bps * step_s / self.fall_s
        if now_s < self.end_s and now_s >= self.start_s:
            return 0.5 * self.fall_bps * step_s / self.recover_s
        return 0.0

    def pauses(self, now_s: int) -> bool:
        """Tell whether the pause of the hardest hit market holds."""
        return self.start_s + self.pause_after_s <= now_s < self.start_s + self.pause_after_s + self.pause_s


@dataclass
class Market:
    """A market as the generator knows it: its fair price (ticks, exact to fractions), its book, its last mark."""

    spec: MarketSpec
    id: int
    log: list[Op]
    fair: float = field(init=False)
    book: Book = field(init=False)
    marked_at_s: int = 0
    mark2: int = 0
    _past: deque[tuple[int, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.fair = float(self.spec.start_cents)
        self.book = Book(market=self.id, log=self.log)

    def move(self, *, now_s: int, step_s: int, kind: str, burst: Burst | None, rng: random.Random) -> None:
        """Let the fair price walk over the step that ends now."""
        sigma_bps = self.spec.sigma_bps_per_minute * VOLATILITY[kind] * math.sqrt(step_s / 60)
        drift_bps = 0.0
        if burst is not None and burst.start_s <= now_s < burst.end_s:
            drift_bps = self.spec.beta * burst.drift_bps(now_s=now_s, step_s=step_s)
            sigma_bps *= burst.noise if burst.falls(now_s) else 1.5
        self._past.append((now_s, self.fair))
        while self._past[0][0] < now_s - LOOK_BACK_S:
            self._past.popleft()
        self.fair *= 1 + (rng.gauss(0.0, sigma_bps) + drift_bps) / 10_000

    def moved_bps(self) -> float:
        """Return how far the fair price has come in the last five minutes."""
        return max((abs(self.fair / past - 1) * 10_000 for _, past in self._past), default=0.0)

    def mark_if_due(self, *, now_s: int, every_s: int, on_move_bps: float) -> None:
        """Publish the home exchange's price when it is old or has moved."""
        price2 = round(2 * self.fair)
        moved = not self.mark2 or abs(price2 - self.mark2) * 10_000 >= on_move_bps * self.mark2
        if moved or now_s - self.marked_at_s >= every_s:
            self.book.mark(price2=price2)
            self.marked_at_s, self.mark2 = now_s, price2

    def price_at(self, *, distance_bps: float, is_bid: bool) -> int:
        """Return a price so far from fair, in ticks, that crosses nobody."""
        sign = -1 if is_bid else 1
        price = round(self.fair * (1 + sign * distance_bps / 10_000))
        other = self.book.best_price(is_bid=not is_bid)
        if other is None:
            return max(price, 1)
        return max(min(price, other - 1) if is_bid else max(price, other + 1), 1)
