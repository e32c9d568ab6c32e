"""How long each page takes on everyday rows and on five million rows of scores: the median and the slowest twentieth.

python tests/bench/bench_pages.py [--scores 5000000] [--visits 20] [--only NAME]. Every page of the tests' tour, as the
role that may see it, through all middleware, on an embedded PostgreSQL of its own; without network and browser. "cpu"
is the processors' time a visit, ours and the database's: what an idle machine's clock would show.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.pages import site

SMALL_MS, LARGE_MS = 200, 400
OF_EPOCH = {"epoch", "revisions", "scorecard", "dispute-new", "treasury-epoch", "treasury-corrections"}
"""Pages of the tour with an epoch's number in their address."""


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, nargs="*", default=[5_000_000], help="how many rows; one table for each")
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--large-only", action="store_true", help="leave the everyday rows out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site.start(Path(folder))
        served_as_in_production()
        missed = [] if args.large_only else small(visits=args.visits, only=args.only)
        missed += large(scores=sorted(args.scores), visits=args.visits, only=args.only)
    print(f"\nMissed: {', '.join(missed)}" if missed else "\nEvery page is within its target.", flush=True)
    return min(1, len(missed))


def served_as_in_production() -> None:
    """Do what a web server does before its first visitor."""
    from config.warm import warm_up

    warm_up()


def small(*, visits: int, only: str) -> list[str]:
    """Time every page on the tests' stage, which is gone afterwards; return the pages that miss."""
    from django.db import transaction

    from tests.bench.pages_rows import add_quoted, add_statistics
    from tests.pages.tour import make_stage, stops

    with transaction.atomic():
        made = make_stage()
        add_quoted(made)
        add_statistics(made)
        missed = table("As in the demo", timed(stops(made), visits=visits, only=only), target_ms=SMALL_MS)
        transaction.set_rollback(True)
    return missed


def large(*, scores: list[int], visits: int, only: str) -> list[str]:
    """Time every page on 40 makers, 200 markets and so many scores; return the pages that miss."""
    from rewards.models import Score
    from tests.bench.pages_rows import add_history, add_quoted, add_statistics
    from tests.pages.grown import STRESS
    from tests.pages.tour import make_stage, stops

    if not scores:
        return []
    begun = time.monotonic()
    made = make_stage(**STRESS)
    add_quoted(made)
    add_statistics(made)
    # The book at a moment is made of events, which these rows have none of; it is timed above.
    tour, missed = [stop for stop in stops(made) if stop.name != "scorecard-moment"], []
    for wanted in scores:
        weeks = add_history(made, scores=wanted)
        tour = [renumbered(stop, weeks) for stop in tour]
        made_s = time.monotonic() - begun
        title = f"40 makers, 200 markets, {made.program.epochs.count()} epochs, {Score.objects.count():,} scores"
        title += f", made in {made_s:.0f} s"
        missed += table(title, timed(tour, visits=visits, only=only), target_ms=LARGE_MS)
        begun = time.monotonic()
    return missed


def renumbered(stop: Any, weeks: int) -> Any:
    """Return the stop with its epoch's new number in its path, where it is of one."""
    from django.urls import Resolver404, resolve, reverse

    try:
        found = resolve(stop.path)
    except Resolver404:
        return stop
    if found.view_name not in OF_EPOCH:
        return stop
    moved = {**found.kwargs, "number": found.kwargs["number"] + weeks}
    return replace(stop, path=reverse(found.view_name, kwargs=moved))


@dataclass(frozen=True)
class Visits:
    """One page's visits: each one's time on the clock and the processors' time, ours and the database's."""

    name: str
    runs_ms: list[float]
    cpu_ms: list[float]
    queries: int


def timed(tour: list, *, visits: int, only: str) -> list[Visits]:
    """Visit each page; a first visit, whose queries are counted, does not count."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    found = []
    for stop in tour:
        if only not in stop.name:
            continue
        visit(stop)
        with CaptureQueriesContext(connection) as queries:
            visit(stop)
        asked = len(queries)
        runs = [visit(stop) for _ in range(visits)]
        found.append(Visits(stop.name, [run for run, _ in runs], [cpu for _, cpu in runs], asked))
    return found


def visit(stop: Any) -> tuple[float, float]:
    """Open a page and return how long that took by the clock and of the processors, in ms."""
    worked_before, begun = worked_ms(), time.perf_counter()
    answer = stop.client.get(stop.path, headers={"accept-encoding": "gzip"})
    b"".join(answer)
    took_ms = (time.perf_counter() - begun) * 1000
    # The documentation is there or not, by what was built here.
    expected = (200, 404) if stop.path == "/docs/" else (stop.status,)
    assert answer.status_code in expected, (stop.name, stop.path, answer.status_code)
    return took_ms, worked_ms() - worked_before


def worked_ms() -> float:
    """Return the processors' time of this process and of its one database connection so far."""
    from django.db import connection

    connection.ensure_connection()
    spent = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]
    return time.process_time() * 1000 + int(spent) / 1_000_000


def table(title: str, pages: list[Visits], *, target_ms: int) -> list[str]:
    """Print the pages, slowest first; return the names of those that are too slow."""
    load = os.getloadavg()[0]
    print(f"\n{title}; target p95 <= {target_ms} ms; load of the machine {load:.1f}", flush=True)
    missed = []
    for page in sorted(pages, key=lambda page: -statistics.median(page.cpu_ms)):
        most = percentile(page.runs_ms, 95)
        half, cpu, cpu_most = (*map(statistics.median, (page.runs_ms, page.cpu_ms)), percentile(page.cpu_ms, 95))
        late = ""
        if most > target_ms:
            late = "   MISSED" if cpu_most > target_ms else "   MISSED by the clock, not by cpu"
            missed.append(f"{page.name} ({target_ms} ms{'' if cpu_most > target_ms else ', by the clock alone'})")
        times = f"p50 {half:7.1f} ms   p95 {most:7.1f} ms   cpu p50 {cpu:7.1f} ms   p95 {cpu_most:7.1f} ms"
        print(f"  {page.name:28} {times}   {page.queries:3} queries{late}", flush=True)
    return missed


def percentile(runs: list[float], percent: int) -> float:
    """Return the time that so many per cent of visits did not exceed."""
    return sorted(runs)[-(-len(runs) * percent // 100) - 1]


if __name__ == "__main__":
    sys.exit(main())
