"""Statistics of quotes as tables: per maker and market, by five minutes, by session and over the epoch.

They come from the replay that scores, so credit, presence and live time are the engine's own integers. They feed no
root. docs/statistics.md explains every column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rewards.analysis.cells import CellTimes
from rewards.analysis.columns import FLOAT, MAKER_COLUMNS, MARKET_COLUMNS, Column
from rewards.analysis.errors import TooLargeError
from rewards.analysis.kernel import parts
from rewards.analysis.watching import WatchedScorer
from rewards.engine.allocation import byte_order
from rewards.engine.events import MarketEvents
from rewards.engine.inputs import Inputs
from rewards.engine.kernel.parts import I64
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import SHARE_BITS, WEIGHT_ONE
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split, Units
from rewards.engine.terms import Terms

F64 = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
DEPTHS = slice(parts.BID_DEPTH, parts.ASK_DEPTH + len(parts.DEPTHS_BPS))
ORDERS = slice(parts.ORDER_COUNTING_MS, parts.ORDER_TOO_FAR_MS + 1)


class By(Enum):
    """What one row of a table covers: five minutes (less where a session begins or ends), a session, the epoch."""

    FIVE_MINUTES = "five_minutes"
    SESSION = "session"
    EPOCH = "epoch"


@dataclass(frozen=True, eq=False)
class MarketCells:
    """The sums of one market by cell, then maker, then the columns of `kernel.parts`, and the tables made of them.

    units: of the replay's ticks and lots; the tables are in those of the terms.
    """

    market: str
    makers: tuple[str, ...]
    times: CellTimes
    whole: I64
    floats: F64
    of_market: I64
    of_market_floats: F64
    units: Units = field(default_factory=Units, kw_only=True)

    def maker_table(self, *, by: By) -> pa.Table:
        """Return the columns MAKER_COLUMNS, by maker and time; makers that never had an order there have no rows."""
        first = self._first(by)
        shown = self._shown()
        whole, floats = _sums(self.whole[:, shown], first), _sums(self.floats[:, shown], first)
        depths = _sums(self.whole[:, shown, DEPTHS].astype(np.float64), first)
        rows = (len(shown), len(first))
        values: dict[str, object] = {
            "maker": np.repeat(np.array([self.makers[each] for each in shown], object), rows[1])
        }
        repeated = {name: np.tile(each, rows[0]) for name, each in self._when(by, first).items()}
        for each in MAKER_COLUMNS:
            number = getattr(parts, each.name.upper(), None)
            if number is not None and each.type != FLOAT:
                values[each.name] = _flat(whole[:, :, number])
        live_ms, lit_ms = repeated["live_ms"], repeated["lit_ms"]
        lots = float(self.units.lot_scale)
        values["volume_lot_ticks"] = _flat(whole[:, :, parts.VOLUME]) // (self.units.tick_scale * self.units.lot_scale)
        values["share"] = _mean(values["credit"], live_ms << SHARE_BITS)
        values["presence"] = _mean(values["present_ms"], live_ms)
        values["quality_lots"] = _mean(_flat(floats[:, :, parts.QUALITY]), lit_ms * (WEIGHT_ONE * lots))
        for name, over in (
            ("spread_bps", "two_sided_ms"),
            ("bid_distance_bps", "bid_ms"),
            ("ask_distance_bps", "ask_ms"),
        ):
            values[name] = _mean(_flat(floats[:, :, getattr(parts, name.upper())]), values[over])
        names = [column.name for column in MAKER_COLUMNS if "_depth_" in column.name]
        for number, name in enumerate(names):
            values[name] = _mean(_flat(depths[:, :, number]), lit_ms * lots)
        return _table(MAKER_COLUMNS, {**repeated, **values})

    def market_table(self, *, by: By) -> pa.Table:
        """Return the columns MARKET_COLUMNS, by time."""
        first = self._first(by)
        values = self._when(by, first)
        sums, floats = _sums(self.of_market, first), _sums(self.of_market_floats, first)
        lit_ms = values["lit_ms"]
        credit = _sums(self.whole[:, :, parts.CREDIT], first).sum(1)
        values |= {
            "dark_ms": sums[:, parts.MARKET_DARK_MS],
            "halted_ms": sums[:, parts.MARKET_HALTED_MS],
            "stress_ms": sums[:, parts.MARKET_STRESS_MS],
            "reference_half_ticks": _mean(floats[:, parts.REFERENCE], lit_ms * float(self.units.tick_scale)),
            "band_bps": _mean(floats[:, parts.BAND_BPS], lit_ms),
            "book_spread_bps": _mean(floats[:, parts.BOOK_SPREAD_BPS], lit_ms),
            "quality_lots": _mean(floats[:, parts.MARKET_QUALITY], lit_ms * float(WEIGHT_ONE * self.units.lot_scale)),
            "share": _mean(credit, values["live_ms"] << SHARE_BITS),
        }
        return _table(MARKET_COLUMNS, values)

    def exact_volumes(self, *, by: By) -> list[int]:
        """Return the fills of `maker_table`'s rows in the replay's own lots * ticks, which are whole."""
        first = self._first(by)
        volumes: list[int] = _flat(_sums(self.whole[:, self._shown()], first)[:, :, parts.VOLUME]).tolist()
        return volumes

    def _shown(self) -> Array:
        return np.flatnonzero(self.whole[:, :, ORDERS].any((0, 2)) | self.whole[:, :, parts.VOLUME].any(0))

    def _first(self, by: By) -> I64:
        """Return the first cell of each row."""
        if by is By.FIVE_MINUTES:
            return np.arange(len(self.times))
        return self.times.first if by is By.SESSION else np.zeros(1, np.int64)

    def _when(self, by: By, first: I64) -> dict[str, Array]:
        sums = _sums(self.of_market, first)
        last = np.append(first[1:], len(self.times)) - 1
        kinds = [None] if by is By.EPOCH else self.times.kind_names(first)
        return {
            "market": np.full(len(first), self.market, object),
            "kind": np.array(kinds, object),
            "start_ms": self.times.starts_ms[first],
            "end_ms": self.times.ends_ms[last],
            "live_ms": sums[:, parts.MARKET_DARK_MS] + sums[:, parts.MARKET_LIT_MS],
            "lit_ms": sums[:, parts.MARKET_LIT_MS],
        }


@dataclass(frozen=True, eq=False)
class MarketStatistics(MarketCells):
    """The statistics of one market over an epoch. score: what the same replay scored."""

    score: MarketScore


def market_statistics(
    *,
    terms: Terms,
    market: str,
    sessions: Sessions,
    makers: Mapping[str, str],
    events: MarketEvents,
    splits: Sequence[Split] = (),
) -> MarketStatistics:
    """Replay one market and return its statistics.

    events: of this market, split with these `makers` (enrolled address to maker). splits: of any markets. Raises
    DataError, BoundError, and AnalysisError where the epoch or the lots are too large for statistics.
    """
    scorer = WatchedScorer(terms=terms, market=market, sessions=sessions, makers=makers, splits=splits)
    scorer.feed_market(events)
    score = scorer.finish()
    if any(sum(by_kind) >= 1 << 63 for by_kind in score.volume):
        raise TooLargeError(market=market)
    cells = scorer.watch.cells
    return MarketStatistics(
        market=market,
        makers=scorer.maker_names,
        times=scorer.times,
        whole=cells.whole,
        floats=cells.floats,
        of_market=cells.market,
        of_market_floats=cells.market_floats,
        score=score,
        units=scorer.units,
    )


def each_market(inputs: Inputs) -> Iterator[MarketStatistics]:
    """Yield the statistics of every market of the terms, by name, one at a time: they are large."""
    of_markets = inputs.events.split(makers=inputs.makers)
    for market in sorted(inputs.terms.markets, key=byte_order):
        yield market_statistics(
            terms=inputs.terms,
            market=market,
            sessions=inputs.sessions,
            makers=inputs.makers,
            events=of_markets.get(market, MarketEvents.none()),
            splits=inputs.splits,
        )


def _sums(cells: Array, first: I64) -> Array:
    return cells if len(first) == len(cells) else np.add.reduceat(cells, first, axis=0)


def _flat(by_cell: Array) -> Array:
    """Turn (cell, maker) into one row per maker and cell, the cells of a maker together."""
    return np.ascontiguousarray(by_cell.T).ravel()


def _mean(total: object, over: object) -> F64:
    """Return a mean, NaN where there is nothing to take it over."""
    totals, parts_of = np.asarray(total, np.float64), np.asarray(over, np.float64)
    means: F64 = np.divide(totals, parts_of, out=np.full(len(totals), np.nan), where=parts_of > 0)
    return means


def _table(columns: list[Column], values: Mapping[str, object]) -> pa.Table:
    schema = pa.schema([column.field() for column in columns])
    arrays = [pa.array(values[column.name], column.type, from_pandas=True) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema)
