"""The calculator beside the engine: a quote that stands for an hour in a book that stands still earns what it says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.analysis.calculator import Place, hour_of_one_lot, rate_of, worth_of
from rewards.engine.kinds import KINDS
from rewards.engine.rules import WEIGHT_ONE
from rewards.engine.scoring import score
from tests.analysis.stories import MAKER, RIVAL, book, place, story

HOUR_MS = 3_600_000
REFERENCE = 200_000
"""Of the deep book of the stories, in half-ticks."""


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 400), bps=st.integers(0, 70), rival_lots=st.integers(0, 300), rival_away=st.integers(0, 400),
    target=st.integers(0, 500), divisor=st.integers(0, 4), kind=st.sampled_from(KINDS),
    curve=st.sampled_from(["linear", "quadratic", "steps"]),
)  # fmt: skip
def test_an_hour_of_a_constant_book_is_paid_to_the_unit(
    size, bps, rival_lots, rival_away, target, divisor, kind, curve
):
    steps = {"steps": [[250_000, 1_000_000], [1_000_000, 62_500]]} if curve == "steps" else {}
    changes = {"target_lots": target, "two_sided_divisor": divisor, "curve": {"kind": curve, **steps}}
    sessions = ((0, kind), (HOUR_MS, "regular"))
    alone = story([*book(), *_quote("r", RIVAL, rival_lots, 100_000 - rival_away, 100_000 + rival_away)],
                  duration_ms=2 * HOUR_MS, sessions=sessions, **changes)  # fmt: skip
    lengths = dict.fromkeys(KINDS, 0)
    lengths["regular"] += HOUR_MS
    lengths[kind] += HOUR_MS
    # The rival's quality by the specification: lots times weight, in millionths.
    others = _quality(rival_lots, 2 * rival_away, 1000, curve)
    found = worth_of(
        terms=alone.terms, place=Place("M", kind, REFERENCE, others), size_lots=size, distance_bps=bps,
        rate=rate_of(terms=alone.terms, market="M", kind=kind, lengths_ms=lengths),
    )  # fmt: skip
    rows = [
        *book(),
        *_quote("r", RIVAL, rival_lots, 100_000 - rival_away, 100_000 + rival_away),
        *_quote("m", MAKER, size, found.bid, found.ask),
        (HOUR_MS, "cancel", {"order": "m-bid"}),
        (HOUR_MS, "cancel", {"order": "m-ask"}),
    ]
    inputs = story(rows, duration_ms=2 * HOUR_MS, sessions=sessions, **changes)
    paid = {row.maker: row.quoting for row in score(inputs).allocations}
    assert paid.get("maker", 0) == found.hour_raw


def test_prices_are_whole_ticks_away_from_the_reference_and_small_orders_are_worth_nothing():
    inputs = story(book(), duration_ms=HOUR_MS)
    rate = rate_of(terms=inputs.terms, market="M", kind="regular", lengths_ms={"regular": HOUR_MS})
    odd = worth_of(terms=inputs.terms, place=Place("M", "regular", 200_001, 0), rate=rate, size_lots=9, distance_bps=0)
    assert (odd.bid, odd.ask) == (100_000, 100_001)
    assert (odd.large_enough, odd.share, odd.hour_raw) == (False, 0, 0)


@pytest.mark.parametrize(("others", "target", "part"), [(0, 0, 1), (3, 0, 4), (3, 100, 100)])
def test_one_more_lot_is_one_part_of_all_lots_or_of_the_target(others, target, part):
    inputs = story(book(), duration_ms=HOUR_MS)
    rate = rate_of(terms=inputs.terms, market="M", kind="regular", lengths_ms={"regular": HOUR_MS})
    assert rate.hour_raw == 175_000 * 10**18
    one = hour_of_one_lot(rate=rate, others=others * WEIGHT_ONE, target_lots=target)
    assert one == 175_000 * 10**18 * (2**30 // part) // 2**30


def _quote(name, owner, lots, bid, ask):
    if not lots:
        return []
    return [(-5000, "place", place(f"{name}-bid", owner, "bid", bid, lots)),
            (-5000, "place", place(f"{name}-ask", owner, "ask", ask, lots))]  # fmt: skip


def _quality(lots: int, distance: int, band: int, curve: str) -> int:
    if lots < 10 or distance >= band:
        return 0
    if curve == "linear":
        return lots * ((band - distance) * 1_000_000 // band)
    if curve == "quadratic":
        return lots * ((band - distance) ** 2 * 1_000_000 // band**2)
    return lots * (1_000_000 if distance * 4 <= band else 62_500)
