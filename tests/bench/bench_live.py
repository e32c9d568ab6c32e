"""From a block to 200 open scorecards: replaying node, head, worker, queue and web server as in production.

python -m tests.bench live [--seconds 60] [--clients 200] [--events 500] [--rate 2] [--markets 4] [--makers 25]

A block's time is when the node offers it; it has reached a client with the first standing whose `as_of_ms` is after
it. Its second has to be over before that (docs/spec/venues.md, Time), so even without any work it takes up to a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import stack
from tests.bench.load import request_bytes
from tests.bench.table import Row, print_table

P95_S = 1.5
WARM_UP_S = 20


def main() -> int:
    """Measure and print; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--rate", type=float, default=2, help="blocks a second")
    parser.add_argument("--markets", type=int, default=4)
    parser.add_argument("--makers", type=int, default=25)
    args = parser.parse_args()
    names = ("web", "worker", "beat", "head")
    length_s = args.seconds + WARM_UP_S + 600
    with (
        tempfile.TemporaryDirectory() as folder,
        stack.running(
            Path(folder), events=args.events, rate=args.rate, markets=args.markets, makers=args.makers,
            seconds=length_s, names=names,
        ) as running,
    ):  # fmt: skip
        keys = keys_of(args.makers)
        stack.wait_for_standings(running)
        before = {name: sum(each.cpu_times()[:2]) for name, each in running.processes().items()}
        begun = time.time()
        delays = asyncio.run(follow(running, keys, clients=args.clients, seconds=WARM_UP_S + args.seconds))
        took_s = time.time() - begun
        used = {
            name: (sum(each.cpu_times()[:2]) - before.get(name, 0)) / took_s
            for name, each in running.processes().items()
        }
    late = sorted(delays)
    bare = [bare_s(args.rate, number) for number in range(int(args.rate * 10))]
    rows = [
        Row("block to client, slowest twentieth", [late[len(late) * 95 // 100]], "s", P95_S),
        Row("  the middle one", [statistics.median(late)], "s"),
        Row("  slowest hundredth", [late[len(late) * 99 // 100]], "s"),
        Row("  of which until its second is over, on average", [statistics.mean(bare)], "s"),
        Row("blocks times clients", [len(late)], ""),
        *(Row(f"processor, {name}", [share], "cores") for name, share in sorted(used.items())),
    ]
    title = (
        f"{args.clients} open scorecards, {args.events} events/s in {args.rate:g} blocks/s, {args.markets} markets, "
        f"{args.makers} makers; load of the machine {os.getloadavg()[0]:.1f}"
    )
    return min(1, print_table(title, rows))


def bare_s(rate: float, number: int) -> float:
    """Return how long a block waits for the first block of the next second."""
    at = number / rate
    following = number + 1
    while int(following / rate) == int(at):
        following += 1
    return following / rate - at


def keys_of(makers: int) -> list[tuple[str, str]]:
    """Return each maker's slug and a key of one of its members."""
    from django.utils import timezone

    from accounts.api_keys import api_key_make
    from accounts.models import Maker, User

    found = []
    for maker in Maker.objects.order_by("slug")[:makers]:
        person = User.objects.create_user(username=f"bot of {maker.slug}", role="maker")
        maker.members.add(person)
        _, key = api_key_make(by=person, name="bot", scopes=["read:own"], days=1, now=timezone.now())
        found.append((maker.slug, key))
    return found


async def follow(running: stack.Stack, keys: list[tuple[str, str]], *, clients: int, seconds: float) -> list[float]:
    """Keep the scorecards open; returns each block's delay at each client after the warm-up."""
    delays: list[float] = []
    parts = urlsplit(running.url)
    counts_from = time.time() + WARM_UP_S

    async def one(number: int) -> None:
        slug, key = keys[number % len(keys)]
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            request_bytes(
                f"/api/v1/makers/{slug}/programmes/{stack.PROGRAM}/epochs/1/live", host=parts.netloc,
                authorization=f"Bearer {key}", accept="text/event-stream",
            )
        )  # fmt: skip
        status = await reader.readline()
        assert b" 200 " in status, status
        seen_ms = 0
        async for line in reader:
            if line.startswith(b"data: "):
                seen_ms = note(json.loads(line[6:]), seen_ms)

    def note(standing: dict[str, Any], seen_ms: int) -> int:
        now, as_of_ms = time.time(), standing["as_of_ms"]
        if seen_ms and now > counts_from:
            first = int((seen_ms / 1000 - running.first_s) * running.rate)
            last = int((as_of_ms / 1000 - running.first_s) * running.rate)
            for block in range(first, last):
                at = running.first_s + block / running.rate
                if seen_ms <= at * 1000 < as_of_ms:
                    delays.append(now - at)
        return int(as_of_ms)

    tasks = [asyncio.create_task(one(number)) for number in range(clients)]
    done, pending = await asyncio.wait(tasks, timeout=seconds)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()
    return delays


if __name__ == "__main__":
    sys.exit(main())
