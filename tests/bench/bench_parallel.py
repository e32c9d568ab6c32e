"""How much faster two workers score an epoch of eight markets than one: real PostgreSQL, queue and Celery workers.

python tests/bench/bench_parallel.py [--events 250000] [--runs 3] [--json]

Timed: from the poke until every stretch is stored, then until the epoch is scored (events read and held against the
stretches, merged, evidence written, rows stored) by one process. Each round is done by one worker and by two, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.table import Row, print_table

REPOSITORY = Path(__file__).resolve().parents[2]
MARKETS = [f"M{number}-PERP" for number in range(8)]
WORKERS = 2
BLOCK_MS = 200
SESSION_MS = 3_600_000
POKE_S = 2.0
LIMIT_S = 900.0


class Round(NamedTuple):
    """One scoring of the whole epoch."""

    workers: int
    stretches_s: float
    whole_s: float
    root: str
    taken: list[int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=250_000, help="events of each market")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamplight-bench-") as folder:
        root = Path(folder)
        start_services(root)
        epoch_id, straight_root = put_epoch(events=args.events)
        with workers(root) as running:
            # The first round compiles, connects and warms the caches; it isn't timed.
            turns = [WORKERS, *(active for _ in range(args.runs) for active in range(1, WORKERS + 1))]
            rounds = [score_round(root, running, epoch_id, active=active) for active in turns]
    same = {straight_root, *(each.root for each in rounds)} == {straight_root}
    if args.json:
        print(json.dumps({"straight_root": straight_root, "rounds": [each._asdict() for each in rounds]}))
        return 0 if same else 1
    show(rounds[1:], events=args.events)
    print(f"  the straight way's root in every round: {'yes' if same else 'NO'} ({straight_root})")
    return 0 if same else 1


def show(rounds: list[Round], *, events: int) -> None:
    """Print the seconds, and how much faster the workers together are than one in the same turn."""
    table = []
    for what, column in (("all stretches done", 1), ("scored, evidence written", 2)):
        of = {n: [float(each[column]) for each in rounds if each.workers == n] for n in range(1, WORKERS + 1)}
        table += [Row(f"{what}, {number} worker{'s'[: number - 1]}", seconds, "s") for number, seconds in of.items()]
        ratios = [one / both for one, both in zip(of[1], of[WORKERS], strict=True)]
        table.append(Row(f"{what}, one's time by both's", ratios, "x"))
    print_table(f"8 markets of {events:,} events each, from the poke on", table)


def start_services(root: Path) -> None:
    """Start a database of our own, without a chain, and set Django up on it."""
    os.environ.update(
        LAMPLIGHT_DATA_DIR=str(root), DJANGO_SETTINGS_MODULE="config.settings.local", RPC_URLS="http://127.0.0.1:9",
        EVIDENCE_DIR=str(root / "evidence"), DATABASE_URL="", CELERY_BROKER_URL="",
        LOG_LEVEL="ERROR",
    )  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command

    from config import embedded

    embedded.use(root, with_chain=False)
    call_command("migrate", verbosity=0)


def put_epoch(*, events: int) -> tuple[int, str]:
    """Put an epoch of eight busy markets into the database; returns its id and its root by the straight way."""
    import pyarrow as pa

    from rewards.engine.evidence import EventColumns, Inputs
    from rewards.engine.scoring import score
    from rewards.services.gathering import gather
    from tests import rows
    from tests.bench.workloads import (
        START_MS,
        duration_ms,
        maker_addresses,
        market_columns,
        sessions_for,
        terms_for,
    )

    parts = [
        market_columns(market=name, events=events, makers=min(100, events // 50), seed=seed)
        for seed, name in enumerate(MARKETS)
    ]  # fmt: skip
    makers = maker_addresses(min(100, events // 50))
    terms = terms_for(markets=MARKETS, duration_ms=max(duration_ms(part) for part in parts))
    span_ms = min(SESSION_MS, (terms.epoch.end_ms - terms.epoch.start_ms) // 4)
    inputs = Inputs(
        terms=terms, sessions=sessions_for(terms, length_ms=span_ms), makers=makers,
        payouts={maker: [(address, 1_000_000)] for address, maker in makers.items()}, carried_in={}, previous=None,
        events=EventColumns.from_arrow(pa.concat_tables([part.to_arrow() for part in parts])),
    )  # fmt: skip
    place = (inputs.events.time_ms - START_MS) // BLOCK_MS
    times = [START_MS + BLOCK_MS * (number + 1) - 1 for number in range(int(place.max()) + 1)]
    epoch = rows.put_epoch(inputs, place=place, times=times)
    return epoch.pk, score(gather(epoch=epoch)).root or ""


@contextmanager
def workers(root: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workers of one process each, which take stretches alone."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "LOG_LEVEL": "DEBUG"}
    running = []
    for number in range(WORKERS):
        argv = [sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "solo", "--queues", "scoring",
                "--hostname", f"w{number}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat",
                "--loglevel", "INFO"]  # fmt: skip
        with log_of(root, number).open("wb") as log:
            running.append(subprocess.Popen(argv, cwd=REPOSITORY, env=env, stdout=log, stderr=log))
    try:
        for number in range(WORKERS):
            wait_until(lambda number=number: " ready." in log_of(root, number).read_text(), "a worker is not ready")
        yield running
    finally:
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            process.wait(timeout=60)


def score_round(root: Path, running: list[subprocess.Popen[bytes]], epoch_id: int, *, active: int) -> Round:
    """Have the first `active` workers do all stretches while the others rest, then score the epoch here."""
    from rewards.models import Epoch, Stretch
    from rewards.services.gathering import ground_of
    from rewards.services.scoring import epoch_reopen, epoch_score
    from rewards.services.stretches import stretch_ends
    from rewards.tasks import poke_stretches

    epoch = Epoch.objects.get(pk=epoch_id)
    wait_until(lambda: not list((root / "queue" / "messages").iterdir()), "the queue is not empty")
    epoch_reopen(program=epoch.program, number=epoch.number)
    due = len(MARKETS) * len(stretch_ends(ground_of(epoch)))
    for process in running[active:]:
        process.send_signal(signal.SIGSTOP)
    before = [tasks_of(root, number) for number in range(WORKERS)]
    begun = time.perf_counter()
    poked = -POKE_S

    def is_done() -> bool:
        nonlocal poked
        if time.perf_counter() - poked >= POKE_S:
            poked = time.perf_counter()
            poke_stretches()
        return Stretch.objects.filter(epoch=epoch).count() == due

    wait_until(is_done, "the stretches are not done")
    stretches_s = time.perf_counter() - begun
    root_found = epoch_score(epoch_id=epoch_id).root
    whole_s = time.perf_counter() - begun
    for process in running[active:]:
        process.send_signal(signal.SIGCONT)
    taken = [tasks_of(root, number) - count for number, count in enumerate(before)]
    return Round(active, stretches_s, whole_s, root_found, taken)


def tasks_of(root: Path, number: int) -> int:
    """Return how many tasks a worker has finished."""
    return log_of(root, number).read_text().count("task_succeeded")


def log_of(root: Path, number: int) -> Path:
    """Return where a worker writes its log."""
    return root / f"worker-{number}.log"


def wait_until(is_so: Any, complaint: str) -> None:
    """Ask again and again; raises TimeoutError in the end."""
    ends_at = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > ends_at:
            raise TimeoutError(complaint)
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
