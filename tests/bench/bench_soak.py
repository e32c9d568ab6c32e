"""Half an hour of 1,000 events a second with live scoring: memory, lag, and whether the root is that of a clean run.

python -m tests.bench soak [--minutes 30] [--events 1000] [--rate 1] [--markets 4] [--makers 25] [--warm-up 180]

A replaying node, the head, a worker with two processes, beat and the web server run as in production. Every ten
seconds: each process's own memory (unique set size; a kernel that does not tell that gives the resident size), the
blocks that the head is behind, and the age of the live standing. At the end the epoch is scored, and its root compared
with one from a recomputation that reads all blocks from the node again and knows neither database nor stretches.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import stack
from tests.bench.table import Row, print_table

EVERY_S = 10
GROWTH_PERCENT = 5.0
LAG_GROWTH_S = 1.0
MIB = 1 << 20


@dataclass
class Seen:
    """What was measured over time. memory: MiB by process. lag_s: the head's. age_s: the live standing's."""

    at_s: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lag_s: list[float] = field(default_factory=list)
    age_s: list[float] = field(default_factory=list)


def main() -> int:
    """Run, print over time and at the end; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=1, help="blocks a second")
    parser.add_argument("--markets", type=int, default=4)
    parser.add_argument("--makers", type=int, default=25)
    parser.add_argument("--warm-up", type=float, default=180, help="seconds until memory counts")
    args = parser.parse_args()
    length_s = int(args.minutes * 60 + args.warm_up)
    with (
        tempfile.TemporaryDirectory() as folder,
        stack.running(
            Path(folder), events=args.events, rate=args.rate, markets=args.markets, makers=args.makers,
            seconds=length_s, names=("web", "worker", "beat", "head"),
        ) as running,
    ):  # fmt: skip
        stack.wait_for_standings(running)
        seen = watch(running, warm_up_s=args.warm_up)
        print("The epoch is over; it is scored and recomputed.", flush=True)
        ours, clean = roots(running)
        stored = events_stored()
    return report(seen, args, ours=ours, clean=clean, stored=stored)


def watch(running: stack.Stack, *, warm_up_s: float) -> Seen:
    """Measure until the epoch's end."""
    seen, begun, counts_from = Seen(), time.time(), time.time() + warm_up_s
    while time.time() < running.end_s:
        time.sleep(max(0.0, EVERY_S - (time.time() - begun) % EVERY_S))
        lag_s, age_s = lags(running)
        now = memory(running)
        print(
            f"{time.time() - begun:6.0f} s  head {lag_s:4.1f} s behind, standing {age_s:5.1f} s old  "
            + "  ".join(f"{name} {mib:.0f}" for name, mib in sorted(now.items())) + " MiB",
            flush=True,
        )  # fmt: skip
        if time.time() < counts_from:
            continue
        seen.at_s.append(time.time() - begun)
        seen.lag_s.append(lag_s)
        seen.age_s.append(age_s)
        for name, mib in now.items():
            seen.memory[name].append(mib)
    return seen


def memory(running: stack.Stack) -> dict[str, float]:
    """Return each process's own memory in MiB."""
    found = {}
    for name, process in running.processes().items():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found[name] = process.memory_full_info().uss / MIB
    return found


def lags(running: stack.Stack) -> tuple[float, float]:
    """Return how far the head, and how far the live standing, are behind the clock, in seconds."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT max(block_number) FROM onchain_cursor),"
            " (SELECT min(as_of_ms) FROM rewards_livestanding WHERE epoch_id = %s)",
            [running.epoch_id],
        )
        block, as_of_ms = cursor.fetchone()
    now = time.time()
    newest = int((now - running.first_s) * running.rate)
    return (newest - (block or 0)) / running.rate, now - as_of_ms / 1000 if as_of_ms else float("nan")


def roots(running: stack.Stack) -> tuple[str, str]:
    """Have the running service score the epoch; return its root, and that of a recomputation from the node alone."""
    from django.conf import settings

    from onchain.indexer import node
    from rewards.models import Epoch
    from rewards.services.recompute import recompute

    ends_at = time.time() + 900
    while not (epoch := Epoch.objects.get(pk=running.epoch_id)).root:
        if time.time() > ends_at:
            raise TimeoutError(f"The epoch is not scored ({epoch.state}): {epoch.note}")
        time.sleep(1)
    client = node()
    try:
        clean = recompute(client, bundle=Path(settings.EVIDENCE_DIR) / epoch.evidence_name)
    finally:
        client.close()
    if clean.difference is not None or not clean.report.ok:
        return epoch.root, f"differs: {clean.difference or clean.report.lines()}"
    return epoch.root, epoch.root


def events_stored() -> int:
    """Return how many events are stored."""
    from onchain.models import MarketEvent

    return MarketEvent.objects.count()


def report(seen: Seen, args: argparse.Namespace, *, ours: str, clean: str, stored: int) -> int:
    """Print the table; 1 when something is missed."""
    third = max(1, len(seen.at_s) // 3)
    rows = []
    for name, mib in sorted(seen.memory.items()):
        # The middle of the first third against that of the last: a single measurement hits a garbage collection.
        first, last = statistics.median(mib[:third]), statistics.median(mib[-third:])
        rows.append(Row(f"memory of {name}, grown by", [(last / first - 1) * 100], "%", GROWTH_PERCENT))
        rows.append(Row("  at the end", [last], "MiB"))
    for what, values in (("the head", seen.lag_s), ("the live standing", seen.age_s)):
        first, last = statistics.median(values[:third]), statistics.median(values[-third:])
        rows.append(Row(f"{what} is later by", [last - first], "s", LAG_GROWTH_S))
        rows.append(Row("  behind, the middle one", [statistics.median(values)], "s"))
        rows.append(Row("  behind, at most", [max(values)], "s"))
    rows.append(Row("events stored", [stored], ""))
    title = (
        f"{args.minutes:g} minutes at {args.events} events/s, {args.markets} markets, {args.makers} makers; "
        f"load of the machine {os.getloadavg()[0]:.1f}"
    )
    missed = print_table(title, rows)
    print(f"  root {ours}\n  of a clean recomputation from the node: {'the same' if ours == clean else clean}")
    return min(1, missed + (ours != clean))


if __name__ == "__main__":
    sys.exit(main())
