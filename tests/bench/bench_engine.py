"""How fast the engine scores: the kernel alone, whole bundles, and plain Python beside it.

python -m tests.bench.bench_engine [--runs 5] [--quick]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rewards.engine import evidence, scoring
from rewards.engine.live import MarketScorer
from tests.bench.bundles import write_apart
from tests.bench.table import Row, print_table, repeat
from tests.bench.workloads import duration_ms, maker_addresses, market_columns, sessions_for, terms_for
from tests.engine.reference import score_reference

ROOT = Path(__file__).resolve().parents[2]
MAKERS = 100


def kernel_rate(*, events: int, moving: float) -> float:
    """Return the events a second of one market of 100 makers with 10 orders each, from columns to its score."""
    columns = market_columns(market="M", events=events, makers=MAKERS, moving=moving)
    terms = terms_for(markets=["M"], duration_ms=duration_ms(columns))
    makers = maker_addresses(MAKERS)
    table = columns.split(makers=makers)["M"]
    scorer = MarketScorer(terms=terms, market="M", sessions=sessions_for(terms), makers=makers)
    begun = time.perf_counter()
    scorer.feed_market(table)
    scorer.finish()
    return len(table) / (time.perf_counter() - begun)


def verify(directory: Path) -> tuple[float, float]:
    """Verify a bundle in a process of its own; return the seconds and the peak memory in MiB."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "rewards.engine", "verify", str(directory)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{directory} does not verify"
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def verify_rows(folder: Path, *, events: int, runs: int) -> list[Row]:
    """Verify bundles of a tenth of the events and of all of them, in turn."""
    small, large = folder / "small", folder / "large"
    write_apart(small, events=events // 10, markets=20)
    write_apart(large, events=events, markets=20)
    verify(small)
    pairs = [(verify(small), verify(large)) for _ in range(runs)]
    count = f"{events / 1e6:g} million events, 20 markets"
    return [
        Row(f"verify a bundle of {count}", [large[0] for _, large in pairs], "s", 30),
        Row("  peak memory", [large[1] for _, large in pairs], "MiB", 2048),
        Row("  cost of it in bundles of a tenth", [large[0] / small[0] for small, large in pairs], "times", 11),
    ]


def reference_rows(folder: Path, *, events: int, runs: int) -> list[Row]:
    """Score one bundle by the engine and by the tests' second implementation in plain Python.

    Twenty makers, not a hundred: plain Python looks at every order at every instant.
    """
    directory = folder / "plain"
    root = write_apart(directory, events=events, markets=5, makers_each=20)

    def seconds(score: Callable[[], str | None]) -> float:
        begun = time.perf_counter()
        assert score() == root
        return time.perf_counter() - begun

    plain_s = [seconds(lambda: score_reference(directory)["root"])]
    ours_s = [seconds(lambda: scoring.score(evidence.read_inputs(directory)).root) for _ in range(runs)]
    return [
        Row(f"plain Python, {events:,} events, 5 markets, 20 makers", plain_s, "s"),
        Row("the engine, the same", ours_s, "s"),
        Row("  ratio", [plain_s[0] / each for each in ours_s], "times", 100, at_least=True),
    ]


def start_rows(*, runs: int) -> list[Row]:
    """Time a small bundle from the start of Python to the root."""

    def once() -> float:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "rewards.engine", "score", "tests/vectors/bundles/8"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    return [Row("start to first result, warm compile cache", repeat(once, runs=runs), "s", 2)]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    args = parser.parse_args(argv)
    scale = 10 if args.quick else 1
    rates = {
        moving: repeat(lambda moving=moving: kernel_rate(events=1_000_000 // scale, moving=moving), runs=args.runs)
        for moving in (0.05, 1.0)
    }
    rows = [
        Row("kernel, reference changes on 5% of events", [each / 1e6 for each in rates[0.05]], "M events/s", 5, True),
        Row("kernel, reference changes on every event", [each / 1e6 for each in rates[1.0]], "M events/s", 0.3, True),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows += verify_rows(Path(folder), events=10_000_000 // scale, runs=args.runs)
        rows += reference_rows(Path(folder), events=100_000 // scale, runs=args.runs)
    rows += start_rows(runs=args.runs)
    return print_table("Engine: 100 makers with 10 orders each", rows)


if __name__ == "__main__":
    sys.exit(main())
