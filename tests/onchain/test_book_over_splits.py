"""What is carried into an epoch from before a split: the same pay as with all that happened before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain.book import Book, Row
from rewards.engine import scoring
from rewards.engine.errors import EngineError
from rewards.engine.splits import Split
from tests.engine.scored_epochs import inputs_of
from tests.engine.split_epochs import draw_twins


def row(kind: str, index: int, time_ms: int, order: str, size: int | None) -> Row:
    return Row(kind, 1, index, time_ms, order, "0xaa", "bid", 100 if kind == "place" else None, size, None)


def test_an_order_that_shrinks_after_a_split_is_carried_in_with_what_took_from_it():
    placed, kept = row("place", 0, 10, "a", 100), row("place", 1, 10, "b", 7)
    before, after = row("cancel", 2, 15, "a", 20), row("fill", 3, 25, "a", 40)
    book = Book(splits=[(20, 4, 1)])
    book.apply([placed, kept, before, after])
    assert book.rows() == [placed._replace(size=80), kept, after]
    # 80 old lots are 320 new ones, of which 40 are gone.
    book.apply([row("cancel", 4, 30, "a", 279)])
    assert [each.size for each in book.rows()] == [80, 7, 40, 279]
    book.apply([row("cancel", 5, 30, "a", 1)])
    assert book.rows() == [kept]
    book.apply([row("cancel", 6, 30, "b", None)])
    assert book.rows() == []


def test_an_order_that_is_whole_in_no_old_lots_any_more_is_carried_in_exactly():
    placed = row("place", 0, 10, "a", 3)
    book = Book(splits=[(20, 1, 2)])
    taken = row("cancel", 1, 30, "a", 1)
    book.apply([placed, taken])
    assert book.rows() == [placed, taken]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_the_carry_in_over_splits_scores_like_the_whole_past(seed: int) -> None:
    _, epoch, splits = draw_twins(seed)
    start_ms = epoch.terms["epoch"]["start_ms"]
    whole = [Split(*each) for each in splits]
    try:
        expected = scoring.score(replace(inputs_of(epoch), splits=whole))
    except EngineError:
        return
    carried: list[dict[str, Any]] = []
    for market in epoch.terms["markets"]:
        book = Book(splits=[split[1:] for split in splits if split[0] == market and split[1] <= start_ms])
        past = [event for event in epoch.events if event["market"] == market and event["time_ms"] < start_ms]
        book.apply(Row(*(event[name] for name in Row._fields)) for event in past)
        carried += [{"market": market, **each._asdict()} for each in book.rows()]
    epoch.events = [*carried, *(event for event in epoch.events if event["time_ms"] >= start_ms)]
    found = scoring.score(replace(inputs_of(epoch), splits=whole))
    assert (found.scores, found.allocations) == (expected.scores, expected.allocations)


@pytest.mark.parametrize("splits", [(), [(5, 4, 1)], [(40, 4, 1)]])
def test_splits_before_or_after_all_of_it_change_no_row(splits):
    events = [row("place", 0, 10, "a", 100), row("fill", 1, 25, "a", 40)]
    book = Book(splits=splits)
    book.apply(events)
    assert book.rows() == [events[0]._replace(size=60)]
