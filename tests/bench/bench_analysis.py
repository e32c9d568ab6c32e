"""How fast statistics and the luck of sampling are, beside the replay that they watch: one process, one market.

python tests/bench/bench_analysis.py [--events 2000000] [--week-events 2000000] [--runs 5]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rewards.analysis.luck import sampling_luck
from rewards.analysis.statistics import By, market_statistics
from rewards.engine.events import EventColumns, MarketEvents
from rewards.engine.inputs import Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms
from tests.bench.table import Row, print_table, repeat
from tests.bench.workloads import START_MS, duration_ms, maker_addresses, market_columns, sessions_for, terms_for

MARKET = "M"
WEEK_MS = 7 * 86_400_000
DRAWS = 200
TARGET_EVENTS_PER_S = 300_000
ADDRESSES = maker_addresses(100)


@dataclass(frozen=True)
class Book:
    """One market's events with terms and sessions for them."""

    terms: Terms
    sessions: Sessions
    columns: EventColumns
    events: MarketEvents

    @classmethod
    def of(cls, *, events: int, moving: float) -> Book:
        """100 makers with 10 orders each."""
        columns = market_columns(market=MARKET, events=events, moving=moving)
        terms = terms_for(markets=[MARKET], duration_ms=duration_ms(columns))
        return cls(terms, sessions_for(terms), columns, columns.split(makers=ADDRESSES)[MARKET])

    def score(self) -> float:
        """Return events per second of scoring alone."""
        begun = time.perf_counter()
        scorer = MarketScorer(terms=self.terms, market=MARKET, sessions=self.sessions, makers=ADDRESSES)
        scorer.feed_market(self.events)
        scorer.finish()
        return len(self.events) / (time.perf_counter() - begun)

    def watch(self) -> float:
        """Return events per second of scoring with statistics."""
        begun = time.perf_counter()
        market_statistics(terms=self.terms, market=MARKET, sessions=self.sessions, makers=ADDRESSES, events=self.events)
        return len(self.events) / (time.perf_counter() - begun)


def week_of(events: int) -> Inputs:
    """A week with the events spread over it."""
    columns = market_columns(market=MARKET, events=events)
    factor = (WEEK_MS - 60_000) // (int(columns.time_ms[-1]) - START_MS)
    columns.time_ms[:] = START_MS + (columns.time_ms - START_MS) * max(1, factor)
    terms = terms_for(markets=[MARKET], duration_ms=WEEK_MS)
    return Inputs(
        terms=terms,
        sessions=sessions_for(terms),
        makers=ADDRESSES,
        payouts={},
        carried_in={},
        previous=None,
        events=columns,
    )


def luck_seconds(inputs: Inputs) -> float:
    """Return the seconds of a replay with all draws, allocations of each among them."""
    begun = time.perf_counter()
    sampling_luck(inputs, draws=DRAWS, seed=1)
    return time.perf_counter() - begun


def tables_seconds(inputs: Inputs) -> float:
    """Return the seconds that the tables of a week take, after the replay."""
    events = inputs.events.split(makers=ADDRESSES)[MARKET]
    found = market_statistics(
        terms=inputs.terms, market=MARKET, sessions=inputs.sessions, makers=ADDRESSES, events=events
    )
    begun = time.perf_counter()
    for by in By:
        found.maker_table(by=by)
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--week-events", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    rows = []
    for moving, target in ((0.05, TARGET_EVENTS_PER_S), (1.0, None)):
        book = Book.of(events=args.events if moving < 1 else args.events // 10, moving=moving)
        named = f"reference changing on {moving:.0%} of events"
        rows += [
            Row(f"scoring alone, {named}", repeat(book.score, runs=args.runs), "events/s"),
            Row(f"with statistics, {named}", repeat(book.watch, runs=args.runs), "events/s", target, at_least=True),
        ]
    inputs = week_of(args.week_events)
    luck = repeat(lambda: luck_seconds(inputs), runs=args.runs)
    rows.append(Row(f"luck: {DRAWS} draws over a week of {args.week_events:,} events", luck, "s", 30))
    rows.append(Row("a week's tables by maker, 200,000 rows", repeat(lambda: tables_seconds(inputs), runs=3), "s"))
    return print_table("Analysis of one market with 100 makers", rows)


if __name__ == "__main__":
    sys.exit(main())
