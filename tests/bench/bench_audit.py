"""What the audit log costs: a write to a tracked table with and without its trigger, alone and beside others.

python tests/bench/bench_audit.py [--writes 400] [--runs 5]. On an embedded PostgreSQL of its own that syncs to disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.table import Row, print_table

MOST_ADDED_MS = 2.0
WRITERS = 4


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start(Path(folder))
        rows = measure(writes=args.writes, runs=args.runs)
    return min(1, print_table(f"One audited write, {args.writes} a run, synced to disk", rows))


def start(root: Path) -> None:
    """Start a database of our own and set Django up on it."""
    os.environ.update(
        LAMPLIGHT_DATA_DIR=str(root), DJANGO_SETTINGS_MODULE="config.settings.local", RPC_URLS="http://127.0.0.1:9",
        DATABASE_URL="", CELERY_BROKER_URL="", LOG_LEVEL="ERROR",
    )  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command

    from config import embedded

    embedded.use(root, with_chain=False)
    call_command("migrate", verbosity=0)


def measure(*, writes: int, runs: int) -> list[Row]:
    """Time updates of one row each, a transaction each, then many rows in one transaction, then many writers."""
    from accounts.models import Maker, TryCount
    from audit.selectors import chain_state, head

    maker = Maker.objects.create(slug="bench", name="0")
    counted = TryCount.objects.create(key="bench", window=0, count=0)

    def update(number: int) -> None:
        Maker.objects.filter(pk=maker.pk).update(name=str(number))

    def many(_: int) -> None:
        Maker.objects.bulk_create(Maker(slug=f"m{time.perf_counter_ns()}-{each}", name="M") for each in range(1000))

    trigger(on=False)
    without, bulk_without = timed(update, writes, runs), timed(many, 1, runs)
    trigger(on=True)
    bare = timed(lambda number: TryCount.objects.filter(pk=counted.pk).update(count=number), writes, runs)
    audited, bulk = timed(update, writes, runs), timed(many, 1, runs)
    together = [writers(writes // WRITERS) for _ in range(runs)]
    entries = head().sequence
    begun = time.perf_counter()
    verdict = chain_state()
    checked_s = time.perf_counter() - begun
    assert (verdict.broken, verdict.head.sequence) == (None, entries)
    return [
        Row("a write without the trigger", without, "ms"),
        Row("the same write, audited", audited, "ms"),
        Row(
            "what the log adds", [more - less for less, more in zip(without, audited, strict=True)], "ms", MOST_ADDED_MS
        ),
        Row("a write to a table that is not tracked", bare, "ms"),
        Row("1,000 rows in one transaction, without", bulk_without, "ms"),
        Row("1,000 rows in one transaction, audited", bulk, "ms"),
        Row(f"audited transactions of {WRITERS} writers at once", together, "a second"),
        Row("recomputing the chain in Python", [entries / checked_s], "entries a second"),
    ]


def timed(write: Callable[[int], None], writes: int, runs: int) -> list[float]:
    """Return each run's median of the milliseconds that a write takes."""
    found = []
    for run in range(runs + 1):
        took = []
        for number in range(writes):
            begun = time.perf_counter()
            write(run * writes + number + 1)
            took.append((time.perf_counter() - begun) * 1000)
        found.append(statistics.median(took))
    return found[1:]


def writers(writes: int) -> float:
    """Return the transactions a second of several writers, each to a row of its own."""
    from django.db import connection

    from accounts.models import Maker

    def work(name: str) -> None:
        try:
            mine = Maker.objects.create(slug=name, name="M")
            for number in range(writes):
                Maker.objects.filter(pk=mine.pk).update(name=str(number))
        finally:
            connection.close()

    names = [f"w{time.perf_counter_ns()}-{each}" for each in range(WRITERS)]
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return WRITERS * (writes + 1) / (time.perf_counter() - begun)


def trigger(*, on: bool) -> None:
    """Switch the trigger of makers on or off, as only the owner can."""
    from django.db import connection

    from audit.owner import as_owner

    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE accounts_maker {'ENABLE' if on else 'DISABLE'} TRIGGER USER")


if __name__ == "__main__":
    sys.exit(main())
