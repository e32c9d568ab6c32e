"""What the exact replay leaves behind for the kernel: numbers beyond 64 bits' products stay with the exact one."""

from __future__ import annotations

from typing import Any

import pyarrow
import pytest

from rewards.engine.events import SCHEMA, EventColumns
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore
from rewards.engine.sessions import Sessions
from tests.bench.workloads import START_MS, terms_for
from tests.engine.random_epochs import KINDS
from tests.engine.random_walk import new_event

EPOCH_MS = 1000
STRANGER = "0x" + "5" * 40
STRESS = {"window_ms": 100, "move_bps": 200, "hold_ms": 50, "widen_pct": 200, "full_ms": 0}


def scored(*events: dict[str, Any], **changes: Any) -> MarketScore:
    """The score of an epoch of a second, of one session, from events whose times count from its start."""
    changes = {"reference_depth_lots": 1, "max_spread_bps": dict.fromkeys(KINDS, 0), "stress": STRESS} | changes
    terms = terms_for(markets=["M"], duration_ms=EPOCH_MS, **changes)
    sessions = Sessions.from_rows([(START_MS, START_MS + EPOCH_MS, "weekend")])
    rows = [
        event | {"time_ms": START_MS + event["time_ms"], "block": number, "log_index": 0}
        for number, event in enumerate(events)
    ]
    scorer = MarketScorer(terms=terms, market="M", sessions=sessions, makers={})
    scorer.feed(EventColumns.from_arrow(pyarrow.Table.from_pylist(rows, schema=SCHEMA)))
    return scorer.finish()


def quote(time_ms: int, side: str, price: int) -> dict[str, Any]:
    """A stranger places an order that is called by its side."""
    return new_event("M", time_ms, "place", order=side, address=STRANGER, side=side, price=price, size=10)


def gone(time_ms: int, side: str) -> dict[str, Any]:
    """A stranger takes the order of a side away."""
    return new_event("M", time_ms, "cancel", order=side)


@pytest.mark.parametrize("price", [2**47, 2**50, 2**58, 2**60, 2**61, 2**62, 2**63 - 2])
def test_a_fall_from_a_price_beyond_64_bits_products_opens_a_stress_window(price: int) -> None:
    score = scored(
        quote(0, "bid", price - 1),
        quote(0, "ask", price + 1),
        gone(120, "bid"),
        gone(120, "ask"),
        quote(120, "bid", 99),
        quote(120, "ask", 101),
    )
    assert score.stress_ms == STRESS["hold_ms"]


@pytest.mark.parametrize("anchor", [2**48, 93 * 10**13, 2**50, 2**55, 2**62, 2**63 - 1])
def test_an_anchor_beyond_64_bits_products_that_leaves_the_reference_alone_opens_no_stress_window(anchor: int) -> None:
    # By 10,000 bps around it the anchor allows every reference from 0 on: that of the book does not move.
    score = scored(
        quote(0, "bid", 99),
        quote(0, "ask", 101),
        new_event("M", 200, "anchor", price=anchor),
        clamp_bps=dict.fromkeys(KINDS, 10_000),
    )
    assert score.live_ms[KINDS.index("weekend")] == EPOCH_MS
    assert score.stress_ms == 0
