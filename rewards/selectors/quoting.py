"""How makers quoted in an epoch, by five minutes, session or epoch, from the sums that are kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rewards.analysis.cells import CellTimes
from rewards.analysis.errors import PackedCellsError
from rewards.analysis.kernel import parts
from rewards.analysis.packing import CellSums
from rewards.analysis.statistics import MarketCells
from rewards.engine.rules import rules_of
from rewards.engine.splits import Units, that_count
from rewards.engine.statebytes import first_ms_of
from rewards.models import Epoch, QuoteCells, QuoteRun
from rewards.selectors.actions import actions_behind, sessions_of, splits_of
from rewards.selectors.parsed_terms import terms_of


@dataclass(frozen=True, eq=False)
class Quoting:
    """One market of an epoch. until_ms: what was quoted before it is in. cells: up to there; the rest is empty."""

    market: str
    until_ms: int
    cells: MarketCells


def quoting(*, epoch: Epoch, market: str, makers: Sequence[str] | None = None) -> Quoting | None:
    """Return how makers (all by default) quoted in a market, in a few queries; None while nothing is known
    that can be read.

    A maker that is not enrolled in the epoch is left out. `market_table`'s share needs all makers.
    """
    run = QuoteRun.objects.filter(epoch=epoch, market=market).defer("base", "state").first()
    if run is None:
        return None
    names = [name for name in run.makers if makers is None or name in makers]
    indices = [run.makers.index(name) for name in names]
    times = _times(epoch, market)
    whole = np.zeros((len(times), len(names), parts.WHOLE), np.int64)
    floats = np.zeros((len(times), len(names), parts.FLOATS))
    of_market = np.zeros((len(times), parts.MARKET_WHOLE), np.int64)
    of_market_floats = np.zeros((len(times), parts.MARKET_FLOATS))
    for row in QuoteCells.objects.filter(epoch=epoch, market=market).only("cells"):
        try:
            sums = CellSums.unpack(bytes(row.cells)).of_makers(indices)
        except PackedCellsError:
            return None
        taken = slice(sums.first, sums.end)
        whole[taken], floats[taken] = sums.whole, sums.floats
        of_market[taken], of_market_floats[taken] = sums.of_market, sums.of_market_floats
    cells = MarketCells(
        market, tuple(names), times, whole, floats, of_market, of_market_floats, units=_units(epoch, run)
    )
    return Quoting(market=market, until_ms=run.until_ms, cells=cells)


def _units(epoch: Epoch, run: QuoteRun) -> Units:
    """Return the units that the run's sums are in, which splits alone make others than the terms'."""
    splits = splits_of(actions_behind(epoch=epoch), end_ms=epoch.end_ms)
    if not any(split.market == run.market for split in splits):
        return Units()
    first_ms = first_ms_of(bytes(run.state))
    if first_ms is None:
        return Units()
    counting = that_count(splits, market=run.market, first_ms=first_ms, start_ms=epoch.start_ms, end_ms=epoch.end_ms)
    return Units.of(counting, start_ms=epoch.start_ms)


def _times(epoch: Epoch, market: str) -> CellTimes:
    terms = terms_of(epoch=epoch)
    return CellTimes.of(rules=rules_of(terms=terms, market=market), sessions=sessions_of(epoch=epoch))
