"""The range of a live epoch's estimate: docs/scorecard.md's numbers, and what holds whatever the numbers are."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.analysis.reach import most_of
from rewards.engine.allocation import allocate_market
from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketScore
from tests.bench.workloads import terms_for

DOC = (Path(__file__).parents[2] / "docs" / "scorecard.md").read_text()
HOUR_MS = 3_600_000
ONE = 2**30


def score_of(credit: dict[str, int], present_ms: dict[str, int], live_ms: dict[str, int]) -> MarketScore:
    made = MarketScore.zero(makers=("maker",))
    made.credit[0] = [credit.get(kind, 0) for kind in KINDS]
    made.present_ms[0] = [present_ms.get(kind, 0) for kind in KINDS]
    made.live_ms = [live_ms.get(kind, 0) for kind in KINDS]
    return made


def range_of(terms, score, left_ms: dict[str, int]) -> tuple[int, int, int]:
    """Low, middle and high, the low by the specification's formula with all of the epoch's time as live."""
    left = [left_ms.get(kind, 0) for kind in KINDS]
    rows = allocate_market(terms=terms, market="M", score=score)
    whole = score.copy()
    whole.live_ms = [live + more for live, more in zip(score.live_ms, left, strict=True)]
    low = allocate_market(terms=terms, market="M", score=whole)
    middle = rows[0].payout if rows else 0
    most = most_of(terms=terms, market="M", score=score, left_ms=left)
    return (low[0].payout if low else 0), middle, most("maker", fills=0, stress=0)


def test_the_documents_example_is_what_comes_out():
    """Pool 1,000 x 70% = 700. 10 regular hours are over, 10 weekend hours (3x) are left: 40 plain hours in all.

    Present for 5 of the 10, at a share of 40%: 2 hours' worth of rate. Low 700 * 2 / 40, middle 700 * 2 / 10, high
    700 * (2 + 0.4 * 30) / 40.
    """
    terms = terms_for(markets=["M"], duration_ms=20 * HOUR_MS, max_share_bps=10_000)
    score = score_of(
        {"regular": ONE * 2 * HOUR_MS}, {"regular": 5 * HOUR_MS}, {"regular": 10 * HOUR_MS}
    )  # fmt: skip
    low, middle, high = range_of(terms, score, {"weekend": 10 * HOUR_MS})
    whole = 175_000 * 10**18  # of 250,000, so 250 times the document's pool
    assert (low, middle, high) == (whole * 2 // 40, whole * 2 // 10, whole * 14 // 40)
    told = re.search(r"low \*\*([\d.]+)\*\*, middle \*\*([\d.]+)\*\*, high \*\*([\d.]+)\*\*", DOC)
    assert [int(each) * 250 * 10**18 for each in told.groups()] == [low, middle, high]


hours = st.integers(0, 30).map(lambda count: count * HOUR_MS)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), gate=st.sampled_from([0, 2500, 5000, 9000]), cap=st.sampled_from([100, 5000, 10_000]))
def test_low_is_never_above_the_middle_nor_above_the_high(data, gate, cap):
    terms = terms_for(
        markets=["M"], duration_ms=HOUR_MS, max_share_bps=cap, min_uptime_bps=dict.fromkeys(KINDS, gate)
    )  # fmt: skip
    live = {kind: data.draw(hours) for kind in KINDS}
    left = {kind: data.draw(hours) for kind in KINDS}
    present = {kind: data.draw(st.integers(0, ms)) for kind, ms in live.items()}
    credit = {kind: data.draw(st.integers(0, ms)) * data.draw(st.integers(0, ONE)) for kind, ms in present.items()}
    low, middle, high = range_of(terms, score_of(credit, present, live), left)
    # One unit is what the floors of two ways to divide may differ by.
    assert low <= middle
    assert low <= high + 1


def test_a_gate_that_cannot_be_reached_any_more_brings_nothing_even_at_the_most():
    terms = terms_for(markets=["M"], duration_ms=HOUR_MS, min_uptime_bps=dict.fromkeys(KINDS, 5000))
    score = score_of({"weekend": ONE * HOUR_MS}, {"weekend": HOUR_MS}, {"weekend": 10 * HOUR_MS})
    assert range_of(terms, score, {"weekend": 7 * HOUR_MS})[2] == 0
    assert range_of(terms, score, {"weekend": 8 * HOUR_MS})[2] > 0
