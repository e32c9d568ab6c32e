"""Small epochs written by hand: terms with round numbers, and events as short rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from rewards.engine.events import SCHEMA, EventColumns
from rewards.engine.inputs import Inputs
from rewards.engine.kinds import KINDS
from rewards.engine.sessions import Sessions
from tests.bench.workloads import START_MS, terms_for

MAKER, RIVAL, STRANGER = ("0x" + letter * 40 for letter in "abc")
ACCOUNT = "0x" + "d" * 40
MIDNIGHT_MS = START_MS // 300_000 * 300_000 + 300_000 - START_MS
"""The first whole five minutes after the start, in ms since then."""


def story(
    rows: Sequence[tuple[int, str, dict[str, Any]]],
    *,
    duration_ms: int = 600_000,
    sessions: Sequence[tuple[int, str]] = ((0, "regular"),),
    **changes: Any,
) -> Inputs:
    """An epoch of one market M; rows and sessions begin at ms since the epoch's start.

    The terms: orders of 10 lots, 1000 ms of rest, a band of 50 bps, a target of 0 lots, presence of 10 lots.
    """
    rule = {
        "min_rest_ms": 1000,
        "target_lots": 0,
        "presence_lots": 10,
        "reference_depth_lots": 1000,
        "curve": {"kind": "linear"},
        "clamp_bps": dict.fromkeys(KINDS, 10_000),
        "max_share_bps": 10_000,
        "stress": {"window_ms": 1, "move_bps": 10_000, "hold_ms": 1, "widen_pct": 100, "full_ms": 0},
    }
    terms = terms_for(markets=["M"], duration_ms=duration_ms, **(rule | changes))
    begins = [START_MS + at_ms for at_ms, _ in sessions]
    ends = [*begins[1:], START_MS + duration_ms]
    kinds = [kind for _, kind in sessions]
    return Inputs(
        terms=terms,
        sessions=Sessions.from_rows(zip(begins, ends, kinds, strict=True)),
        makers={MAKER: "maker", RIVAL: "rival"},
        payouts={"maker": [(ACCOUNT, 1_000_000)], "rival": [(ACCOUNT, 1_000_000)]},
        carried_in={},
        previous=None,
        events=events(rows),
    )


def events(rows: Sequence[tuple[int, str, dict[str, Any]]]) -> EventColumns:
    """Events of market M from (ms since the start, kind, columns), each in a block of its own."""
    blank = dict.fromkeys(SCHEMA.names)
    table = [
        blank
        | {"market": "M", "block": number + 1, "log_index": 0, "time_ms": START_MS + at_ms, "kind": kind}
        | columns
        for number, (at_ms, kind, columns) in enumerate(rows)
    ]
    return EventColumns.from_arrow(pa.Table.from_pylist(table, schema=SCHEMA))


def place(order: str, owner: str, side: str, price: int, size: int) -> dict[str, Any]:
    """The columns of a place."""
    return {"order": order, "address": owner, "side": side, "price": price, "size": size}


def book(at_ms: int = -5000) -> list[tuple[int, str, dict[str, Any]]]:
    """A stranger's deep book around 100,000 ticks: the reference is 200,000 half-ticks, the band 1000."""
    return [
        (at_ms, "place", place("deep-bid", STRANGER, "bid", 99_990, 5000)),
        (at_ms, "place", place("deep-ask", STRANGER, "ask", 100_010, 5000)),
    ]
