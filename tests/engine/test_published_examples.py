"""Worked examples that others have published, through the engine's own door: events and terms in, scores out.

OpenZeppelin's tree is in test_merkle.py and test_merkle_cli.py.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pyarrow
import pytest

from rewards.engine import evidence, scoring
from rewards.engine.events import SCHEMA
from rewards.engine.sessions import Sessions
from rewards.engine.terms import parse_terms

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
MAKER, STRANGER = "0x" + "1" * 40, "0x" + "2" * 40
HOUR_MS = 3_600_000
# With 2^10 lots as the target, and no more quality than that, a share of 2^30 is a quality of 2^10 lots.
TARGET_LOTS, UNITS_PER_LOT = 2**10, 2**20

# docs.polymarket.com/market-makers/liquidity-rewards, "Worked Example": midpoint 0.50, max spread 3 cents, c = 3.0.
# (distance in tenths of a cent, size in shares). An ask on the complement m' at 0.51 is a bid on m at 0.49. The page
# writes the second side's first order as a bid on m at 0.485; by the page's own formula it is one of side two.
SIDE_ONE = ((10, 100), (20, 200), (10, 100))
SIDE_TWO = ((15, 100), (20, 100), (5, 200))
MAX_SPREAD_BPS = 3 * 10_000 // 50
PUBLISHED_ONE, PUBLISHED_TWO, PUBLISHED_MINIMUM = "111.11", "175.00", "111.11"

Quote = tuple[str, str, int, int]


def quotes_at(*, bids: tuple[tuple[int, int], ...], asks: tuple[tuple[int, int], ...], cent: int) -> list[Quote]:
    """The maker's quotes, as (owner, side, price in ticks, lots), about a midpoint of 0.50; `cent` ticks are one cent.

    The strangers' quotes keep the midpoint where it is without the maker's.
    """
    middle = 50 * cent
    quotes = [(STRANGER, "bid", middle - 1, 1), (STRANGER, "ask", middle + 1, 1)]
    quotes += [(MAKER, "bid", middle - away * cent // 10, lots) for away, lots in bids]
    return quotes + [(MAKER, "ask", middle + away * cent // 10, lots) for away, lots in asks]


def quality_lots(quotes: list[Quote], *, max_spread_bps: int, divisor: int) -> str:
    """The quality of the maker whose quotes rest for an hour, to two places."""
    every = lambda value: dict.fromkeys(KINDS, value)  # noqa: E731 - a table of six equal values
    market = {
        "weight_bps": 10_000, "quoting_share_bps": 10_000, "fills_share_bps": 0, "stress_share_bps": 0,
        "min_order_lots": 1, "min_rest_ms": 0, "reference_depth_lots": 1, "presence_lots": 1,
        "max_spread_bps": every(max_spread_bps), "clamp_bps": every(10_000), "min_uptime_bps": every(0),
        "curve": {"kind": "quadratic"}, "two_sided_divisor": divisor, "target_lots": TARGET_LOTS,
        "max_share_bps": 10_000,
    }  # fmt: skip
    terms = {
        "version": 1, "program": "polymarket", "token": "0x" + "a" * 40, "budget": "1", "min_payout": "0",
        "epoch": {"number": 1, "start_ms": 0, "end_ms": HOUR_MS}, "unspent": "return", "boosts": every(100),
        "markets": {"M": market},
    }  # fmt: skip
    events = [
        dict.fromkeys(SCHEMA.names)
        | {"market": "M", "block": 1, "log_index": number, "time_ms": 0, "kind": "place", "order": str(number)}
        | {"address": owner, "side": side, "price": price, "size": lots}
        for number, (owner, side, price, lots) in enumerate(quotes)
    ]
    result = scoring.score(
        evidence.Inputs(
            terms=parse_terms(json.dumps(terms).encode()),
            sessions=Sessions.from_rows([(0, HOUR_MS, "regular")]),
            makers={MAKER: "maker"},
            payouts={"maker": [(MAKER, 1_000_000)]},
            carried_in={},
            previous=None,
            events=evidence.EventColumns.from_arrow(pyarrow.Table.from_pylist(events, schema=SCHEMA)),
        )
    )
    credit = result.scores[0].credit if result.scores else 0
    hundredths = round(Fraction(100 * credit, HOUR_MS * UNITS_PER_LOT))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


@pytest.mark.parametrize("cent", [2, 10, 1000])
@pytest.mark.parametrize(
    ("bids", "asks", "divisor", "published"),
    [
        # c = 0 takes the smaller side whatever the other is, c = 1 the larger: each side alone can be seen.
        (SIDE_ONE, SIDE_TWO, 0, PUBLISHED_MINIMUM),
        (SIDE_TWO, SIDE_ONE, 0, PUBLISHED_MINIMUM),
        (SIDE_ONE, SIDE_TWO, 3, PUBLISHED_MINIMUM),
        (SIDE_ONE, SIDE_TWO, 1, PUBLISHED_TWO),
        (SIDE_ONE, (), 1, PUBLISHED_ONE),
        ((), SIDE_TWO, 1, PUBLISHED_TWO),
        ((), SIDE_TWO, 0, "0.00"),
        ((), SIDE_TWO, 3, "58.33"),  # one-sided: Q_two / c, with the page's c = 3.0
    ],
)
def test_polymarkets_worked_example(
    bids: tuple[tuple[int, int], ...], asks: tuple[tuple[int, int], ...], divisor: int, published: str, cent: int
) -> None:
    quotes = quotes_at(bids=bids, asks=asks, cent=cent)
    assert quality_lots(quotes, max_spread_bps=MAX_SPREAD_BPS, divisor=divisor) == published


def test_a_midpoint_between_two_ticks_is_kept_in_half_ticks() -> None:
    """One tick is a cent and the midpoint 0.495, so 0.48 is 1.5 cents away: ((3 - 1.5) / 3)^2 of 100 is 25."""
    quotes = [(STRANGER, "bid", 49, 1), (STRANGER, "ask", 50, 1), (MAKER, "bid", 48, 100), (MAKER, "ask", 51, 100)]
    assert quality_lots(quotes, max_spread_bps=607, divisor=0) == "25.00"  # 3 cents of 49.5 are 606.06 bps
