"""Halts that people entered beside the chain's own: a market stands still when either says so, at every millisecond."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.engine import tables
from rewards.engine.actions import Action, differences, entered_halts
from rewards.engine.errors import BundleError
from rewards.engine.events import SCHEMA
from rewards.engine.haltrows import PlacedHalt, insert_halts
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split

START, END = 10, 50
times = st.integers(0, 60)
spans = st.lists(st.tuples(times, times).filter(lambda span: span[0] < span[1]), max_size=5)
toggles = st.lists(st.tuples(st.integers(0, END - 1), st.booleans()), max_size=8).map(
    lambda found: sorted(found, key=lambda toggle: toggle[0])
)


def halted_at(moment: int, events: list[tuple[int, bool]]) -> bool:
    """What a replay that applies these events in turn has at a moment."""
    state = False
    for at, stops in events:
        state = stops if at <= moment else state
    return state


@given(toggles, spans)
def test_a_market_is_halted_when_the_chain_or_a_person_says_so(chain, entered):
    ours = entered_halts(chain, entered, start_ms=START, end_ms=END)
    # Ours stand behind the chain's of the same time: sorting is stable.
    together = sorted([*chain, *ours], key=lambda toggle: toggle[0])
    for moment in range(START, END):
        either = halted_at(moment, chain) or any(begin <= moment < end for begin, end in entered)
        assert halted_at(moment, together) == either, moment
    assert all(START <= at < END for at, _ in ours)
    assert len({at for at, _ in ours}) == len(ours)


def rows(*given: tuple[str, int, int, int]) -> pa.Table:
    empty = dict.fromkeys(SCHEMA.names)
    return pa.Table.from_pylist(
        [
            empty | {"market": market, "block": block, "log_index": index, "time_ms": at, "kind": "anchor", "price": 1}
            for market, block, index, at in given
        ],
        schema=SCHEMA,
    )


def places(table: pa.Table) -> list[tuple[str, int, int, int, str]]:
    columns = ("market", "block", "log_index", "time_ms", "kind")
    return [tuple(row[name] for name in columns) for row in table.to_pylist()]


def test_a_halt_stands_behind_what_its_block_tells_of_earlier_and_moves_up_the_rest():
    table = rows(("A", 5, 0, 400), ("A", 7, 0, 550), ("B", 7, 0, 700), ("A", 7, 1, 700), ("A", 8, 0, 800))
    found = insert_halts(table, {"A": [PlacedHalt(7, 600, True), PlacedHalt(7, 650, False)]})
    assert places(found) == [
        ("A", 5, 0, 400, "anchor"),
        ("A", 7, 0, 550, "anchor"),
        ("B", 7, 0, 700, "anchor"),
        ("A", 7, 1, 600, "halt"),
        ("A", 7, 2, 650, "resume"),
        ("A", 7, 3, 700, "anchor"),
        ("A", 8, 0, 800, "anchor"),
    ]


def test_a_halt_stands_alone_in_a_block_without_events_and_at_the_end_of_the_last_one():
    table = rows(("A", 5, 0, 400), ("A", 9, 0, 900))
    found = insert_halts(table, {"A": [PlacedHalt(7, 600, True), PlacedHalt(9, 950, False, at_end=True)]})
    assert places(found)[1:] == [("A", 7, 0, 600, "halt"), ("A", 9, 0, 900, "anchor"), ("A", 9, 1, 950, "resume")]
    assert insert_halts(table, {}) is table
    assert insert_halts(table, {"A": []}) is table


HALT = Action("A", "halt", 20, 30, 0, 0, "operator opal", "treasurer tess", "the feed broke, twice", "")
SPLIT = Action("A", "split", 25, None, 4, 1, "operator opal", "treasurer tess", "4 for 1", "https://example.com/s")
CLOSED = Action("XNYS", "closure", 30, 40, 0, 0, "operator opal", "treasurer tess", "mourning", "")
SESSIONS = Sessions.from_rows([(START, 30, "regular"), (30, END, "holiday")])


def found(actions, *, splits=(), sessions=SESSIONS, halts=()):
    return list(
        differences(actions, splits=splits, sessions=sessions, toggles={"A": halts}, start_ms=START, end_ms=END)
    )


def test_the_entries_come_back_from_their_file_as_they_were():
    raw = tables.write_actions([CLOSED, SPLIT, HALT])
    assert tables.read_actions(raw) == [HALT, SPLIT, CLOSED]
    assert raw.decode().splitlines()[2] == (
        "A,split,25,,4,1,operator opal,treasurer tess,4 for 1,https://example.com/s"
    )
    with pytest.raises(BundleError, match="line 2: the kind 'pause' is none of split, halt, closure"):
        tables.read_actions(raw.replace(b"A,halt", b"A,pause"))
    with pytest.raises(BundleError, match="line 2"):
        tables.read_actions(raw.replace(b"halt,20,30", b"halt,20,"))


def test_entries_that_the_inputs_hold_differ_in_nothing():
    assert found([HALT, SPLIT, CLOSED], splits=[Split("A", 25, 4, 1)], halts=[(20, True), (30, False)]) == []
    assert found([HALT], halts=[(5, True)]) == []


@pytest.mark.parametrize(
    ("actions", "held", "says"),
    [
        ([HALT], {"halts": [(20, True), (25, False)]}, "live from 25 to 30 ms in events.parquet"),
        ([HALT], {}, "live from 20 to 30 ms in events.parquet"),
        ([SPLIT], {}, "no such line in splits.csv"),
        ([], {"splits": [Split("A", 25, 4, 1)]}, "4 for 1 at 25 ms in splits.csv"),
        ([CLOSED], {"sessions": Sessions.from_rows([(10, 35, "pre"), (35, 50, "holiday")])}, "pre from 10 to 35 ms"),
    ],
)
def test_an_entry_that_the_inputs_do_not_hold_is_found(actions, held, says):
    ((_, _, computed),) = found(actions, **held)
    assert says in computed
