"""How many logs a second become columns: Kuru logs as eth_getLogs sends them, one core, beside json and web3.py.

python tests/bench/bench_decode.py [--logs 90000] [--runs 5]
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from onchain.columns import BlockColumns  # noqa: E402 - a script finds the project first
from onchain.decode import decode_log_lines, decode_logs  # noqa: E402
from onchain.venues import make_adapter  # noqa: E402

DATA = ROOT / "tests/data/kuru"
TARGET_LOGS_PER_S = 300_000


def node_answer(*, count: int) -> bytes:
    """Return a response of eth_getLogs in an ordinary node's layout, with real Kuru logs over and over."""
    lines = gzip.decompress((DATA / "small_logs.jsonl.gz").read_bytes()).splitlines()
    logs = []
    for place in range(count):
        log = json.loads(lines[place % len(lines)])
        logs.append({
            "address": log["address"], "topics": log["topics"], "data": log["data"], "blockHash": log["blockHash"],
            "blockNumber": hex(log["blockNumber"]), "blockTimestamp": hex(log["timestamp"]),
            "transactionHash": log["transactionHash"], "transactionIndex": "0x0", "logIndex": hex(log["logIndex"]),
            "removed": False,
        })  # fmt: skip
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": logs}, separators=(",", ":")).encode()


def rate(work: Callable[[], object], *, count: int, runs: int) -> float:
    """Return how many of `count` things a second `work` does, in the median of several runs."""
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return count / statistics.median(seconds)


def web3_events(body: bytes, *, most: int) -> Callable[[], object]:
    """Return work that decodes logs as one does with web3.py: process_log of the event that the topic names."""
    from web3 import Web3

    contract = Web3().eth.contract(abi=json.loads((DATA / "abi.json").read_text()))
    by_topic = {event().topic: event() for event in (contract.events[e["name"]] for e in contract.abi)}
    logs: list[Any] = json.loads(body)["result"][:most]

    def work() -> None:
        for log in logs:
            event = by_topic["0x" + log["topics"][0].removeprefix("0x")]
            event.process_log({**log, "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]],
                               "data": bytes.fromhex(log["data"][2:])})  # fmt: skip

    return work


def replay() -> tuple[Callable[[], object], int]:
    """Return work that turns the decoded logs of the small market into market events, and how many logs those are."""
    logs = decode_log_lines(gzip.decompress((DATA / "small_logs.jsonl.gz").read_bytes()))
    blocks = BlockColumns.of_logs(logs)
    config = {
        "address": logs.addresses[0], "tick_raw": "10", "lot_raw": "10000000",
        "kuru": {"price_precision": "100", "size_precision": "10000000000", "spread_bps": "30"},
    }  # fmt: skip
    return lambda: make_adapter(name="kuru", config=config).apply(logs=logs, blocks=blocks), len(logs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=90_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    body = node_answer(count=args.logs)
    decode_logs(body)  # compiled before it is measured
    ours = rate(lambda: decode_logs(body), count=args.logs, runs=args.runs)
    plain = rate(lambda: json.loads(body), count=args.logs, runs=args.runs)
    sample = min(args.logs, 2000)
    web3 = rate(web3_events(body, most=sample), count=sample, runs=2)
    work, count = replay()
    print(f"JSON of eth_getLogs to columns, {args.logs} Kuru logs, {len(body) / 1e6:.0f} MB:")
    print(f"  columns          {ours:>9,.0f} logs/s; target >= {TARGET_LOGS_PER_S:,}")
    print(f"  json.loads alone {plain:>9,.0f} logs/s")
    print(f"  web3 process_log {web3:>9,.0f} logs/s, JSON parsed before")
    print(f"  columns to market events (kuru) {rate(work, count=count, runs=args.runs):>9,.0f} logs/s")
    return 0 if ours >= TARGET_LOGS_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())
