"""The watch in plain Python, for stretches that the engine's exact replay has to settle: numbers beyond 64 bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rewards.analysis.kernel import parts
from rewards.analysis.kernel.parts import CELL, SAMPLE, Watch
from rewards.engine.events import ASK, BID
from rewards.engine.exact import Interval, Order
from rewards.engine.marketstate import MarketState
from rewards.engine.rules import BPS, SHARE_BITS, WEIGHT_ONE, Rules, weight_of


class Slowly:
    """An observer of the exact replay that adds every interval to a watch."""

    def __init__(self, *, rules: Rules, state: MarketState, watch: Watch) -> None:
        self.rules, self.state, self.watch = rules, state, watch
        self._volume: list[int] = []

    def begin(self) -> None:
        """Begin a stretch: what the score holds now, the watch has."""
        self._volume = self._volumes()

    def __call__(self, interval: Interval) -> None:
        """Add one interval."""
        shares = self._shares(interval)
        if len(self.watch.cells.ends_ms):
            self.add_fills()
            self._add_to_cells(interval, shares)
        self._sample(interval, shares)

    def add_fills(self) -> None:
        """Add the fills since the last call to the open cell."""
        cell, volumes = int(self.watch.at[CELL]), self._volumes()
        if cell < len(self.watch.cells.ends_ms):
            for maker, (after, before) in enumerate(zip(volumes, self._volume, strict=True)):
                self._add(cell, maker, parts.VOLUME, after - before)
        self._volume = volumes

    def _add(self, cell: int, maker: int, column: int, value: int) -> None:
        """Add to a cell. Raises OverflowError instead of wrapping round, as numpy's own addition would."""
        self.watch.cells.whole[cell, maker, column] = int(self.watch.cells.whole[cell, maker, column]) + value

    def _volumes(self) -> list[int]:
        return [sum(by_kind) for by_kind in self.state.score.volume]

    def _shares(self, interval: Interval) -> list[int]:
        full = max(sum(interval.quality), self.rules.target_lots * WEIGHT_ONE)
        if not (interval.live and interval.reference and any(interval.quality)):
            return [0] * len(interval.quality)
        return [(quality << SHARE_BITS) // full for quality in interval.quality]

    def _add_to_cells(self, interval: Interval, shares: list[int]) -> None:
        rows = [
            (_whole_of(self.rules, interval, maker, share), _floats_of(self.rules, interval, maker))
            for maker, share in enumerate(shares)
        ]
        market, market_floats = _market_of(interval), self._market_floats_of(interval)
        for cell, dt in self._pieces(interval):
            for maker, (whole, floats) in enumerate(rows):
                for column, value in whole.items():
                    self._add(cell, maker, column, value * dt)
                for column, value_of in floats.items():
                    self.watch.cells.floats[cell, maker, column] += value_of * dt
            for column in market:
                self.watch.cells.market[cell, column] += dt
            for column, value_of in market_floats.items():
                self.watch.cells.market_floats[cell, column] += value_of * dt

    def _pieces(self, interval: Interval) -> Iterator[tuple[int, int]]:
        """Yield (cell, ms) of the interval, and open the next cell when one is over."""
        now_ms = interval.start_ms
        while now_ms < interval.end_ms:
            cell = int(self.watch.at[CELL])
            until_ms = min(interval.end_ms, int(self.watch.cells.ends_ms[cell]))
            yield cell, until_ms - now_ms
            if until_ms == self.watch.cells.ends_ms[cell]:
                self.watch.at[CELL] += 1
            now_ms = until_ms

    def _market_floats_of(self, interval: Interval) -> dict[int, float]:
        if not (interval.live and interval.reference):
            return {}
        bps, cuts = BPS / interval.reference, []
        for side in (BID, ASK):
            lots = 0
            for price, size in sorted(_sizes(interval.orders.values(), side), reverse=side == BID):
                lots += size
                if lots >= self.rules.reference_depth_lots:
                    cuts.append(price)
                    break
        return {
            parts.REFERENCE: float(interval.reference),
            parts.MARKET_QUALITY: float(sum(interval.quality)),
            parts.BAND_BPS: interval.band * bps,
            parts.BOOK_SPREAD_BPS: 2 * (cuts[1] - cuts[0]) * bps,
        }

    def _sample(self, interval: Interval, shares: list[int]) -> None:
        samples = self.watch.samples
        number = int(self.watch.at[SAMPLE])
        while number < len(samples.times_ms) and samples.times_ms[number] < interval.end_ms:
            draw, length_ms = int(samples.draws[number]), int(samples.lengths_ms[number])
            number += 1
            for maker, share in enumerate(shares):
                samples.credit[draw, interval.kind, maker] += share * length_ms
                samples.stress_credit[draw, maker] += share * length_ms if interval.stressed else 0
        self.watch.at[SAMPLE] = number


def _sizes(orders: Iterable[Order], side: int) -> list[tuple[int, int]]:
    return [(order.price, order.size) for order in orders if order.side == side]


def _market_of(interval: Interval) -> list[int]:
    if not interval.live:
        return [parts.MARKET_HALTED_MS]
    stress = [parts.MARKET_STRESS_MS] if interval.stressed else []
    if not interval.reference:
        return [parts.MARKET_DARK_MS, *stress]
    nobody = [] if any(interval.quality) else [parts.MARKET_NOBODY_MS]
    return [parts.MARKET_LIT_MS, *nobody, *stress]


def _whole_of(rules: Rules, interval: Interval, maker: int, share: int) -> dict[int, int]:
    """Return what a maker has at each moment of an interval, as whole numbers by column."""
    own = [order for order in interval.orders.values() if order.maker == maker]
    if not interval.live:
        return {parts.HALTED_MS: 1, parts.ORDER_HALTED_MS: len(own)}
    if not interval.reference:
        return {parts.DARK_MS: 1, parts.ORDER_DARK_MS: len(own)}
    if not own:
        return {parts.NO_QUOTES_MS: 1}
    ripe = _ripe(rules, interval, maker)
    weighing = [order for order in ripe if _weight(rules, interval, order)]
    large = [order for order in own if order.size >= rules.min_order_lots]
    sides = {order.side for order in weighing}
    counting = interval.quality[maker] > 0
    row = {
        parts.ORDER_COUNTING_MS: len(weighing),
        parts.ORDER_TOO_FAR_MS: len(ripe) - len(weighing),
        parts.ORDER_TOO_YOUNG_MS: len(large) - len(ripe),
        parts.ORDER_TOO_SMALL_MS: len(own) - len(large),
        parts.COUNTING_MS: int(counting),
        parts.SINGLE_SIDE_MS: int(counting and len(sides) < 2),
        parts.CREDIT: share,
        parts.STRESS_CREDIT: share if interval.stressed else 0,
        parts.PRESENT_MS: int(interval.present[maker]),
    }
    if not counting:
        row[_hurdle(bool(large), bool(ripe), bool(weighing))] = 1
    for side, has, depth in ((BID, parts.BID_MS, parts.BID_DEPTH), (ASK, parts.ASK_MS, parts.ASK_DEPTH)):
        orders = [order for order in ripe if order.side == side]
        row[has] = int(bool(orders))
        for number, limit_bps in enumerate(parts.DEPTHS_BPS):
            row[depth + number] = sum(
                order.size for order in orders if _distance(interval, order) * BPS <= limit_bps * interval.reference
            )
    row[parts.TWO_SIDED_MS] = row[parts.BID_MS] * row[parts.ASK_MS]
    return row


def _floats_of(rules: Rules, interval: Interval, maker: int) -> dict[int, float]:
    """Return what a maker has at each moment of an interval, as floats by column."""
    if not (interval.live and interval.reference):
        return {}
    ripe, bps = _ripe(rules, interval, maker), BPS / interval.reference
    row = {parts.QUALITY: float(interval.quality[maker])}
    bids = [2 * order.price for order in ripe if order.side == BID]
    asks = [2 * order.price for order in ripe if order.side == ASK]
    if bids:
        row[parts.BID_DISTANCE_BPS] = (interval.reference - max(bids)) * bps
    if asks:
        row[parts.ASK_DISTANCE_BPS] = (min(asks) - interval.reference) * bps
    if bids and asks:
        row[parts.SPREAD_BPS] = (min(asks) - max(bids)) * bps
    return row


def _ripe(rules: Rules, interval: Interval, maker: int) -> list[Order]:
    """Return a maker's orders that are large enough and have rested for long enough."""
    oldest_ms = interval.start_ms - rules.min_rest_ms
    return [
        order
        for order in interval.orders.values()
        if order.maker == maker and order.size >= rules.min_order_lots and order.placed_ms <= oldest_ms
    ]


def _weight(rules: Rules, interval: Interval, order: Order) -> int:
    return weight_of(rules, distance=_distance(interval, order), band=interval.band)


def _distance(interval: Interval, order: Order) -> int:
    return abs(2 * order.price - interval.reference)


def _hurdle(large: bool, ripe: bool, weighing: bool) -> int:
    if not large:
        return parts.TOO_SMALL_MS
    if not ripe:
        return parts.TOO_YOUNG_MS
    return parts.ONE_SIDED_MS if weighing else parts.TOO_FAR_MS
