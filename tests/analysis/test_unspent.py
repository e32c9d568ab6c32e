"""Why money was not earned: each reason on a story worked out by hand, and sums to the unit on random epochs."""

from __future__ import annotations

import pytest

from rewards.analysis.bought import bought_in, idle_time
from rewards.analysis.statistics import each_market
from rewards.analysis.unspent import REASONS, quoting_by_kind, unspent_of_epoch, unspent_of_market
from rewards.engine.allocation import allocate_market
from rewards.engine.inputs import Inputs
from rewards.engine.scoring import score
from tests.analysis.stories import MAKER, RIVAL, STRANGER, book, place, story
from tests.engine.scored_epochs import draw_payable, inputs_of

BUDGET = 250_000 * 10**18
HOUR_MS = 3_600_000


def unspent(inputs: Inputs) -> dict[str, int]:
    """What an epoch leaves, by reason, without the reasons that left nothing."""
    of_markets = {}
    for found in each_market(inputs):
        rows = allocate_market(terms=inputs.terms, market=found.market, score=found.score)
        of_markets[found.market] = unspent_of_market(
            terms=inputs.terms, market=found.market, score=found.score, idle=idle_time(found), rows=rows
        )
    whole = unspent_of_epoch(terms=inputs.terms, of_markets=of_markets)
    assert sum(whole.values()) == score(inputs).unspent
    return {reason: amount for reason, amount in whole.items() if amount}


def all_for_quoting(rows: list, **changes: object) -> Inputs:
    changes = {"quoting_share_bps": 10_000, "fills_share_bps": 0, "stress_share_bps": 0, "target_lots": 0} | changes
    return story(rows, duration_ms=HOUR_MS, **changes)


def both_sides(owner: str, at_ms: int, *, size: int = 10) -> list:
    return [
        (at_ms, "place", place(f"{owner[2]}bid", owner, "bid", 99_990, size)),
        (at_ms, "place", place(f"{owner[2]}ask", owner, "ask", 100_010, size)),
    ]


def test_an_hour_without_a_reference_is_dark_and_nothing_else():
    assert unspent(all_for_quoting([])) == {"dark": BUDGET}


def test_an_hour_with_a_book_in_which_no_maker_quotes_is_nobodys():
    assert unspent(all_for_quoting(book())) == {"nobody": BUDGET}


def test_a_quarter_of_the_hour_is_nobodys_when_the_maker_comes_late():
    """It rests from minute 15 on, less the second of rest that its orders need before they count."""
    rows = [*book(), *both_sides(MAKER, HOUR_MS // 4 - 1000)]
    found = unspent(all_for_quoting(rows))
    assert found.pop("nobody") == BUDGET // 4
    assert set(found) <= {"thin", "rounding"}  # shares are whole numbers of 2^-30
    assert sum(found.values()) < BUDGET // 2**29


def test_below_the_target_what_is_missing_is_thin():
    """The first second is nobody's, as the orders must rest for it. Distance 20 of 1,000 half-ticks weighs 98%
    (linear); 10 lots on each side against a target of 98 lots: a tenth."""
    rows = [*book(), *both_sides(MAKER, 0)]
    found = unspent(all_for_quoting(rows, target_lots=98))
    lit = HOUR_MS - 1000
    assert found["nobody"] == BUDGET * 1000 // HOUR_MS
    assert found["thin"] == pytest.approx(BUDGET * lit / HOUR_MS * 0.9, rel=1e-6)


def test_a_maker_below_its_uptime_gate_leaves_what_it_would_have_earned():
    """There for half of the hour, of which the gate asks 60%."""
    rows = [*book(), *both_sides(MAKER, HOUR_MS // 2 - 1000)]
    gates = dict.fromkeys(("regular", "pre", "post", "overnight", "weekend", "holiday"), 6_000)
    found = unspent(all_for_quoting(rows, min_uptime_bps=gates))
    assert found["nobody"] == BUDGET // 2
    assert found["gate"] == pytest.approx(BUDGET // 2, rel=1e-8)


def test_pools_for_fills_and_stress_without_either_say_so():
    """15% each; the stress pool needs an hour of stress."""
    stress = {"window_ms": 1, "move_bps": 10_000, "hold_ms": 1, "widen_pct": 100, "full_ms": HOUR_MS}
    shares = {"quoting_share_bps": 7_000, "fills_share_bps": 1_500, "stress_share_bps": 1_500}
    found = unspent(all_for_quoting(book(), **shares, stress=stress))
    assert found == {"nobody": BUDGET * 70 // 100, "no_fills": BUDGET * 15 // 100, "no_stress": BUDGET * 15 // 100}


def test_the_cap_takes_from_the_largest_and_what_is_shared_out_is_below_nothing():
    rows = [*book(), *both_sides(MAKER, -2000), *both_sides(RIVAL, -2000)]
    found = unspent(all_for_quoting(rows, max_share_bps=2_000))
    assert found["cap"] == pytest.approx(BUDGET * 6 // 10, rel=1e-8)


def test_fills_by_a_stranger_alone_earn_nothing():
    rows = [*book(), (1000, "fill", {"order": "deep-bid", "size": 5, "taker": STRANGER})]
    found = unspent(all_for_quoting(rows, quoting_share_bps=0, fills_share_bps=10_000))
    assert found == {"no_fills": BUDGET}


@pytest.mark.parametrize("seed", range(40))
def test_the_reasons_of_random_epochs_sum_to_what_is_left_to_the_unit(seed):
    found = unspent(inputs_of(draw_payable(seed)[1]))
    assert all(amount > 0 or reason == "shared_out" for reason, amount in found.items()), found
    assert set(found) <= set(REASONS)


def test_what_was_bought_is_the_book_as_it_stood():
    """The book's spread is 2 bps (99,990 to 100,010); the maker rests 10 lots a side 1 bp away for all but a second."""
    inputs = all_for_quoting([*book(), *both_sides(MAKER, 0)], reference_depth_lots=10)
    (found,) = each_market(inputs)
    quoting = quoting_by_kind(terms=inputs.terms, market="M", score=found.score)
    whole, session = bought_in(found, quoting=quoting, paid=score(inputs).allocations[0].payout)
    assert (whole.market, whole.kind, session.kind) == ("M", None, "regular")
    assert (whole.lit_ms, whole.dark_ms, whole.nobody_ms) == (HOUR_MS, 0, 1000)
    assert whole.spread_bps == pytest.approx(2.0)
    assert whole.depth_lots == pytest.approx((20 * (1 - 1000 / HOUR_MS),) * 4)
    assert 0 <= whole.pay_raw - session.pay_raw < len(REASONS)
