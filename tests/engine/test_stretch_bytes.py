"""What a stretch leaves in bytes: its score, and a digest that sees every change of an event and nothing else."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.engine.errors import StateError
from rewards.engine.eventdigest import NO_EVENTS, digest_events
from rewards.engine.events import EventColumns, MarketEvents
from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketScore
from rewards.engine.statebytes import dump_score, load_score
from tests.bench.workloads import maker_addresses, market_columns

MAKERS = maker_addresses(3)
by_kind = st.lists(st.integers(0, 2**200), min_size=len(KINDS), max_size=len(KINDS))


def some_events() -> MarketEvents:
    return market_columns(market="M", events=60, makers=3, orders_each=4, moving=0.4).split(makers=MAKERS)["M"]


@given(st.data())
def test_a_score_comes_back_as_it_was(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=4))
    many = st.lists(by_kind, min_size=len(names), max_size=len(names))
    score = MarketScore(
        makers=tuple(names), credit=data.draw(many), present_ms=data.draw(many), volume=data.draw(many),
        stress_credit=data.draw(st.lists(st.integers(0, 2**200), min_size=len(names), max_size=len(names))),
        live_ms=data.draw(by_kind), stress_ms=data.draw(st.integers(0, 2**60)),
    )  # fmt: skip
    assert load_score(dump_score(score)) == score
    assert dump_score(load_score(dump_score(score))) == dump_score(score)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw.replace(b"0]", b"1]", 1), lambda raw: b"x"])
def test_a_damaged_score_is_refused(damage) -> None:
    raw = dump_score(MarketScore.zero(makers=["alice"]))
    with pytest.raises(StateError):
        load_score(damage(raw))


def test_the_digest_is_the_sum_of_these_bytes() -> None:
    """Written out by hand: the digest before, the count, nine columns, the lengths of the order ids, their text."""
    table = pa.table(
        {
            "market": ["M", "M"], "block": [5, 6], "log_index": [0, 1], "time_ms": [1000, 2000],
            "kind": ["place", "halt"], "order": ["höher", None], "address": [next(iter(MAKERS)), None],
            "side": ["ask", None], "price": [7, None], "size": [9, None],
            "taker": pa.array([None, None], pa.string()),
        }
    )  # fmt: skip
    events = EventColumns.from_arrow(table).split(makers=MAKERS)["M"]
    columns = [(5, 6), (0, 1), (1000, 2000), (0, 4), (0, -2), (-2, -2), (1, -1), (7, 0), (9, -(2**63)), (6, -1)]
    expected = b"\xab" * 32 + (2).to_bytes(8, "little") + b"".join(struct.pack("<2q", *pair) for pair in columns)
    assert digest_events(events, after="ab" * 32) == hashlib.sha256(expected + "höher".encode()).hexdigest()


def test_no_events_go_on_from_any_digest_to_another() -> None:
    first = digest_events(MarketEvents.none(), after=NO_EVENTS)
    assert first == hashlib.sha256(bytes(32) + bytes(8)).hexdigest()
    assert digest_events(some_events().slice(5, 5), after=NO_EVENTS) == first


def test_the_digest_is_the_same_however_the_events_came_in() -> None:
    events = some_events()
    whole = digest_events(events.slice(20, 50), after=NO_EVENTS)
    recoded = replace(events, order=events.order + 1, order_ids=pa.concat_arrays([pa.array(["x"]), events.order_ids]))
    large = replace(events, order_ids=events.order_ids.cast(pa.large_string()))
    assert digest_events(recoded.slice(20, 50), after=NO_EVENTS) == whole
    assert digest_events(large.slice(20, 50), after=NO_EVENTS) == whole


@pytest.mark.parametrize(
    "name", ["block", "log_index", "time_ms", "kind", "owner", "taker", "side", "price", "size", "order"]
)
def test_the_digest_sees_a_change_in_every_column(name: str) -> None:
    events = some_events()
    column = getattr(events, name).copy()
    column[17] += 1 if name != "order" else np.int32(-1)
    changed = replace(events, **{name: column})
    assert digest_events(changed, after=NO_EVENTS) != digest_events(events, after=NO_EVENTS)
