"""The columns of the statistics' tables: their names, units and meanings, which the tables carry with them.

docs/statistics.md says the same at length, in a maker's words.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from rewards.analysis.kernel.parts import DEPTHS_BPS

TEXT, WHOLE, FLOAT = pa.string(), pa.int64(), pa.float64()


@dataclass(frozen=True)
class Column:
    """One column. A float is null where there was no time to take its mean over."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str

    def field(self) -> pa.Field:
        """Return the column of a table's schema."""
        return pa.field(self.name, self.type, metadata={"unit": self.unit, "meaning": self.meaning})


def _depth(side: str, bps: int) -> Column:
    meaning = f"mean lots of counting size and age, {side}s within {bps} bps of the reference, over lit time"
    return Column(f"{side}_depth_{bps}_bps_lots", FLOAT, "lots", meaning)


_WHERE = [
    Column("market", TEXT, "", "the market's name in the terms"),
]
_WHEN = [
    Column("kind", TEXT, "", "the kind of the session; null over a whole epoch"),
    Column("start_ms", WHOLE, "ms since 1970", "where the row's time starts"),
    Column("end_ms", WHOLE, "ms since 1970", "where it ends, itself not in it"),
    Column("live_ms", WHOLE, "ms", "time in which the market was not halted"),
    Column("lit_ms", WHOLE, "ms", "live time with a reference"),
]
MAKER_COLUMNS = [
    *_WHERE,
    Column("maker", TEXT, "", "the maker, with all its addresses"),
    *_WHEN,
    Column("credit", WHOLE, "share * 2^30 * ms", "what the quoting pool is paid by, before the gate"),
    Column("share", FLOAT, "fraction", "mean part of the market's rate, over live time"),
    Column("stress_credit", WHOLE, "share * 2^30 * ms", "credit inside stress windows"),
    Column("present_ms", WHOLE, "ms", "time of presence, as the uptime gate counts it"),
    Column("presence", FLOAT, "fraction", "present_ms of live_ms"),
    Column("quality_lots", FLOAT, "lots", "mean quality Q in lots at the reference, over lit time"),
    Column("volume_lot_ticks", WHOLE, "lots * ticks", "fills that the fills pool counts, unboosted"),
    Column("spread_bps", FLOAT, "bps of the reference", "mean of own best ask less own best bid, over two_sided_ms"),
    Column("bid_distance_bps", FLOAT, "bps of the reference", "mean of reference less own best bid, over bid_ms"),
    Column("ask_distance_bps", FLOAT, "bps of the reference", "mean of own best ask less reference, over ask_ms"),
    Column("bid_ms", WHOLE, "ms", "lit time with a bid of counting size and age"),
    Column("ask_ms", WHOLE, "ms", "lit time with such an ask"),
    Column("two_sided_ms", WHOLE, "ms", "lit time with both"),
    *[_depth(side, bps) for side in ("bid", "ask") for bps in DEPTHS_BPS],
    Column("counting_ms", WHOLE, "ms", "time with a quality above 0; with the next seven it sums to the row's time"),
    Column("halted_ms", WHOLE, "ms", "the market was halted"),
    Column("dark_ms", WHOLE, "ms", "the market had no reference"),
    Column("no_quotes_ms", WHOLE, "ms", "the maker had no order"),
    Column("too_small_ms", WHOLE, "ms", "none of its orders was large enough"),
    Column("too_young_ms", WHOLE, "ms", "none of its large enough orders had rested for long enough"),
    Column("too_far_ms", WHOLE, "ms", "none of its large and old enough orders had a weight"),
    Column("one_sided_ms", WHOLE, "ms", "one side alone had a weight, and that was not enough"),
    Column("single_side_ms", WHOLE, "ms", "part of counting_ms in which one side alone had a weight"),
    Column("order_counting_ms", WHOLE, "orders * ms", "orders with a weight; with the next five, all its orders"),
    Column("order_halted_ms", WHOLE, "orders * ms", "orders in a halted market"),
    Column("order_dark_ms", WHOLE, "orders * ms", "orders in a market without a reference"),
    Column("order_too_small_ms", WHOLE, "orders * ms", "orders below the least size"),
    Column("order_too_young_ms", WHOLE, "orders * ms", "large enough orders below the least rest"),
    Column("order_too_far_ms", WHOLE, "orders * ms", "large and old enough orders without a weight"),
]
MARKET_COLUMNS = [
    *_WHERE,
    *_WHEN,
    Column("dark_ms", WHOLE, "ms", "live time without a reference"),
    Column("halted_ms", WHOLE, "ms", "time in a halt"),
    Column("stress_ms", WHOLE, "ms", "live time inside stress windows"),
    Column("reference_half_ticks", FLOAT, "half-ticks", "mean reference, over lit time"),
    Column("band_bps", FLOAT, "bps of the reference", "mean distance at which weight ends, over lit time"),
    Column("book_spread_bps", FLOAT, "bps of the reference", "mean spread at the reference depth, over lit time"),
    Column("quality_lots", FLOAT, "lots", "mean quality of all makers together, over lit time"),
    Column("share", FLOAT, "fraction", "mean part of the market's rate that all makers earned, over live time"),
]
