"""How long what-ifs take beside one scoring of the same bundle: one process, compiled code from the cache.

python tests/bench/bench_whatif.py [--events 1000000] [--markets 4] [--runs 5]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rewards.engine import __main__
from tests.bench.bundles import write_bundle
from tests.bench.table import Row, print_table, repeat

CASES = (
    ("score", "score", ()),
    ("whatif, 1,000 points of boosts", "whatif", ("--sweep", "boosts.weekend=1..1000")),
    ("whatif, 5 points of target_lots, one market", "whatif", ("--sweep", "markets.MKT00-PERP.target_lots=1..5")),
    ("whatif, 5 points of target_lots, all markets", "whatif", ("--sweep", "markets.*.target_lots=1..5")),
)


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
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_bundle(folder, events=args.events, markets=args.markets)
        rows = [
            Row(what=name, runs=repeat(partial(seconds_of, folder, command, options), runs=args.runs), unit="s")
            for name, command, options in CASES
        ]
    return print_table(f"What-ifs on {args.events:,} events, {args.markets} markets, 100 makers", rows)


if __name__ == "__main__":
    sys.exit(main())
