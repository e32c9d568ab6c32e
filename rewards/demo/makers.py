"""The seven makers: who they are, how they quote, and where their pay goes."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from rewards.demo.market import Market

ALWAYS = frozenset({"regular", "pre", "post", "overnight", "weekend", "holiday"})
OFFICE = frozenset({"regular"})
SHUT = frozenset({"weekend", "holiday"})
BOTH = (True, False)


def address_of(name: str) -> str:
    """Return a made-up address that follows from a name; nobody has its key."""
    return "0x" + hashlib.sha256(f"lamplight demo {name}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Style:
    """How a maker quotes. `spread_bps`: distance of the first quote from fair, by kind of session."""

    spread_bps: Mapping[str, float]
    size_lots: int
    levels: int = 1
    sides: tuple[bool, ...] = BOTH
    requote_bps: float = 12.0
    max_age_s: int = 7_200
    flees_above_bps: float | None = None
    calm_s: int = 1_800


@dataclass
class _Quote:
    """What a maker last put up in a market."""

    fair: float
    at_s: int
    lots: int


@dataclass
class Maker:
    """A maker that keeps quotes by its style. `wallets[0]` quotes."""

    slug: str
    name: str
    about: str
    style: Style
    wallets: tuple[str, ...]
    _quotes: dict[int, _Quote] = field(default_factory=dict)
    _fled_until_s: int = 0

    def act(self, *, market: Market, now_s: int, kind: str, rng: random.Random, hurry: float) -> None:
        """Look at a market and change what rests there. `hurry` shortens the age of quotes (1: as it is)."""
        if self._stays_away(market, now_s=now_s, kind=kind):
            self.pull(market)
        elif self._stale(market, now_s=now_s, hurry=hurry):
            self.pull(market)
            self._put_up(market, now_s=now_s, kind=kind, rng=rng)

    def pull(self, market: Market) -> None:
        """Cancel all that rests."""
        for order in market.book.of(self.wallets[0]):
            market.book.cancel(order)
        self._quotes.pop(market.id, None)

    def _stays_away(self, market: Market, *, now_s: int, kind: str) -> bool:
        if kind not in self.style.spread_bps or market.book.halted:
            return True
        limit = self.style.flees_above_bps
        if limit is not None and market.moved_bps() > limit:
            self._fled_until_s = now_s + self.style.calm_s
        return now_s < self._fled_until_s

    def _stale(self, market: Market, *, now_s: int, hurry: float) -> bool:
        quote = self._quotes.get(market.id)
        if quote is None:
            return True
        resting = sum(market.book[order].size for order in market.book.of(self.wallets[0]))
        return (
            abs(market.fair / quote.fair - 1) * 10_000 > self.style.requote_bps
            or now_s - quote.at_s > self.style.max_age_s / hurry
            or resting * 2 < quote.lots
        )

    def _put_up(self, market: Market, *, now_s: int, kind: str, rng: random.Random) -> None:
        lots = 0
        for level in range(self.style.levels):
            distance_bps = self.style.spread_bps[kind] * (1 + level) * rng.uniform(0.9, 1.1)
            for is_bid in self.style.sides:
                price = market.price_at(distance_bps=distance_bps, is_bid=is_bid)
                size = self.style.size_lots * (1 + level)
                market.book.place(owner=self.wallets[0], is_bid=is_bid, price=price, size=size)
                lots += size
        self._quotes[market.id] = _Quote(market.fair, now_s, lots)


@dataclass
class Flicker(Maker):
    """Shows quotes for a third of a second, again and again, hoping to be counted without being hit."""

    every_s: int = 7_200
    shows: int = 2
    _next_s: int = 0

    def act(self, *, market: Market, now_s: int, kind: str, rng: random.Random, hurry: float) -> None:
        """Nothing rests from one look to the next; see `flash`."""

    def due(self, *, now_s: int, hurry: float) -> bool:
        """Tell whether it flashes now."""
        if now_s < self._next_s:
            return False
        self._next_s = now_s + round(self.every_s / hurry)
        return True

    def flash(self, *, market: Market, last: bool, kind: str, rng: random.Random) -> None:
        """Take the quotes of the block before away and, unless it is the last block, put new ones up."""
        self.pull(market)
        if not last:
            self._put_up(market, now_s=0, kind=kind, rng=rng)


@dataclass
class TwinWallets(Maker):
    """Quotes with one wallet and trades against itself with the other, to look busy."""

    trade_every_s: int = 2_400
    trade_lots: int = 40
    _next_s: dict[int, int] = field(default_factory=dict)
    _bait: dict[int, int] = field(default_factory=dict)

    def act(self, *, market: Market, now_s: int, kind: str, rng: random.Random, hurry: float) -> None:
        """Quote like others, and every so often trade with itself: one step puts the order up, the next takes it."""
        self._take_bait(market)
        super().act(market=market, now_s=now_s, kind=kind, rng=rng, hurry=hurry)
        if now_s >= self._next_s.get(market.id, 0) and not market.book.halted:
            self._next_s[market.id] = now_s + round(self.trade_every_s / hurry * rng.uniform(0.7, 1.3))
            price = market.price_at(distance_bps=0.2, is_bid=True)
            self._bait[market.id] = market.book.place(
                owner=self.wallets[1], is_bid=True, price=price, size=self.trade_lots
            )

    def _take_bait(self, market: Market) -> None:
        order = self._bait.pop(market.id, None)
        # Somebody else may have been faster, and the id may be another's by now.
        if order is not None and order in market.book and market.book[order].owner == self.wallets[1]:
            market.book.fill(order, size=market.book[order].size, taker=self.wallets[0])


def _spreads(regular: float, outside: float, shut: float) -> dict[str, float]:
    return {
        "regular": regular, "pre": outside, "post": outside, "overnight": outside, "weekend": shut, "holiday": shut,
    }  # fmt: skip


def _only(spreads: Mapping[str, float], kinds: frozenset[str]) -> dict[str, float]:
    return {kind: bps for kind, bps in spreads.items() if kind in kinds}


def the_seven() -> list[Maker]:
    """Return the makers, fresh."""
    return [
        Maker(
            "evergreen", "Evergreen Markets", "steady all week, both sides",
            Style(_spreads(6, 14, 24), size_lots=150, levels=2, requote_bps=11),
            (address_of("evergreen"),),
        ),
        Maker(
            "nine-to-four", "Nine to Four Capital", "office hours only: quotes while New York trades",
            Style(_only(_spreads(4, 0, 0), OFFICE), size_lots=250, requote_bps=9),
            (address_of("nine-to-four"),),
        ),
        Maker(
            "saturday", "Saturday Liquidity", "weekend specialist: quotes while the home exchange is shut",
            Style(_only(_spreads(0, 0, 12), SHUT), size_lots=200, levels=2, requote_bps=10),
            (address_of("saturday"),),
        ),
        Maker(
            "lopsided", "Lopsided Partners", "one-sided: bids only",
            Style(_spreads(8, 16, 26), size_lots=200, sides=(True,), requote_bps=16),
            (address_of("lopsided"),),
        ),
        Flicker(
            "flicker", "Flicker & Co", "flickering: quotes that rest a third of a second",
            Style(_spreads(2, 3, 4), size_lots=300),
            (address_of("flicker"),),
        ),
        Maker(
            "fairweather", "Fairweather Trading", "vanishing: gone as soon as prices move",
            Style(_spreads(5, 12, 20), size_lots=180, requote_bps=13, flees_above_bps=25),
            (address_of("fairweather"),),
        ),
        TwinWallets(
            "twins", "Twin Wallets LLC", "two linked wallets that trade with each other",
            Style(_spreads(12, 22, 40), size_lots=60, requote_bps=22),
            (address_of("twins one"), address_of("twins two")),
        ),
    ]  # fmt: skip
