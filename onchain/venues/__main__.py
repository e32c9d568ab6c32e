"""`python -m onchain.venues replay`: raw logs from a file to market events and the final book, to check an adapter."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from onchain.columns import BlockColumns, LogColumns
from onchain.errors import OnchainError
from onchain.venues import ADAPTERS
from onchain.venues.events import KINDS
from onchain.venues.market import MarketFile, read_market
from onchain.venues.replay import Replayed, read_blocks, read_logs, replay, state_json, to_table

UNUSABLE = 2


def main(argv: list[str] | None = None) -> int:
    """Return 0; 1 when a log is impossible (the files then hold what came before its block); 2 for unusable input."""
    args = _arguments(argv)
    try:
        market = read_market(args.market, adapter=args.adapter)
        logs = read_logs(args.logs)
        blocks = read_blocks(args.blocks, logs=logs) if args.blocks else BlockColumns.of_logs(logs)
        done = _replay(market, args, logs, blocks)
        pq.write_table(to_table(done.events, market=market.name, blocks=blocks), args.events, compression="zstd")
        args.state.write_text(state_json(done.adapter), encoding="utf-8")
    except (OnchainError, OSError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    _tell(done, logs=len(logs))
    return 0 if done.impossible is None else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m onchain.venues", description=__doc__)
    command = parser.add_subparsers(required=True, metavar="replay").add_parser("replay", help="replay logs of a file")
    command.add_argument("--adapter", required=True, choices=sorted(ADAPTERS))
    command.add_argument("--market", required=True, type=Path, help="the market file, TOML")
    command.add_argument("--logs", required=True, type=Path, help="raw logs, one JSON object a line, plain or gzipped")
    command.add_argument("--blocks", type=Path, help="CSV of all blocks, so that expiries fall into the right one")
    command.add_argument("--events", required=True, type=Path, help="where the market events go, Parquet")
    command.add_argument("--state", required=True, type=Path, help="where the final book goes, JSON")
    command.add_argument("--batch", type=int, metavar="LOGS", help="so many logs at a time (default: all)")
    args = parser.parse_args(argv)
    if args.batch is not None and args.batch < 1:
        parser.error("--batch is at least 1")
    return args


def _replay(market: MarketFile, args: argparse.Namespace, logs: LogColumns, blocks: BlockColumns) -> Replayed:
    """Replay; where the file leaves a choice open and the logs contradict the usual one, try the others."""
    done = replay(market, logs=logs, blocks=blocks, batch_logs=args.batch)
    if done.impossible is None:
        return done
    for key, changes in done.adapter.alternatives():
        other = replay(market, logs=logs, blocks=blocks, batch_logs=args.batch, changes=changes)
        if other.impossible is None:
            print(f"The logs fit {key}, which the market file should say.", file=sys.stderr)
            return other
    return done


def _tell(done: Replayed, *, logs: int) -> None:
    counts = np.bincount(done.events.kind, minlength=len(KINDS))
    events = ", ".join(f"{count} {kind}" for kind, count in zip(KINDS, counts.tolist(), strict=True) if count)
    state = done.adapter.contract_state()
    print(f"{logs} logs, {len(done.events)} market events ({events or 'none'}).")
    resting = len(state["orders"])
    best = f"{state['best_bid'] or 'nothing'} bid, {state['best_ask'] or 'nothing'} asked"
    print(f"The book holds {resting} {'order' if resting == 1 else 'orders'}, {best}.")
    if done.impossible is not None:
        print(f"{done.impossible} What is written is as of the block before.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
