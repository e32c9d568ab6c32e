"""Reads of scores through the API: 50 programs with a key each, the server on one core, the load on the other.

python -m tests.bench api [--seconds 60] [--clients 50]. All that a request costs is paid: key, limits, permission,
headers. Every request asks for the whole body (nobody sends If-None-Match), packed. "a second of processor" is what
the server did in one second of its own processor's time: what a quiet machine's core would do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import load, server
from tests.bench.table import Row, print_table
from tests.pages import site

A_SECOND, P99_MS = 300, 250


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=5)
    parser.add_argument("--clients", type=int, default=50)
    args = parser.parse_args()
    # What is measured is the server, not the limit that keeps one caller from taking all of it.
    os.environ.setdefault("API_LIMIT_SIGNED_IN", str(10**9))
    with tempfile.TemporaryDirectory() as folder:
        site.start(Path(folder))
        made = stage(args.clients)
        os.sched_setaffinity(0, {os.cpu_count() - 1})
        rows = []
        with server.served() as served:
            rows += measure("a scored epoch", served, made, args, epoch=2)
            with changing_every(1.0):
                rows += measure("the live epoch, scored each second", served, made, args, epoch=3, is_changing=True)
        with server.served(API_KEPT_MIB="0") as served:
            rows += measure("a scored epoch, nothing kept", served, made, args, epoch=2, is_warm=False)
    title = f"API, {len(made)} clients for {args.seconds:.0f} s, one core; load of the machine {os.getloadavg()[0]:.1f}"
    return min(1, print_table(title, rows))


def stage(clients: int) -> list[tuple[str, str]]:
    """Make 50 makers with 12 markets, a scored epoch and a live one; returns each maker's slug and a key of it."""
    from django.utils import timezone

    from accounts.api_keys import api_key_make
    from accounts.models import User
    from rewards.models import LiveState
    from tests.pages.factories import scene
    from tests.pages.grown import many_makers, many_markets

    markets = many_markets(12)
    made = scene(markets=markets, profiles=many_makers(clients))
    # Of the size that fifty makers' orders give it.
    LiveState.objects.bulk_create(
        LiveState(epoch=made.live, market=name, until_ms=made.live.start_ms, before=bytes(10_000), state=bytes(50_000))
        for name in markets
    )
    found = []
    for slug, maker in made.makers.items():
        person = User.objects.create_user(username=f"bot of {slug}", role="maker")
        maker.members.add(person)
        _, key = api_key_make(by=person, name="bot", scopes=["read:own"], days=1, now=timezone.now())
        found.append((slug, key))
    return found


def measure(
    what: str, served: server.Server, makers: list[tuple[str, str]], args: Any, *, epoch: int, is_warm: bool = True,
    is_changing: bool = False,
) -> list[Row]:  # fmt: skip
    """Have every maker ask for its scores of an epoch; what is not warm has no target."""
    requests = [
        [load.request_bytes(
            f"/api/v1/makers/{slug}/programmes/us-equity-perps/epochs/{epoch}/scores", host=served.host,
            accept="application/json", accept_encoding="gzip", authorization=f"Bearer {key}",
        )]
        for slug, key in makers
    ]  # fmt: skip
    load.run(served.url, requests, seconds=args.warm_up)
    before = load.cpu_s(served.pid)
    found = load.run(served.url, requests, seconds=args.seconds)
    worked_s = load.cpu_s(served.pid) - before
    wrong = sum(count for status, count in found.statuses.items() if status != 200)
    answers = len(found.latencies_ms)
    different = len(found.tags) / len(makers)
    return [
        Row(f"scores of {what}", [found.a_second], "answers/s", A_SECOND if is_warm else None, at_least=True),
        Row(
            "  in a second of processor", [answers / worked_s], "answers", A_SECOND if is_warm else None, at_least=True
        ),
        Row("  slowest hundredth", [found.percentile_ms(99)], "ms", P99_MS if is_warm else None),
        Row("  errors", [wrong], "", 0),
        Row("  size of an answer", [found.size_bytes / answers], "bytes"),
        Row("  different answers that a maker got", [different / (found.seconds if is_changing else 1)],
            "a second" if is_changing else ""),
    ]  # fmt: skip


@contextmanager
def changing_every(seconds: float) -> Iterator[None]:
    """Do to the live epoch what each run of rewards.services.live does to it, so that no kept answer holds."""
    stopped = threading.Event()

    def change() -> None:
        from django.db import connection

        while not stopped.wait(seconds):
            score_live()
        connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def score_live() -> None:
    """Write all rows of the live epoch anew, in one transaction, with a little more credit than before; and say so."""
    from django.db import transaction

    from rewards.models import Epoch, LiveStanding, LiveState, Score
    from rewards.services.announcing import announce, epoch_topic

    with transaction.atomic():
        epoch = Epoch.objects.select_for_update().get(number=3)
        for model in (LiveStanding, Score, LiveState):
            rows = list(model.objects.filter(epoch=epoch))
            model.objects.filter(epoch=epoch).delete()
            for row in rows:
                row.pk = None
                if isinstance(row, Score):
                    row.credit += 1
            model.objects.bulk_create(rows)
        announce(epoch_topic(epoch.pk))


if __name__ == "__main__":
    sys.exit(main())
