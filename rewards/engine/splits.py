"""Share splits: one pair of fine units for all of a market's events, in which nothing happens at the split.

Source: docs/spec/scoring.md; docs/market-actions.md, *What a split does to the numbers*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np

from rewards.engine.errors import InputError, TooFineError
from rewards.engine.events import NO_SIZE, Int64s, MarketEvents
from rewards.engine.rules import Rules
from rewards.engine.termfields import INT64_MAX

MOST_SHARES = 1_000_000


@dataclass(frozen=True, order=True)
class Split:
    """From `time_ms` on, `new` lots are what `old` lots were before, at `old / new` of the price. 4 for 1: 4, 1."""

    market: str
    time_ms: int
    new: int
    old: int


def check_splits(splits: Sequence[Split]) -> None:
    """Raise InputError for a ratio that is none or not in its lowest terms, and for two splits at one time."""
    for split in splits:
        where = f"{split.market} at {split.time_ms} ms, {split.new} for {split.old}"
        if not (1 <= split.new <= MOST_SHARES and 1 <= split.old <= MOST_SHARES):
            raise InputError(table="splits", reason=f"{where}: both numbers have to be from 1 to {MOST_SHARES}")
        if _common_divisor(split.new, split.old) != 1 or split.new == split.old:
            raise InputError(
                table="splits", reason=f"{where}: the ratio has to be in its lowest terms, and not 1 for 1"
            )
        if not 0 <= split.time_ms <= INT64_MAX:
            raise InputError(table="splits", reason=f"{where}: the time does not fit an int64 of ms")
    if len({(split.market, split.time_ms) for split in splits}) < len(splits):
        raise InputError(table="splits", reason="a market has two splits at one time")


def that_count(splits: Iterable[Split], *, market: str, first_ms: int, start_ms: int, end_ms: int) -> list[Split]:
    """Return the market's splits that change a number of an epoch, by time.

    Those within the epoch do, since the terms are of its start, and those after the market's first event, one that is
    carried in among them. first_ms: its time.
    """
    since_ms = min(first_ms, start_ms)
    return sorted(split for split in splits if split.market == market and since_ms < split.time_ms < end_ms)


@dataclass(frozen=True)
class Units:
    """A market's fine units. Numbers of the span between two splits are brought to them by its two factors.

    times_ms: of the splits. price_factors, lot_factors: of each span, one more than there are splits; the product of
    the two is the same for all spans. tick_scale, lot_scale: how many fine ticks and fine lots are one of the terms,
    whose units are those at the epoch's start.
    """

    times_ms: tuple[int, ...] = ()
    price_factors: tuple[int, ...] = (1,)
    lot_factors: tuple[int, ...] = (1,)
    tick_scale: int = 1
    lot_scale: int = 1

    @classmethod
    def of(cls, splits: Sequence[Split], *, start_ms: int) -> Units:
        """Return the coarsest units in which every price and size of every span is whole.

        splits: of one market, by time. start_ms: the epoch's start; a split at that very instant is before the terms.
        """
        spans = range(len(splits) + 1)
        prices = [_product(s.new for s in splits[:at]) * _product(s.old for s in splits[at:]) for at in spans]
        lots = [_product(s.old for s in splits[:at]) * _product(s.new for s in splits[at:]) for at in spans]
        price_factors, lot_factors = _lowest(prices), _lowest(lots)
        of_terms = sum(split.time_ms <= start_ms for split in splits)
        return cls(
            times_ms=tuple(split.time_ms for split in splits),
            price_factors=price_factors,
            lot_factors=lot_factors,
            tick_scale=price_factors[of_terms],
            lot_scale=lot_factors[of_terms],
        )

    def factors_at(self, time_ms: int) -> tuple[int, int]:
        """Return how many fine ticks and fine lots are one of the market's at a time."""
        span = sum(each <= time_ms for each in self.times_ms)
        return self.price_factors[span], self.lot_factors[span]

    def rules(self, rules: Rules) -> Rules:
        """Return the rules with their lots in fine lots, and the scales by which they round."""
        if not self.times_ms:
            return rules
        return replace(
            rules,
            min_order_lots=rules.min_order_lots * self.lot_scale,
            reference_depth_lots=rules.reference_depth_lots * self.lot_scale,
            target_lots=rules.target_lots * self.lot_scale,
            presence_lots=rules.presence_lots * self.lot_scale,
            tick_scale=self.tick_scale,
            lot_scale=self.lot_scale,
        )

    def scale(self, events: MarketEvents, *, market: str, end_ms: int) -> MarketEvents:
        """Return the events before `end_ms` in fine units, later ones as they are. Raises TooFineError."""
        if not self.times_ms or not len(events):
            return events
        span = np.searchsorted(self._times, events.time_ms, side="right")
        inside = events.time_ms < end_ms
        scaled = {}
        for name, factors in (("price", self.price_factors), ("size", self.lot_factors)):
            values: Int64s = getattr(events, name)
            factor = _factors(factors)[span]
            # What isn't above 0 is no number of the market's: it stays, for the rules of the events to refuse.
            counts = inside & (values > 0) if name == "price" else inside & (values > 0) & (values != NO_SIZE)
            too_large = np.flatnonzero(counts & (values > INT64_MAX // factor))
            if len(too_large):
                raise _too_fine(events, int(too_large[0]), market, name)
            scaled[name] = np.where(counts, values * np.where(counts, factor, 1), values)
        return replace(events, **scaled)

    @cached_property
    def _times(self) -> Int64s:
        return np.array(self.times_ms, dtype=np.int64)


def _lowest(factors: Sequence[int]) -> tuple[int, ...]:
    common = reduce(_common_divisor, factors)
    return tuple(factor // common for factor in factors)


def _common_divisor(one: int, other: int) -> int:
    while other:
        one, other = other, one % other
    return one


def _product(numbers: Iterable[int]) -> int:
    return reduce(lambda product, number: product * number, numbers, 1)


def _factors(factors: Sequence[int]) -> Int64s:
    """Return the factors as int64; one beyond that leaves no room for any price or size, and neither does the bound."""
    return np.array([min(factor, INT64_MAX) for factor in factors], dtype=np.int64)


def _too_fine(events: MarketEvents, row: int, market: str, name: str) -> TooFineError:
    value: Any = getattr(events, name)[row]
    return TooFineError(
        market=market,
        block=int(events.block[row]),
        log_index=int(events.log_index[row]),
        detail=f"{name} {int(value)}",
    )
