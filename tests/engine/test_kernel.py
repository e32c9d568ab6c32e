"""The compiled replay against the exact one, and its parts against Python: the same integers at every moment."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.engine import compiled, evidence, statebytes
from rewards.engine.errors import EngineError
from rewards.engine.events import MarketEvents
from rewards.engine.exact import ExactReplay
from rewards.engine.kernel import bits, parts
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore, MarketState, merge_scores
from tests.bench.workloads import duration_ms, maker_addresses, market_columns, sessions_for, terms_for
from tests.engine.crowded_epochs import write_crowded_bundle
from tests.engine.extreme_epochs import write_extreme_bundle
from tests.engine.random_epochs import write_random_bundle


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Count how the kernel's runs end."""
    seen: Counter[int] = Counter()
    run = compiled.run

    def counted(*args: object) -> int:
        seen[status := run(*args)] += 1
        return status

    monkeypatch.setattr(compiled, "run", counted)
    return seen


def refusal(scorer: MarketScorer, events: MarketEvents) -> str:
    """What the scorer says of events that can't be scored."""
    try:
        scorer.feed_market(events)
        scorer.finish()
    except EngineError as error:
        return str(error)
    return "nothing"


def exact_state(scorer: MarketScorer, events: MarketEvents, until_ms: int) -> bytes | str:
    """The state that the exact replay reaches from an epoch's beginning, or why it can't."""
    makers = scorer.snapshot().makers
    state = MarketState(now_ms=scorer.rules.start_ms, score=MarketScore.zero(makers=makers))
    replay = ExactReplay(market=scorer.market, rules=scorer.rules, sessions=scorer.sessions, state=state)
    try:
        replay.feed(events)
        replay.advance_to(until_ms)
    except EngineError as error:
        return str(error)
    replay.finish()
    return statebytes.dump_state(state=state, key=scorer._key)


def pieces(rng: Random, count: int) -> list[tuple[int, int]]:
    """Cut `[0, count)` at up to six places."""
    cuts = sorted({0, count, *(rng.randrange(count + 1) for _ in range(rng.randrange(6)))})
    return list(pairwise(cuts))


def split_and_compare(directory: Path, rng: Random) -> int:
    """Feed each market of a bundle in random pieces, saved and restored between them; return how many there were."""
    inputs = evidence.read_inputs(directory)
    splits = 0
    for market, events in inputs.events.split(makers=inputs.makers).items():
        if market not in inputs.terms.markets:
            continue
        scorer = MarketScorer(terms=inputs.terms, market=market, sessions=inputs.sessions, makers=inputs.makers)
        end_ms = scorer.rules.end_ms
        expected = exact_state(scorer, events, end_ms)
        if isinstance(expected, str):
            assert refusal(scorer, events) == expected
            continue
        scores = []
        for start, stop in pieces(rng, len(events)):
            scorer.feed_market(events.slice(start, stop))
            latest = int(events.time_ms[stop]) if stop < len(events) else end_ms
            scorer.advance_to(time_ms=rng.randint(min(scorer.now_ms, latest), latest))
            scores.append(scorer.take())
            scorer = MarketScorer.restore(
                scorer.state(), terms=inputs.terms, market=market, sessions=inputs.sessions, makers=inputs.makers
            )
            splits += 1
        scorer.advance_to(time_ms=end_ms)
        scorer._state.score = merge_scores([*scores, scorer.take()])
        assert scorer.state() == expected, (directory.name, market)
    return splits


def test_markets_fed_in_random_pieces_saved_and_restored_between_them_end_as_the_exact_replay_does(
    tmp_path: Path, ways: Counter[int]
) -> None:
    splits = 0
    for seed in range(100):
        write = write_extreme_bundle if seed % 4 == 3 else write_random_bundle
        write(tmp_path / str(seed), 7000 + seed)
        splits += split_and_compare(tmp_path / str(seed), Random(seed))
    assert splits >= 500
    assert ways[parts.DONE] > splits


@pytest.mark.parametrize("exact_rows", [1, 7])
def test_kernel_and_exact_replay_take_turns_in_crowded_epochs_and_end_as_the_exact_replay_alone(
    exact_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: Counter[int]
) -> None:
    monkeypatch.setattr(compiled, "EXACT_ROWS", exact_rows)
    for seed in range(exact_rows * 1000, exact_rows * 1000 + 60):
        write_crowded_bundle(tmp_path / str(seed), seed)
        split_and_compare(tmp_path / str(seed), Random(seed))
    assert ways[parts.NOT_HERE] >= 10


def test_random_epochs_go_through_the_kernel_and_seldom_past_it(tmp_path: Path, ways: Counter[int]) -> None:
    for seed in range(20):
        write_random_bundle(tmp_path / str(seed), seed)
        inputs = evidence.read_inputs(tmp_path / str(seed))
        for market, events in inputs.events.split(makers=inputs.makers).items():
            if market in inputs.terms.markets:
                scorer = MarketScorer(terms=inputs.terms, market=market, sessions=inputs.sessions, makers=inputs.makers)
                scorer.feed_market(events)
                scorer.finish()
    assert ways[parts.NOT_HERE] * 20 < ways[parts.DONE]


@pytest.mark.parametrize(
    ("makers", "orders_each", "moving", "curve", "divisor"),
    [
        (3, 40, 0.3, {"kind": "quadratic"}, 0),
        (13, 10, 0.05, {"kind": "linear"}, 1),
        (40, 3, 1.0, {"kind": "quadratic"}, 3),
        (1, 200, 0.2, {"kind": "steps", "steps": [[0, 1_000_000], [333_333, 512_345], [1_000_000, 7]]}, 2**40),
    ],
)
def test_a_busy_book_gives_the_exact_replays_state(
    makers: int, orders_each: int, moving: float, curve: dict[str, object], divisor: int, ways: Counter[int]
) -> None:
    columns = market_columns(market="M", events=1200, makers=makers, orders_each=orders_each, moving=moving)
    stress = {"window_ms": 2_000, "move_bps": 5, "hold_ms": 3_000, "widen_pct": 333, "full_ms": 0}
    changes = {"curve": curve, "two_sided_divisor": divisor, "stress": stress, "presence_lots": 20, "target_lots": 90}
    terms = terms_for(markets=["M"], duration_ms=duration_ms(columns), **changes)
    addresses = maker_addresses(makers)
    sessions = sessions_for(terms, length_ms=7_001)
    scorer = MarketScorer(terms=terms, market="M", sessions=sessions, makers=addresses)
    events = columns.split(makers=addresses)["M"]
    scorer.feed_market(events)
    scorer.finish()
    assert scorer.state() == exact_state(scorer, events, scorer.rules.end_ms)
    assert sum(map(sum, scorer.snapshot().credit)) > 0
    assert ways[parts.NOT_HERE] == 0


def test_one_makers_crowd_of_orders_makes_the_arrays_grow_and_changes_nothing(ways: Counter[int]) -> None:
    columns = market_columns(market="M", events=2500, makers=1, orders_each=1200, moving=0.1)
    terms = terms_for(markets=["M"], duration_ms=duration_ms(columns))
    addresses = maker_addresses(1)
    scorer = MarketScorer(terms=terms, market="M", sessions=sessions_for(terms), makers=addresses)
    events = columns.split(makers=addresses)["M"]
    scorer.feed_market(events)
    scorer.finish()
    assert ways[parts.MORE_SLOTS] > 0
    assert scorer.state() == exact_state(scorer, events, scorer.rules.end_ms)


def test_an_interval_of_years_is_settled_in_parts_and_sums_to_the_whole(ways: Counter[int]) -> None:
    ten_years_ms = 10 * 365 * 86_400_000
    columns = market_columns(market="M", events=300, makers=4, orders_each=4, moving=0)
    terms = terms_for(markets=["M"], duration_ms=ten_years_ms)
    addresses = maker_addresses(4)
    sessions = sessions_for(terms, length_ms=ten_years_ms)
    scorer = MarketScorer(terms=terms, market="M", sessions=sessions, makers=addresses)
    events = columns.split(makers=addresses)["M"]
    scorer.feed_market(events)
    scorer.finish()
    assert ways[parts.TAKE_OUT] > 50
    assert scorer.state() == exact_state(scorer, events, scorer.rules.end_ms)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_nearest_members_of_a_set_are_those_that_python_finds(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 5, 64, 65, 4096, 300_000]))
    members: set[int] = set()
    layers = bits.layer_starts(size)
    words = np.zeros(layers[-1], np.uint64)
    for number in data.draw(st.lists(st.integers(0, size - 1), max_size=60)):
        if number in members:
            members.discard(number)
            bits.remove(words, layers, number)
        else:
            members.add(number)
            bits.add(words, layers, number)
        place = data.draw(st.integers(0, size - 1))
        assert bits.next_above(words, layers, place) == min((each for each in members if each > place), default=-1)
        assert bits.next_below(words, layers, place) == max((each for each in members if each < place), default=-1)


@given(st.integers(1, 2**62 - 1))
@settings(deadline=None)  # the first example compiles
def test_bit_lengths_are_those_of_python(number: int) -> None:
    assert bits.bit_length(number) == number.bit_length()
    assert 1 << bits.lowest_bit(number) == number & -number
