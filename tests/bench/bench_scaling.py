"""How many events a second one worker and two take in and score on this machine, and what an event costs on disk.

python -m tests.bench scaling [--events 200000] [--runs 1]

Taking in: `manage.py backfill` from a replaying node, one process and two that share its ranges; the node runs beside
them. Scoring: see bench_parallel. Bytes: the tables with their indexes, after both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import bench_indexer, bench_parallel
from tests.bench.table import Row, print_table

ROOT = Path(__file__).resolve().parents[2]
PER_BLOCK = 300
TABLES = ("onchain_rawlog", "onchain_marketevent", "onchain_block", "onchain_adapterstate")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--part", choices=("ingest", "score", "both"), default="both")
    args = parser.parse_args()
    rows = []
    if args.part != "score":
        for number in (1, 2):
            rows += _apart("ingest", args.events, number)
    if args.part != "ingest":
        rows += _apart("score", args.events, args.runs)
    return print_table(f"By number of workers; load of the machine {os.getloadavg()[0]:.1f}", rows)


def _apart(part: str, events: int, number: int) -> list[Row]:
    """Measure in a process of its own: Django is set up once a process."""
    code = f"from tests.bench.bench_scaling import {part}; {part}({events}, {number})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("row\t")]
    return [Row(what, [float(value)], unit) for _, what, value, unit in lines]


def row(what: str, value: float, unit: str) -> None:
    """Tell the first process."""
    print(f"row\t{what}\t{value}\t{unit}", flush=True)


def ingest(logs: int, processes: int) -> None:
    """Backfill from the stand-in node with so many processes, then follow, which derives the events."""
    blocks = -(-logs // PER_BLOCK)
    with tempfile.TemporaryDirectory(prefix="lamplight-bench-") as folder:
        bench_indexer.start(folder, with_chain=False)
        node = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.standin", str(blocks), str(PER_BLOCK)], cwd=ROOT,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert node.stdout is not None
        url, address = (node.stdout.readline().decode().strip() for _ in range(2))
        try:
            from django.conf import settings

            from onchain.indexer import ensure_cursor
            from onchain.indexer import node as client_of
            from onchain.models import Market, RawLog

            bench_indexer.register([address], start_block=1)
            Market.objects.all().delete()  # the repeated logs mean nothing to a market; deriving is measured apart
            settings.RPC_URLS = [url]
            ensure_cursor(client_of())
            subprocess.run([sys.executable, "-c", "from tests.bench.bench_indexer import warm; warm()"], cwd=ROOT)
            begun = time.perf_counter()
            running = [
                subprocess.Popen(
                    [sys.executable, "manage.py", "backfill"], cwd=ROOT, env={**os.environ, "RPC_URLS": url},
                    stdout=subprocess.DEVNULL,
                )
                for _ in range(processes)
            ]  # fmt: skip
            usage = [os.wait4(process.pid, 0)[2] for process in running]
            took_s = time.perf_counter() - begun
            stored = RawLog.objects.count()
            worked_s = sum(each.ru_utime + each.ru_stime for each in usage)
            row(f"logs taken in, {processes} process{'es' * (processes > 1)}", stored / took_s, "logs/s")
            row("  in a second of processor", stored / worked_s, "logs")
            if processes == 1:
                sizes(stored, ("onchain_rawlog", "onchain_block"))
        finally:
            node.terminate()
            node.wait(timeout=30)
            bench_indexer.stop()


def score(events: int, runs: int) -> None:
    """Score eight markets with one worker and with two."""
    from statistics import median

    with tempfile.TemporaryDirectory(prefix="lamplight-bench-") as folder:
        root = Path(folder)
        bench_parallel.start_services(root)
        epoch_id, straight_root = bench_parallel.put_epoch(events=events // len(bench_parallel.MARKETS))
        from onchain.models import MarketEvent

        count = MarketEvent.objects.count()
        with bench_parallel.workers(root) as running:
            turns = [2, *(active for _ in range(runs) for active in (1, 2))]
            rounds = [bench_parallel.score_round(root, running, epoch_id, active=active) for active in turns][1:]
        for active in (1, 2):
            seconds = median(each.stretches_s for each in rounds if each.workers == active)
            row(f"events scored, {active} worker{'s' * (active > 1)}", count / seconds, "events/s")
        row("  of which the root differs from the straight way's", sum(r.root != straight_root for r in rounds), "")
        sizes(count, ("onchain_marketevent",))


def sizes(count: int, tables: tuple[str, ...]) -> None:
    """Tell what a row of each table costs on disk with its indexes."""
    from django.db import connection

    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_total_relation_size(%s::regclass) + coalesce((SELECT sum(pg_total_relation_size(relid))"
                " FROM pg_partition_tree(%s::regclass) WHERE isleaf), 0)",
                [table, table],
            )
            whole = cursor.fetchone()[0]
        row(f"bytes of {table} for each log or event", float(whole) / count, "bytes")


if __name__ == "__main__":
    sys.exit(main())
