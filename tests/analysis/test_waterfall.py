"""The steps from a market's pool to a maker's pay: worked out by hand, and to the unit in epochs that were scored."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction

import pytest

from rewards.analysis.errors import AnalysisError
from rewards.analysis.statistics import each_market
from rewards.analysis.waterfall import STEPS, waterfall
from rewards.engine.allocation import AllocationRow, allocate_market
from rewards.engine.errors import EngineError
from rewards.engine.evidence import read_inputs
from rewards.engine.inputs import Inputs
from rewards.engine.kinds import KINDS
from tests.analysis.stories import MAKER, RIVAL, book, place, story
from tests.engine.random_epochs import write_random_bundle

HOUR_MS = 3_600_000


POOL = 175_000 * 10**18


def hour_of(**changes) -> Inputs:
    """Two hours, the second a weekend's that counts three times. The maker comes after half an hour and goes when the
    first hour ends: 40 lots bid and 20 asked, each halfway to the end of the band. A rival has 20 lots at the reference
    on both sides throughout. A quarter of the larger side is what one side alone counts.
    """
    rows = [
        *book(),
        (-5000, "place", place("r1", RIVAL, "bid", 100_000, 20)),
        (-5000, "place", place("r2", RIVAL, "ask", 100_000, 20)),
        (HOUR_MS // 2 - 1000, "place", place("m1", MAKER, "bid", 99_750, 40)),
        (HOUR_MS // 2 - 1000, "place", place("m2", MAKER, "ask", 100_250, 20)),
        (HOUR_MS, "cancel", {"order": "m1"}),
        (HOUR_MS, "cancel", {"order": "m2"}),
    ]
    sessions = ((0, "regular"), (HOUR_MS, "weekend"))
    return story(rows, duration_ms=2 * HOUR_MS, sessions=sessions, two_sided_divisor=4, **changes)


def changes_of(inputs: Inputs) -> dict[str, int]:
    found = next(each_market(inputs))
    rows = {row.maker: row for row in allocate_market(terms=inputs.terms, market=found.market, score=found.score)}
    row = rows.get("maker", AllocationRow("M", "maker", 0, 0, 0, 0))
    made = waterfall(
        terms=inputs.terms, cells=found, maker="maker", known=len(found.times), fills=row.fills, stress=row.stress,
        payout=row.payout,
    )  # fmt: skip
    assert made.base == POOL
    assert POOL + sum(step.change for step in made.steps) == made.pay == row.payout
    return {step.name: step.change for step in made.steps}


def test_each_step_of_two_hours_that_one_can_work_out_by_hand():
    """Left after each step: 1/4 of the pool (the time it counted), of that 2/3 (40 lots of 60), 1/2 (20 lots of 40),
    1/3 (10 lots of 30). Boosts make that twelfth of the pool a 24th: its hour is one of four, not one of two.
    """
    changes = changes_of(hour_of())
    assert changes["no_quotes"] == -math.ceil(Fraction(POOL * 5399, 7200))
    assert changes["no_quotes"] + changes["too_young"] == -POOL * 3 // 4
    expected = {
        "size": Fraction(1, 6) - Fraction(1, 4), "sides": Fraction(1, 8) - Fraction(1, 6),
        "distance": Fraction(1, 12) - Fraction(1, 8), "boost": Fraction(1, 24) - Fraction(1, 12),
    }  # fmt: skip
    for name, part in expected.items():
        assert changes[name] == pytest.approx(float(POOL * part), rel=1e-8)
    assert abs(changes["means"]) < POOL // 10**8
    still = ("dark", "too_small", "too_far", "one_sided", "gate", "fills", "stress", "cap")
    assert [changes[name] for name in still] == [0] * len(still)


def test_a_gate_that_was_missed_takes_all_of_its_kind_and_a_cap_what_is_above_it():
    gated = changes_of(hour_of(min_uptime_bps=dict.fromkeys(KINDS, 5001)))
    assert gated["gate"] == pytest.approx(-POOL / 24, rel=1e-8)
    # One maker gets at most 2% of 250,000.
    capped = changes_of(hour_of(max_share_bps=200))
    assert capped["cap"] == pytest.approx(5_000 * 10**18 - POOL / 24, rel=1e-8)


def test_the_steps_lead_to_the_pay_and_its_quoting_part_to_the_unit(tmp_path):
    compared = 0
    for seed in range(8):
        write_random_bundle(tmp_path / str(seed), 500 + seed, size=2)
        inputs = read_inputs(tmp_path / str(seed))
        with suppress(EngineError, AnalysisError):
            for found in each_market(inputs):
                for row in allocate_market(terms=inputs.terms, market=found.market, score=found.score):
                    made = waterfall(
                        terms=inputs.terms, cells=found, maker=row.maker, known=len(found.times), fills=row.fills,
                        stress=row.stress, payout=row.payout,
                    )  # fmt: skip
                    assert tuple(step.name for step in made.steps) == STEPS
                    assert made.base + sum(step.change for step in made.steps) == made.pay == row.payout
                    # The engine's own amount, which is made of sums by kind and not by five minutes.
                    assert next(step.after for step in made.steps if step.name == "gate") == row.quoting
                    compared += 1
    assert compared > 5
