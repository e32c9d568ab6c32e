"""How long what-ifs take beside one scoring of the same bundle: medians of several runs, one process, warm cache.

python tests/bench/bench_whatif.py [--events 1000000] [--markets 4] [--runs 5]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rewards.engine import __main__, evidence
from tests.bench import workloads

CASES = (
    ("score", "score", ()),
    ("whatif, 1,000 points of boosts", "whatif", ("--sweep", "boosts.weekend=1..1000")),
    ("whatif, 5 points of target_lots in one market", "whatif", ("--sweep", "markets.M0.target_lots=1..5")),
    ("whatif, 5 points of target_lots in all markets", "whatif", ("--sweep", "markets.*.target_lots=1..5")),
)


def write_bundle(folder: Path, *, events: int, markets: int) -> None:
    """Write a bundle of made-up order flow in so many markets."""
    names = [f"M{number}" for number in range(markets)]
    parts = [workloads.market_columns(market=name, events=events // markets, seed=n) for n, name in enumerate(names)]
    table = pa.concat_tables([part.to_arrow() for part in parts])
    table = table.take(pa.array(np.argsort(table["time_ms"].to_numpy(), kind="stable")))
    rows = np.arange(len(table))
    table = table.set_column(1, "block", pa.array(rows // 4 + 1)).set_column(2, "log_index", pa.array(rows % 4))
    terms = workloads.terms_for(markets=names, duration_ms=max(workloads.duration_ms(part) for part in parts))
    makers = workloads.maker_addresses(100)
    inputs = evidence.Inputs(
        terms=terms,
        sessions=workloads.sessions_for(terms),
        makers=makers,
        payouts={maker: [(address, 1_000_000)] for address, maker in makers.items()},
        carried_in={},
        previous=None,
        events=evidence.EventColumns.empty(),
    )
    evidence.write_inputs(folder, replace(inputs, events=evidence.EventColumns.from_arrow(table)))


def seconds_of(folder: Path, command: str, options: tuple[str, ...]) -> float:
    """Return how long a command takes in this process."""
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        assert __main__.main([command, str(folder), *options]) == 0
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--markets", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    args, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_bundle(folder, events=args.events, markets=args.markets)
        seconds_of(folder, "score", ())
        print(f"what-ifs on {args.events:,} events, {args.markets} markets, 100 makers; medians of {args.runs} runs")
        for name, command, options in CASES:
            median = statistics.median(seconds_of(folder, command, options) for _ in range(args.runs))
            print(f"  {name:48} {median:6.2f} s")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  peak memory {peak_mib} MiB, the making of the events included")
    return 0


if __name__ == "__main__":
    sys.exit(main())
