"""How long each page takes on everyday rows and on five million rows of scores: the median and the slowest twentieth.

python tests/bench/bench_pages.py [--scores 5000000] [--visits 20] [--only NAME]. Every page of the tests' tour, as the
role that may see it, through all middleware, on an embedded PostgreSQL of its own; without network and browser. "work"
is the processors' time a visit, ours and the database's: what an idle machine's clock would show.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.pages import site

SMALL_MS, LARGE_MS = 200, 400
COPIED = {
    "rewards_score": "market, maker, kind, live_ms, present_ms, credit",
    "rewards_allocation": "market, maker, payout, quoting, fills, stress",
    "rewards_payment": "maker, account, amount, vault",
    "rewards_entitlement": "account, token, increment, cumulative, proof",
}


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, nargs="*", default=[5_000_000], help="how many rows; one table for each")
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site.start(Path(folder))
        return measure(scores=args.scores, visits=args.visits, only=args.only)


def measure(*, scores: list[int], visits: int, only: str) -> int:
    """Time every page on both stages, one after the other in one database."""
    from django.db import connection, transaction

    from tests.pages.grown import STRESS
    from tests.pages.tour import make_stage, stops

    with transaction.atomic():
        made = make_stage()
        missed = table("As in the demo", timed(stops(made), visits=visits, only=only), target_ms=SMALL_MS)
        transaction.set_rollback(True)
    made = make_stage(**STRESS)
    tour = stops(made)
    for wanted in sorted(scores):
        rows = multiply(made, scores=wanted)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        title = f"40 makers, 200 markets, {made.program.epochs.count()} epochs, {rows:,} rows of scores"
        missed += table(title, timed(tour, visits=visits, only=only), target_ms=LARGE_MS)
    return min(1, missed)


def multiply(made: object, *, scores: int) -> int:
    """Repeat the second epoch's rows in further weeks until there are that many scores; return how many there are."""
    from django.db import connection

    from audit.owner import as_owner
    from rewards.models import Epoch, EpochSession, Score

    each = Score.objects.filter(epoch=made.waiting).count()
    week = made.waiting.end_ms - made.waiting.start_ms
    first, lacking = made.program.epochs.count() + 1, max(0, scores - Score.objects.count())
    for number in range(first, first - (-lacking // each)):
        epoch = Epoch.objects.get(pk=made.paying.pk)
        epoch.pk, epoch.number, epoch.chain_epoch, epoch.state = None, number, number, "active"
        later_ms = (number - 1) * week
        epoch.start_ms, epoch.end_ms = epoch.start_ms + later_ms, epoch.end_ms + later_ms
        epoch.save(force_insert=True)
        EpochSession.objects.bulk_create(
            EpochSession(epoch=epoch, start_ms=row.start_ms + later_ms, end_ms=row.end_ms + later_ms, kind=row.kind)
            for row in made.paying.sessions.all()
        )
        # The database takes results into a live epoch alone, which it would check for each row.
        with as_owner(), connection.cursor() as cursor:
            for name, columns in COPIED.items():
                cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
                cursor.execute(
                    f"INSERT INTO {name} (epoch_id, {columns}) SELECT %s, {columns} FROM {name} WHERE epoch_id = %s",
                    [epoch.pk, made.waiting.pk],
                )
                cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    return Score.objects.count()


@dataclass(frozen=True)
class Visits:
    """One page's visits: each one's time on the clock, and the processors' time of all, the database's included."""

    name: str
    runs_ms: list[float]
    work_ms: float


def timed(tour: list, *, visits: int, only: str) -> list[Visits]:
    """Visit each page; a first visit does not count."""
    found = []
    for stop in tour:
        if only not in stop.name:
            continue
        visit(stop)
        before = worked_ms()
        runs = [visit(stop) for _ in range(visits)]
        found.append(Visits(stop.name, runs, (worked_ms() - before) / visits))
    return found


def visit(stop: object) -> float:
    """Open a page and return how long that took, in ms."""
    begun = time.perf_counter()
    answer = stop.client.get(stop.path, headers={"accept-encoding": "gzip"})
    took_ms = (time.perf_counter() - begun) * 1000
    assert answer.status_code == stop.status, (stop.name, answer.status_code)
    return took_ms


def worked_ms() -> float:
    """Return the processors' time of this process and of its one database connection so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        fields = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


def table(title: str, pages: list[Visits], *, target_ms: int) -> int:
    """Print the pages, slowest first; return how many are too slow."""
    load = os.getloadavg()[0]
    print(f"\n{title}; target p95 <= {target_ms} ms; load of the machine {load:.1f}", flush=True)
    missed = 0
    for page in sorted(pages, key=lambda page: -page.work_ms):
        half, most = statistics.median(page.runs_ms), percentile(page.runs_ms, 95)
        missed += most > target_ms
        late = "   MISSED" if most > target_ms else ""
        times = f"p50 {half:7.1f} ms   p95 {most:7.1f} ms   work {page.work_ms:7.1f} ms"
        print(f"  {page.name:28} {times}{late}", flush=True)
    return missed


def percentile(runs: list[float], percent: int) -> float:
    """Return the time that so many per cent of visits did not exceed."""
    return sorted(runs)[-(-len(runs) * percent // 100) - 1]


if __name__ == "__main__":
    sys.exit(main())
