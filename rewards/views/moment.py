"""A moment's book in whole prices and sizes, with the maker's own orders marked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from onchain.models import Market
from rewards.analysis.moment import Level, Moment, OwnOrder
from rewards.engine.events import BID

MOST_LEVELS = 12
FATES = {
    "counting": "Counts",
    "halted": "The market is halted",
    "dark": "There is no reference",
    "too_small": "Too small",
    "too_young": "Too young",
    "too_far": "Outside the band",
}
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A price of the book in the market's own units. own: what of it is the maker's, empty for nothing."""

    price: str
    lots: int
    own_lots: int
    in_band: bool


@dataclass(frozen=True, slots=True)
class OwnRow:
    """An order of the maker. away: its distance from the reference in bps, empty without a reference."""

    order: OwnOrder
    side: str
    price: str
    away: str
    weight: str
    fate: str


def moment_context(*, seen: Moment, market: Market) -> dict[str, Any]:
    """Return what the template shows of a moment."""
    tick = Decimal(market.tick_size)
    share = seen.share * _PPM >> 30
    return {
        "seen": seen,
        "asks": [_level(each, seen, tick) for each in reversed(seen.asks[:MOST_LEVELS])],
        "bids": [_level(each, seen, tick) for each in seen.bids[:MOST_LEVELS]],
        "deeper": max(0, len(seen.asks) - MOST_LEVELS) + max(0, len(seen.bids) - MOST_LEVELS),
        "own": [_own(each, seen, tick) for each in seen.own],
        "reference": _half(seen.reference, tick) if seen.reference else "",
        "band_low": _half(seen.reference - seen.band, tick) if seen.band else "",
        "band_high": _half(seen.reference + seen.band, tick) if seen.band else "",
        "share_ppm": share,
    }


def _level(level: Level, seen: Moment, tick: Decimal) -> LevelRow:
    in_band = bool(seen.band) and abs(2 * level.price - seen.reference) < seen.band
    return LevelRow(_price(level.price, tick), level.lots, level.own_lots, in_band)


def _own(order: OwnOrder, seen: Moment, tick: Decimal) -> OwnRow:
    away = f"{Decimal(order.distance * 10_000) / seen.reference:.1f}" if seen.reference else ""
    return OwnRow(
        order, "Bid" if order.side == BID else "Ask", _price(order.price, tick), away,
        f"{Decimal(order.weight) / 10_000:.1f}%" if order.weight else "", FATES[order.fate],
    )  # fmt: skip


def _price(ticks: int, tick: Decimal) -> str:
    return f"{ticks * tick:,f}"


def _half(half_ticks: int, tick: Decimal) -> str:
    return f"{half_ticks * tick / 2:,f}"
