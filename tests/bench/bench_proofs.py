"""Proof packs from the application server: 100,000 accounts' files, each client asks for others; packed, plain, known.

python -m tests.bench proofs [--seconds 20] [--clients 50] [--accounts 100000]
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import load, server
from tests.bench.table import Row, print_table
from tests.pages import site

A_SECOND = 3_000
EACH = 200


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site.start(Path(folder))
        root = packs(args.accounts)
        os.sched_setaffinity(0, {os.cpu_count() - 1})
        rows = []
        with server.served() as served:
            for what, place, headers in (
                ("of the root that pays, packed", "", {"accept_encoding": "gzip"}),
                ("of the root that pays, plain", "", {}),
                ("of one root, packed", f"{root}/", {"accept_encoding": "gzip"}),
                ("that the client has (304)", "", {"accept_encoding": "gzip", "if_none_match": f'"{root}.gz"'}),
            ):
                rows += measure(what, served, place, headers, args)
        load_of = os.getloadavg()[0]
        title = f"Proof packs, {args.clients} clients, {args.accounts:,} accounts, one core; load {load_of:.1f}"
        return min(1, print_table(title, rows))


def account(number: int) -> str:
    """Return a made-up account."""
    return f"0x{number:040x}"


def packs(accounts: int) -> str:
    """Make the root that pays, and a file for each account as the service writes them; returns the root."""
    from django.conf import settings

    from rewards.models import Entitlement
    from rewards.services.proofs import _bytes, _write, proof_pack
    from tests.pages.factories import hash_, scene

    made = scene()
    leaf = Entitlement.objects.filter(epoch=made.paying).first()
    # A tree of a million leaves has 20 hashes in a proof.
    leaf.proof = [hash_(number) for number in range(20)]
    folder = Path(settings.PROOFS_DIR) / made.program.slug / made.paying.root
    folder.mkdir(parents=True)
    for number in range(accounts):
        leaf.account = account(number)
        _write(folder / f"{leaf.account}.json", _bytes(proof_pack(program=made.program, epoch=made.paying, leaf=leaf)))
    return str(made.paying.root)


def measure(
    what: str, served: server.Server, place: str, headers: dict[str, str], args: argparse.Namespace
) -> list[Row]:
    """Have every client ask for packs of its own choice."""
    rng = random.Random(1)
    requests = [
        [
            load.request_bytes(
                f"/proofs/us-equity-perps/{place}{account(rng.randrange(args.accounts))}.json",
                host=served.host, **headers,
            )
            for _ in range(EACH)
        ]
        for _ in range(args.clients)
    ]  # fmt: skip
    load.run(served.url, requests, seconds=1)
    before = load.cpu_s(served.pid)
    found = load.run(served.url, requests, seconds=args.seconds)
    worked_s = load.cpu_s(served.pid) - before
    answers = len(found.latencies_ms)
    good = 304 if "if_none_match" in headers else 200
    return [
        Row(f"packs {what}", [found.a_second], "packs/s", A_SECOND, at_least=True),
        Row("  in a second of processor", [answers / worked_s], "packs", A_SECOND, at_least=True),
        Row("  slowest hundredth", [found.percentile_ms(99)], "ms"),
        Row("  errors", [answers - found.statuses[good]], "", 0),
        Row("  size of an answer", [found.size_bytes / answers], "bytes"),
    ]


if __name__ == "__main__":
    sys.exit(main())
