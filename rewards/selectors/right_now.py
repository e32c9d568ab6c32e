"""Whether a maker's quotes count right now, market by market: the newest five minutes of what is added up of them."""

from collections.abc import Collection
from dataclasses import dataclass

from rewards.analysis.errors import PackedCellsError
from rewards.analysis.kernel import parts
from rewards.analysis.packing import CellSums
from rewards.engine.rules import SHARE_BITS
from rewards.models import Epoch, QuoteCells, QuoteRun
from rewards.selectors.quoted import REASONS

PPM = 1_000_000
_HELD = slice(parts.COUNTING_MS, parts.ONE_SIDED_MS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RightNow:
    """The newest cell of a market (five minutes at most) for one maker, up to `until_ms` (ms UTC).

    reason: one of REASONS, what held for most of it; counting_ms, seen_ms: how much of it counted, and all of it.
    share_ppm: of the market's rate. is_present: mostly present, as the uptime gate counts it. is_single: mostly with
    one side alone. bid_bps, ask_bps, band_bps: means, None where there was nothing to measure.
    """

    market: str
    until_ms: int
    reason: str
    counting_ms: int
    seen_ms: int
    share_ppm: int
    is_present: bool
    is_single: bool
    bid_bps: float | None
    ask_bps: float | None
    band_bps: float | None


def right_now(*, epoch: Epoch, maker: str, markets: Collection[str]) -> list[RightNow]:
    """Return how a maker's quotes stand in the markets, in two queries; those of which nothing is known are left out.

    A session's cells are unpacked for each market, so ask for the markets that are shown.
    """
    runs = QuoteRun.objects.filter(epoch=epoch, market__in=markets).values_list("market", "makers", "until_ms")
    known = {market: (makers.index(maker), until_ms) for market, makers, until_ms in runs if maker in makers}
    newest = QuoteCells.objects.filter(epoch=epoch, market__in=markets).order_by("market", "-start_ms")
    found = []
    for row in newest.distinct("market").only("market", "cells"):
        if row.market in known and (seen := _seen(row, *known[row.market])):
            found.append(seen)
    return found


def _seen(row: QuoteCells, index: int, until_ms: int) -> RightNow | None:
    try:
        sums = CellSums.unpack(bytes(row.cells))
    except PackedCellsError:
        return None
    if index >= sums.whole.shape[1]:
        return None
    cell = next((each for each in reversed(range(len(sums))) if sums.whole[each, index, _HELD].any()), None)
    if cell is None:
        return None
    own, floats = sums.whole[cell, index], sums.floats[cell, index]
    market, market_floats = sums.of_market[cell], sums.of_market_floats[cell]
    counting_ms = int(own[parts.COUNTING_MS])
    live_ms = int(market[parts.MARKET_DARK_MS] + market[parts.MARKET_LIT_MS])
    return RightNow(
        market=row.market,
        until_ms=until_ms,
        reason=REASONS[int(own[_HELD].argmax())],
        counting_ms=counting_ms,
        seen_ms=int(own[_HELD].sum()),
        share_ppm=int(own[parts.CREDIT]) * PPM // (live_ms << SHARE_BITS) if live_ms else 0,
        is_present=2 * int(own[parts.PRESENT_MS]) > live_ms,
        is_single=2 * int(own[parts.SINGLE_SIDE_MS]) > counting_ms,
        bid_bps=_mean(floats[parts.BID_DISTANCE_BPS], own[parts.BID_MS]),
        ask_bps=_mean(floats[parts.ASK_DISTANCE_BPS], own[parts.ASK_MS]),
        band_bps=_mean(market_floats[parts.BAND_BPS], market[parts.MARKET_LIT_MS]),
    )


def _mean(total: float, over_ms: int) -> float | None:
    return float(total) / int(over_ms) if over_ms else None
