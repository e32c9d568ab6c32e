"""What a market looked like at one moment: the book, a maker's own orders, and whether each of them counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rewards.analysis.errors import MomentError
from rewards.engine.events import ASK, BID, MarketEvents
from rewards.engine.exact import ExactReplay, Interval, Order
from rewards.engine.kinds import KINDS
from rewards.engine.live import MarketScorer
from rewards.engine.rules import SHARE_BITS, WEIGHT_ONE, Rules, weight_of
from rewards.engine.splits import Units

COUNTING, HALTED, DARK, TOO_SMALL, TOO_YOUNG, TOO_FAR = (
    "counting",
    "halted",
    "dark",
    "too_small",
    "too_young",
    "too_far",
)


@dataclass(frozen=True, slots=True)
class Level:
    """All that rests at one price. price: ticks. lots: of everybody. own_lots: of the maker that looks."""

    price: int
    lots: int
    own_lots: int


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order of the maker that looks.

    distance: half-ticks from the reference, 0 without one. weight: millionths. fate: `counting`, or the first hurdle
    that it failed at, in the order of docs/statistics.md.
    """

    id: str
    side: int
    price: int
    lots: int
    rested_ms: int
    distance: int
    weight: int
    fate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A market at a moment, from a maker's side.

    reference, band: half-ticks, 0 for none. bids, asks: best first. bid, ask: the maker's weighted sums (lots times
    millionths). near_bid, near_ask: its lots that count for presence. quality, quality_of_all: lots times millionths.
    share: of 2^30. until_ms: this state held until then at least, as far as was replayed.
    """

    time_ms: int
    kind: str
    live: bool
    stressed: bool
    reference: int
    band: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    own: tuple[OwnOrder, ...]
    bid: int
    ask: int
    near_bid: int
    near_ask: int
    present: bool
    quality: int
    quality_of_all: int
    share: int


class Looker(MarketScorer):
    """A scorer that stops at a moment to look."""

    def look(self, *, time_ms: int, events: MarketEvents, maker: str) -> Moment:
        """Go on to a moment and return what was there; all events at it have happened.

        events: in order, from where the scorer stands on; those after the moment are passed over. maker: an enrolled
        one. Raises MomentError when the moment is before the scorer's or outside the epoch, DataError, BoundError.
        """
        if not max(self.now_ms, self.rules.start_ms) <= time_ms < self.rules.end_ms:
            raise MomentError(time_ms=time_ms, from_ms=max(self.now_ms, self.rules.start_ms), to_ms=self.rules.end_ms)
        self.feed_market(events.slice(0, int(events.time_ms.searchsorted(time_ms, side="right"))))
        seen: list[Moment] = []
        index = self._state.score.makers.index(maker) if maker in self._state.score.makers else -1

        def observe(interval: Interval) -> None:
            if interval.start_ms <= time_ms < interval.end_ms:
                seen.append(_moment(self.rules, interval, index, time_ms))

        replay = ExactReplay(
            market=self.market, rules=self.rules, sessions=self.sessions, state=self._state, observe=observe
        )
        replay.advance_to(time_ms + 1)
        return _in_units_of_its_time(seen[0], self.units)


def _in_units_of_its_time(moment: Moment, units: Units) -> Moment:
    """Write prices and lots as the market had them then; what a split left in parts is rounded down."""
    if not units.times_ms:
        return moment
    ticks, lots = units.factors_at(moment.time_ms)

    def levels(of: tuple[Level, ...]) -> tuple[Level, ...]:
        return tuple(Level(each.price // ticks, each.lots // lots, each.own_lots // lots) for each in of)

    return replace(
        moment,
        reference=moment.reference // ticks,
        band=moment.band // ticks,
        bids=levels(moment.bids),
        asks=levels(moment.asks),
        own=tuple(
            replace(each, price=each.price // ticks, lots=each.lots // lots, distance=each.distance // ticks)
            for each in moment.own
        ),
        bid=moment.bid // lots,
        ask=moment.ask // lots,
        near_bid=moment.near_bid // lots,
        near_ask=moment.near_ask // lots,
        quality=moment.quality // lots,
        quality_of_all=moment.quality_of_all // lots,
    )


def _moment(rules: Rules, interval: Interval, maker: int, time_ms: int) -> Moment:
    total = sum(interval.quality)
    full = max(total, rules.target_lots * WEIGHT_ONE)
    quality = interval.quality[maker] if maker >= 0 else 0
    near = interval.near[maker] if maker >= 0 else (0, 0)
    lit = interval.live and interval.reference > 0
    return Moment(
        time_ms=time_ms,
        kind=KINDS[interval.kind],
        live=interval.live,
        stressed=interval.stressed,
        reference=interval.reference,
        band=interval.band,
        bids=_levels(interval, BID, maker),
        asks=_levels(interval, ASK, maker),
        own=tuple(_own(rules, interval, each, order, time_ms) for each, order in _orders(interval, maker)),
        bid=interval.bid[maker] if maker >= 0 else 0,
        ask=interval.ask[maker] if maker >= 0 else 0,
        near_bid=near[0],
        near_ask=near[1],
        present=maker >= 0 and lit and interval.present[maker],
        quality=quality,
        quality_of_all=total,
        share=(quality << SHARE_BITS) // full if lit and total else 0,
    )


def _levels(interval: Interval, side: int, maker: int) -> tuple[Level, ...]:
    lots: dict[int, tuple[int, int]] = {}
    for order in interval.orders.values():
        if order.side == side:
            all_lots, own_lots = lots.get(order.price, (0, 0))
            own = order.size if order.maker == maker and maker >= 0 else 0
            lots[order.price] = (all_lots + order.size, own_lots + own)
    return tuple(Level(price, *lots[price]) for price in sorted(lots, reverse=side == BID))


def _orders(interval: Interval, maker: int) -> list[tuple[str, Order]]:
    own = [(each, order) for each, order in interval.orders.items() if order.maker == maker and maker >= 0]
    return sorted(own, key=lambda row: (row[1].side, -row[1].price if row[1].side == BID else row[1].price, row[0]))


def _own(rules: Rules, interval: Interval, order_id: str, order: Order, time_ms: int) -> OwnOrder:
    distance = abs(2 * order.price - interval.reference) if interval.reference else 0
    rested_ms = time_ms - order.placed_ms
    # The instant's own look at age: what comes of rest within the interval begins another one.
    is_old = interval.start_ms - order.placed_ms >= rules.min_rest_ms
    weight = weight_of(rules, distance=distance, band=interval.band) if interval.band > 0 else 0
    fate = _fate(rules, interval, order, is_old=is_old, weight=weight)
    return OwnOrder(
        order_id, order.side, order.price, order.size, rested_ms, distance, weight if fate == COUNTING else 0, fate
    )


def _fate(rules: Rules, interval: Interval, order: Order, *, is_old: bool, weight: int) -> str:
    if not interval.live:
        return HALTED
    if not interval.reference:
        return DARK
    if order.size < rules.min_order_lots:
        return TOO_SMALL
    if not is_old:
        return TOO_YOUNG
    return COUNTING if weight else TOO_FAR
