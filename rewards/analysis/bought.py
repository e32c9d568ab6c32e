"""What an epoch's money bought: spread and depth over time by market and session, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rewards.analysis.kernel import parts
from rewards.analysis.statistics import MarketStatistics
from rewards.analysis.unspent import IdleTime
from rewards.engine.kinds import KINDS


@dataclass(frozen=True)
class Bought:
    """One market in one kind of session; kind None: the whole epoch. Means are over lit time, None without any.

    spread_bps: of the whole book at the reference depth. depth_lots: of all makers, both sides together, of counting
    size and age, within each of DEPTHS_BPS of the reference. pay_raw: what the makers got for quoting there, about.
    """

    market: str
    kind: str | None
    live_ms: int
    lit_ms: int
    dark_ms: int
    nobody_ms: int
    spread_bps: float | None
    depth_lots: tuple[float | None, ...]
    pay_raw: int


def bought_in(found: MarketStatistics, *, quoting: list[int], paid: int) -> list[Bought]:
    """Return a market's rows: the whole epoch, then the kinds of session that it had.

    quoting: what was earned for quoting by kind, in the order of KINDS. paid: all of the market's payouts.
    """
    every = np.ones(len(found.times), np.bool_)
    rows = [_row(found, None, every, paid)]
    for number, kind in enumerate(KINDS):
        cells = found.times.kinds == number
        if cells.any():
            rows.append(_row(found, kind, cells, quoting[number]))
    return rows


def idle_time(found: MarketStatistics) -> IdleTime:
    """Return how long the market had nobody to pay, by kind of session."""
    by_kind = np.zeros((len(KINDS), parts.MARKET_WHOLE), np.int64)
    np.add.at(by_kind, found.times.kinds, found.of_market)
    return IdleTime(
        dark_ms=by_kind[:, parts.MARKET_DARK_MS].tolist(), nobody_ms=by_kind[:, parts.MARKET_NOBODY_MS].tolist()
    )


def _row(found: MarketStatistics, kind: str | None, cells: npt.NDArray[np.bool_], pay: int) -> Bought:
    times = found.of_market[cells].sum(0)
    lit_ms = int(times[parts.MARKET_LIT_MS])
    spread = float(found.of_market_floats[cells, parts.BOOK_SPREAD_BPS].sum())
    per_side = len(parts.DEPTHS_BPS)
    depth = found.whole[cells].astype(np.float64).sum((0, 1))
    depths = depth[parts.BID_DEPTH : parts.BID_DEPTH + per_side] + depth[parts.ASK_DEPTH : parts.ASK_DEPTH + per_side]
    return Bought(
        market=found.market,
        kind=kind,
        live_ms=lit_ms + int(times[parts.MARKET_DARK_MS]),
        lit_ms=lit_ms,
        dark_ms=int(times[parts.MARKET_DARK_MS]),
        nobody_ms=int(times[parts.MARKET_NOBODY_MS]),
        spread_bps=spread / lit_ms if lit_ms else None,
        depth_lots=tuple(float(each) / lit_ms / found.units.lot_scale if lit_ms else None for each in depths),
        pay_raw=pay,
    )
