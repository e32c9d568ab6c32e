"""How long a tree of 100,000 leaves takes with all its proofs: median of several runs, one process.

python tests/bench/bench_merkle.py [--leaves 100000] [--runs 5]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rewards.engine.merkle import Tree

TYPES = ("address", "address", "uint256")
TARGET_S = 4.0


def payout_rows(*, count: int, seed: int = 1) -> list[tuple[str, str, str]]:
    """Make (account, token, cumulative) rows as an epoch's tree holds them."""
    source = random.Random(seed)
    token = "0x" + source.randbytes(20).hex()
    return [("0x" + source.randbytes(20).hex(), token, str(source.getrandbits(90))) for _ in range(count)]


def measure(*, leaves: int, runs: int) -> list[float]:
    """Return the seconds of each run: build the tree and take every proof."""
    rows = payout_rows(count=leaves)
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        tree = Tree.from_leaves(rows, TYPES)
        proofs = tree.proofs()
        seconds.append(time.perf_counter() - begun)
        assert len(proofs) == leaves
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    seconds = measure(leaves=args.leaves, runs=args.runs)
    median = statistics.median(seconds)
    print(f"tree of {args.leaves} leaves with all proofs: median {median:.2f} s of {args.runs} runs", end="")
    print(f" ({min(seconds):.2f} to {max(seconds):.2f}); target <= {TARGET_S:.0f} s for 100,000")
    return 0 if median <= TARGET_S * args.leaves / 100_000 else 1


if __name__ == "__main__":
    sys.exit(main())
