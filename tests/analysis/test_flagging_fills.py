"""Flags from fills and quotes on stories whose answers are worked out by hand, and none on honest random epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rewards.analysis.flagging import fills as flags
from rewards.analysis.flagging import mirrored
from rewards.engine.events import MarketEvents
from tests.analysis.stories import STRANGER, events, place
from tests.bench.workloads import START_MS
from tests.flag_epochs import honest_market, names_of

CAST = {f"0x{number:040x}": f"m{number}" for number in range(1, 6)}
A, B, C, D, E = CAST
SPAN = {"start_ms": START_MS, "end_ms": START_MS + 10**9}
Row = tuple[int, str, dict[str, Any]]


def market_of(rows: list[Row], cast: dict[str, str] = CAST) -> MarketEvents:
    return events(rows).split(makers=cast)["M"]


def traded(at_ms: int, number: int, resting: str, taking: str, *, lots: int = 10, price: int = 100) -> list[Row]:
    """One order that rests, and a fill that takes all of it."""
    return [
        (at_ms, "place", place(f"o{number}", resting, "bid", price, lots)),
        (at_ms + 1, "fill", {"order": f"o{number}", "size": lots, "taker": taking}),
    ]


def fills_story(pairs: list[tuple[str, str]]) -> list[Row]:
    return [row for number, pair in enumerate(pairs) for row in traded(10 * number, number, *pair)]


def found(kind: Any, rows: list[Row]) -> list[Any]:
    market = market_of(rows)
    fills = flags.fills_of(market, **SPAN)
    return kind(market="M", fills=fills, events=market, makers=names_of(CAST), names={})


def test_a_fill_has_the_owner_and_price_of_the_last_order_of_that_name():
    rows = [*traded(0, 1, A, STRANGER, price=100), *traded(10, 1, B, STRANGER, price=103)]
    market = market_of(rows)
    fills = flags.fills_of(market, **SPAN)
    assert (fills.resting.tolist(), fills.taking.tolist(), fills.price.tolist()) == ([0, 1], [-1, -1], [100, 103])


def test_fills_before_the_epoch_are_not_looked_at():
    market = market_of(traded(-100, 1, A, A))
    assert len(flags.fills_of(market, **SPAN).lots) == 0


def test_a_maker_that_trades_with_itself_is_flagged_with_the_part_that_it_is():
    # A rests in 100 fills of 1,000 each: 25 against itself, 75 against strangers. B trades as much with strangers.
    pairs = [(A, A)] * 25 + [(A, STRANGER)] * 75 + [(B, STRANGER)] * 100
    (flag,) = found(flags.own_fills, fills_story(pairs))
    assert (flag.level, flag.subjects, flag.figures["fills"], flag.figures["lots"]) == ("serious", ("m1",), 25, 250)
    assert (flag.figures["part_of_own"], flag.figures["part_of_market"]) == (0.25, 0.125)
    assert "25 fills, 25% of its volume and 12% of the market’s" in flag.sentence
    assert len(flag.evidence) == 20


@pytest.mark.parametrize(("own", "level"), [(1, "note"), (19, "note"), (20, "serious")])
def test_a_few_own_fills_are_worth_knowing_and_no_more(own, level):
    (flag,) = found(flags.own_fills, fills_story([(A, A)] * own + [(A, STRANGER)] * (9 * own)))
    assert (flag.level, flag.figures["part_of_own"]) == (level, 0.1)


def test_two_that_trade_mostly_with_each_other_stand_out_against_independent_choice():
    """A and B meet 80 times; each meets strangers 20 times; C, D and E and strangers make 400 more fills.

    500 fills in all, and A takes part in 100 of them: whoever meets A does so out of 2 * 500 - 100 = 900 other sides,
    of which B has 100. So independent choice gives A one ninth with B, and 0.8 was found.
    """
    pairs = [(A, B)] * 40 + [(B, A)] * 40 + [(A, STRANGER)] * 20 + [(STRANGER, B)] * 20
    pairs += [(maker, STRANGER) for maker in (C, D, E)] * 126 + [(C, D)] * 2
    assert len(pairs) == 500
    (flag,) = found(flags.trade_together, fills_story(pairs))
    assert (flag.level, flag.subjects, flag.figures["fills"]) == ("serious", ("m1", "m2"), 80)
    assert flag.figures["part"] == flag.figures["other_part"] == 0.8
    assert flag.figures["expected"] == pytest.approx(1 / 9)
    # 100 fills, each with B by chance 1/9: 11.1 are expected, with a standard deviation of sqrt(100 * 8 / 81) = 3.14.
    assert flag.figures["sigmas"] == pytest.approx((80 - 100 / 9) / (100 * 8 / 81) ** 0.5)
    assert "independent choice would give 11%" in flag.sentence


def test_where_there_are_only_two_makers_meeting_each_other_is_no_wonder():
    assert found(flags.trade_together, fills_story([(A, B)] * 50 + [(B, A)] * 50)) == []


def test_a_large_maker_that_everybody_meets_is_not_linked_to_any():
    """A is on one side of every fill; each of the others meets only A, as it must."""
    pairs = [(A, other) for other in (B, C, D, E)] * 100
    assert found(flags.trade_together, fills_story(pairs)) == []


def test_few_fills_say_nothing():
    pairs = [(A, B)] * 29 + [(C, STRANGER)] * 500
    assert found(flags.trade_together, fills_story(pairs)) == []


# --- mirrored quoting ---------------------------------------------------------------------------------------------


def quotes(market: MarketEvents, makers: tuple[str, ...]) -> list[Any]:
    found_quotes = mirrored.quotes_of(market, **SPAN)
    return mirrored.mirrored_quotes(market="M", quotes=found_quotes, events=market, makers=makers, names={})


def linked_market(*, steps: int, lag_ms: int, side: str, seed: int = 1) -> MarketEvents:
    """A and B replace one order each, B `lag_ms` after A at A's price or mirrored about the middle; C does as it likes.

    A stranger's book keeps the middle at 10,000 (bid 9,990, ask 10,010).
    """
    rng = np.random.default_rng(seed)
    rows: list[Row] = [
        (-2, "place", place("bid", STRANGER, "bid", 9_990, 1_000)),
        (-1, "place", place("ask", STRANGER, "ask", 10_010, 1_000)),
    ]
    at_ms = 0
    for step in range(steps):
        at_ms += int(rng.integers(500, 5_000))
        price = int(rng.integers(9_900, 9_980))
        own = int(rng.integers(9_900, 9_980))
        rows.append((at_ms, "place", place(f"a{step}", A, "bid", price, 10)))
        rows.append(
            (at_ms + lag_ms, "place", place(f"b{step}", B, side, price if side == "bid" else 20_000 - price, 10))
        )
        rows.append((at_ms + 200, "cancel", {"order": f"a{step}"}))
        rows.append((at_ms + 200 + lag_ms, "cancel", {"order": f"b{step}"}))
        rows.append((at_ms + 300, "place", place(f"c{step}", C, "bid", own, 10)))
        rows.append((at_ms + 400, "cancel", {"order": f"c{step}"}))
    return market_of(sorted(rows, key=lambda row: row[0]))


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_quotes_that_follow_each_other_within_milliseconds_are_flagged_at_the_same_and_at_the_mirrored_price(side):
    (flag,) = quotes(linked_market(steps=300, lag_ms=4, side=side), names_of(CAST))
    # Each of A's 300 placements and 300 cancels has its twin.
    assert (flag.subjects, flag.level, flag.figures["twins"]) == (("m1", "m2"), "serious", 600)
    assert (flag.figures["part"], flag.figures["other_part"]) == (1.0, 1.0)
    assert flag.figures["null_most"] < 60
    assert "(100% of them) have a twin of m2 within 5 ms" in flag.sentence


def test_quotes_that_follow_after_a_while_are_an_answer_and_no_twin():
    assert quotes(linked_market(steps=300, lag_ms=50, side="bid"), names_of(CAST)) == []


def test_makers_that_are_always_at_the_same_prices_at_all_times_are_not_flagged():
    """Both place in every block at one price: shifted by any number of blocks it is the same, so it says nothing."""
    rows: list[Row] = []
    for step in range(600):
        for maker in (A, B):
            rows.append((1_000 * step, "place", place(f"{maker}{step}", maker, "bid", 9_990, 10)))
            rows.append((1_000 * step + 500, "cancel", {"order": f"{maker}{step}"}))
    assert quotes(market_of(sorted(rows, key=lambda row: row[0])), names_of(CAST)) == []


@pytest.mark.parametrize("seed", range(6))
def test_honest_random_markets_have_no_flags(seed):
    """Twelve makers on one public price, each with a time and habits of its own, and takers who meet any of them."""
    market, makers = honest_market(seed=seed, events=30_000)
    fills = flags.fills_of(market, **SPAN)
    assert len(fills.lots) > 1_000
    assert flags.own_fills(market="M", fills=fills, events=market, makers=makers, names={}) == []
    assert flags.trade_together(market="M", fills=fills, events=market, makers=makers, names={}) == []
    assert quotes(market, makers) == []
