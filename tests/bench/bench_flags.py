"""How long the flags of an epoch take that come from its events: one process, one market.

python tests/bench/bench_flags.py [--events 1000000] [--runs 3]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rewards.analysis.flagging import fills, mirrored
from rewards.engine.events import FILL, EventColumns, MarketEvents, maker_names
from tests.bench.table import Row, print_table, repeat
from tests.bench.workloads import START_MS, duration_ms, maker_addresses, market_columns

MAKERS = 100
TARGET_S = 10.0
ADDRESSES = maker_addresses(MAKERS)
NAMES = maker_names(ADDRESSES)


def market_of(columns: EventColumns) -> MarketEvents:
    """Split one market; a tenth of the cancels become fills by makers, whole orders at a time."""
    events = columns.split(makers=ADDRESSES)["M"]
    rng = np.random.default_rng(1)
    cancels = np.flatnonzero(events.kind == 1)
    taken = cancels[rng.random(len(cancels)) < 0.1]
    events.kind[taken], events.size[taken] = FILL, 1
    events.taker[taken] = rng.integers(-1, MAKERS, len(taken))
    return events


def linked(events: MarketEvents) -> MarketEvents:
    """Let the second maker do at once what the first does: its events take the times and prices of the other's."""
    place = fills.placed_rows(events)
    owner = np.where(place >= 0, events.owner[place], -1)
    one, two = (np.flatnonzero((owner == maker) & (events.kind == 0)) for maker in (0, 1))
    count = min(len(one), len(two))
    events.time_ms[two[:count]], events.price[two[:count]] = events.time_ms[one[:count]], events.price[one[:count]]
    events.side[two[:count]] = events.side[one[:count]]
    return events


def of_fills(events: MarketEvents, end_ms: int) -> float:
    """Return the seconds of both flags from fills."""
    begun = time.perf_counter()
    found = fills.fills_of(events, start_ms=START_MS, end_ms=end_ms)
    fills.own_fills(market="M", fills=found, events=events, makers=NAMES, names={})
    fills.trade_together(market="M", fills=found, events=events, makers=NAMES, names={})
    return time.perf_counter() - begun


def of_quotes(events: MarketEvents, end_ms: int) -> float:
    """Return the seconds of mirrored quoting."""
    begun = time.perf_counter()
    found = mirrored.quotes_of(events, start_ms=START_MS, end_ms=end_ms)
    mirrored.mirrored_quotes(market="M", quotes=found, events=events, makers=NAMES, names={})
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    columns = market_columns(market="M", events=args.events)
    end_ms = START_MS + duration_ms(columns)
    events = market_of(columns)
    rows = [
        Row("own fills, trading together", repeat(lambda: of_fills(events, end_ms), runs=args.runs), "s", TARGET_S),
        Row("mirrored quotes, none linked", repeat(lambda: of_quotes(events, end_ms), runs=args.runs), "s", TARGET_S),
    ]
    pair = linked(events)
    rows.append(Row("mirrored quotes, a linked pair", repeat(lambda: of_quotes(pair, end_ms), runs=args.runs), "s"))
    # A chain that puts 4 seconds of events into one block: all of them are at the same moment.
    crowded = market_of(columns)
    crowded.time_ms[:] = crowded.time_ms // 4_000 * 4_000
    rows.append(
        Row("mirrored quotes, 80 events a block", repeat(lambda: of_quotes(crowded, end_ms), runs=args.runs), "s")
    )
    return print_table(f"Flags of one market with {args.events:,} events and {MAKERS} makers", rows)


if __name__ == "__main__":
    sys.exit(main())
