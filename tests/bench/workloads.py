"""Made-up order flow for the benchmarks: makers who replace their quotes, and a touch that moves the reference."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from rewards.engine.events import ASK, BID, CANCEL, NO_SIZE, PLACE, SCHEMA, EventColumns, Words
from rewards.engine.kinds import KINDS
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms, parse_terms

START_MS = 1_790_000_000_000
MID = 20_000
GAP_MS = 50
"""The mean time between two events of one market."""


def terms_for(*, markets: list[str], duration_ms: int, **changes: Any) -> Terms:
    """Return terms like the specification's example for some markets; `changes` go into every market."""
    bps = dict.fromkeys(KINDS, 50)
    of_market = {
        "weight_bps": 10_000 // len(markets),
        "quoting_share_bps": 7000,
        "fills_share_bps": 1500,
        "stress_share_bps": 1500,
        "min_order_lots": 10,
        "min_rest_ms": 500,
        "reference_depth_lots": 50,
        "max_spread_bps": bps,
        "clamp_bps": dict.fromkeys(KINDS, 300),
        "min_uptime_bps": dict.fromkeys(KINDS, 0),
        "curve": {"kind": "quadratic"},
        "two_sided_divisor": 3,
        "target_lots": 2000,
        "presence_lots": 100,
        "max_share_bps": 5000,
        "stress": {"window_ms": 300_000, "move_bps": 200, "hold_ms": 600_000, "widen_pct": 200, "full_ms": 3_600_000},
        **changes,
    }
    document = {
        "version": 1,
        "program": "benchmark",
        "token": "0x" + "70" * 20,
        "epoch": {"number": 1, "start_ms": START_MS, "end_ms": START_MS + duration_ms},
        "budget": str(250_000 * 10**18),
        "min_payout": "1",
        "unspent": "return",
        "boosts": {"regular": 100, "pre": 150, "post": 200, "overnight": 250, "weekend": 300, "holiday": 300},
        "markets": dict.fromkeys(markets, of_market),
    }
    return parse_terms(json.dumps(document).encode())


def sessions_for(terms: Terms, *, length_ms: int = 6 * 3_600_000) -> Sessions:
    """Cover the epoch with sessions of one length, the kinds in turn."""
    start, end = terms.epoch.start_ms, terms.epoch.end_ms
    cuts = [*range(start, end, length_ms), end]
    rows = [(a, b, KINDS[i % len(KINDS)]) for i, (a, b) in enumerate(pairwise(cuts))]
    return Sessions.from_rows(rows)


def maker_addresses(count: int) -> dict[str, str]:
    """Return one address for each of some makers."""
    return {f"0x{number + 1:040x}": f"maker-{number:03d}" for number in range(count)}


def market_columns(
    *, market: str, events: int, makers: int = 100, orders_each: int = 10, moving: float = 0.05, seed: int = 1
) -> EventColumns:
    """Return the events of one market: a book of makers' orders that are replaced one after the other.

    moving: the share of events that change the reference (a stranger's touch that comes and goes at changing prices).
    """
    rng = np.random.default_rng(seed)
    book = makers * orders_each
    steps = (events - book - 2) // 2
    is_touch = rng.random(steps) < moving
    which = np.where(is_touch, book, rng.integers(0, book, steps))  # the order that is replaced, the touch last
    owner, side = np.arange(book) // orders_each, np.arange(book) % 2
    # The opening book, two strangers' orders at the touch that never move, then pairs of a cancel and a place.
    ids = np.arange(book + 2 + steps)
    replaced = _ids_before(which, ids[book + 2 :], book)
    first = np.concatenate((np.arange(book), [book, book]))
    kind = np.concatenate((np.full(book + 2, PLACE), np.tile([CANCEL, PLACE], steps)))
    order = np.concatenate((ids[: book + 2], np.stack((replaced, ids[book + 2 :]), 1).ravel()))
    slot = np.concatenate((first, np.repeat(which, 2)))
    sides = np.where(slot < book, np.append(side, BID)[slot], BID)
    sides[book + 1] = ASK
    distance = rng.integers(1, 100, len(kind))
    base = np.where(sides == BID, MID - 20 - distance, MID + 20 + distance)
    price = np.where(slot < book, base, MID - rng.integers(-18, 19, len(kind)))
    price[book], price[book + 1] = MID - 20, MID + 20
    size = np.where(slot < book, rng.integers(10, 100, len(kind)), 1000)
    # A touch that was never placed can't be cancelled: its first cancel becomes a stranger's far order.
    if is_touch.any():
        row = book + 2 + 2 * int(np.argmax(is_touch))
        kind[row], order[row], price[row], sides[row] = PLACE, ids[-1] + 1, 1, BID
    places = kind == PLACE
    owners = np.where(slot < book, np.append(owner, makers)[slot], makers)
    names = [*maker_addresses(makers), "0x" + "5" * 40]
    return EventColumns(
        market=Words(np.zeros(len(kind), np.int32), pa.array([market])),
        block=np.arange(len(kind)) // 4 + 1,
        log_index=np.arange(len(kind)) % 4,
        time_ms=START_MS + np.cumsum(rng.integers(1, 2 * GAP_MS, len(kind))),
        kind=kind.astype(np.int8),
        order=Words(order.astype(np.int32), pa.array([f"{number}" for number in range(int(order.max()) + 1)])),
        address=Words(np.where(places, owners, -1).astype(np.int32), pa.array(names)),
        side=np.where(places, sides, -1).astype(np.int8),
        price=np.where(places, price, 0),
        size=np.where(places, size, NO_SIZE),
        taker=Words(np.full(len(kind), -1, np.int32), pa.array([], SCHEMA.field("taker").type)),
    )


def _ids_before(which: Any, new_ids: Any, book: int) -> Any:
    """Return for each replacement the id of the order that it replaces."""
    last = np.arange(book + 1)
    order = np.argsort(which, kind="stable")
    sorted_which = which[order]
    before = np.empty(len(which), np.int64)
    same = np.concatenate(([False], sorted_which[1:] == sorted_which[:-1]))
    before[order] = np.where(same, np.concatenate(([0], new_ids[order][:-1])), last[sorted_which])
    return before


def duration_ms(columns: EventColumns) -> int:
    """Return how long an epoch has to be to hold the events."""
    return int(columns.time_ms[-1]) - START_MS + 60_000
