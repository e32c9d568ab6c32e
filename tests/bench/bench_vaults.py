"""How long a vault's holders take: a million logs to columns, columns to weights, the split, and the tree.

python tests/bench/bench_vaults.py [--holders 10000] [--transfers 1000000] [--runs 3]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from onchain.columns import LogColumns
from onchain.share_columns import TRANSFER, TransferReader
from rewards.engine.merkle import Tree
from rewards.engine.scoring import LEAF_TYPES
from rewards.engine.timeweights import Transfers, time_weights
from rewards.engine.vaults import split_over_holders
from tests.bench.table import Row, print_table, repeat

START_MS, WEEK_MS = 1_790_000_000_000, 604_800_000
VAULT, OPERATOR, TOKEN = ("0x" + digit * 40 for digit in "abc")
PAY = 250_000 * 10**18


def drawn(*, holders: int, count: int) -> tuple[LogColumns, dict[int, int]]:
    """Raw logs of a token: everybody gets shares, then two accounts at a time move a few; ten in a block."""
    rng = np.random.default_rng(6)
    people = np.zeros((holders + 1, 32), np.uint8)
    people[1:, 12:] = rng.integers(0, 256, (holders, 20), np.uint8)
    first = min(holders, count)
    sender = np.concatenate([np.zeros(first, np.int64), rng.integers(1, holders + 1, count - first)])
    receiver = np.concatenate([np.arange(1, first + 1), rng.integers(1, holders + 1, count - first)])
    values = np.concatenate([np.full(first, 10**7), rng.integers(1, 10**3, count - first)])
    topics = np.zeros((count, 4, 32), np.uint8)
    topics[:, 0] = np.frombuffer(TRANSFER.topic0, np.uint8)
    topics[:, 1], topics[:, 2] = people[sender], people[receiver]
    # Balances of 18 decimals and more: what is moved counts in units of 2^64.
    data = np.zeros((count, 32), np.uint8)
    data[:, 16:24] = values.astype(">u8").view(np.uint8).reshape(count, 8)
    block = np.arange(count, dtype=np.int64) // 10
    last = max(1, int(block[-1]))
    times = {number: START_MS - WEEK_MS + 2 * WEEK_MS * number // (last + 1) for number in range(last + 1)}
    zeros = np.zeros(count, np.int64)
    logs = LogColumns(
        block=block, log_index=np.arange(count), transaction_index=zeros, timestamp_s=zeros,
        block_hash=np.zeros((count, 32), np.uint8), transaction_hash=np.zeros((count, 32), np.uint8),
        address=np.zeros(count, np.int32), addresses=(VAULT,), topics=topics,
        topic_count=np.full(count, 3, np.uint8), data_offsets=32 * np.arange(count + 1), data=data.reshape(-1),
    )  # fmt: skip
    return logs, times


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def decoded(logs: LogColumns, times: dict[int, int], *, piece: int = 100_000) -> Transfers:
    """Return the transfers, read in pieces as from the database."""
    reader = TransferReader(VAULT)
    for start in range(0, len(logs), piece):
        reader.add(logs.cut(start, min(start + piece, len(logs))), times_ms=times)
    read = reader.columns()
    return Transfers(read.block, read.time_ms, read.sender, read.receiver, read.value, read.accounts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--holders", type=int, default=10_000)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    logs, times = drawn(holders=args.holders, count=args.transfers)
    transfers = decoded(logs, times)
    span = {"start_ms": START_MS, "end_ms": START_MS + WEEK_MS}
    weights = time_weights(transfers, vault=VAULT, **span).weights
    parts = split_over_holders(PAY, holders=weights, operator=OPERATOR)
    assert sum(parts.values()) == PAY
    assert len(weights) == args.holders
    leaves = sorted((account, TOKEN, amount) for account, amount in parts.items())
    works: list[tuple[str, Callable[[], object], float | None]] = [
        ("raw logs to columns", lambda: decoded(logs, times), None),
        ("columns to weights, all balances followed", lambda: time_weights(transfers, vault=VAULT, **span), 5.0),
        ("the pay split over the holders", lambda: split_over_holders(PAY, holders=weights, operator=OPERATOR), None),
        ("the tree of their leaves", lambda: Tree.from_leaves(leaves, LEAF_TYPES), None),
    ]
    rows = [
        Row(what=what, runs=repeat(lambda work=work: seconds_of(work), runs=args.runs), unit="s", target=target)
        for what, work, target in works
    ]
    return print_table(f"A vault with {args.holders:,} holders and {args.transfers:,} transfers, exact", rows)


if __name__ == "__main__":
    sys.exit(main())
