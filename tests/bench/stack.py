"""All of Lamplight on a replaying node: database, queue, head, worker, beat, and a programme whose epoch is live."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "soak"


@dataclass(frozen=True)
class Stack:
    """A running service. node_pid: the replaying node; first_s: the second of its first block."""

    root: Path
    epoch_id: int
    first_s: int
    end_s: int
    rate: float
    supervisor: Any
    node: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where the pages are."""
        return str(self.supervisor.url).rstrip("/")

    def processes(self) -> dict[str, psutil.Process]:
        """Return the service's processes by name, a worker's children with numbers, and the database as one."""
        from config.embedded import processes

        found: dict[str, psutil.Process] = {}
        for name in ("web", "worker", "beat", "head", "figures"):
            record = processes.load(self.root, name=name)
            if record is not None:
                process = psutil.Process(record.pid)
                found[name] = process
                for number, child in enumerate(process.children()):
                    found[f"{name}.{number}"] = child
        return found


@contextmanager
def running(
    root: Path, *, events: int, rate: float, markets: int, makers: int, seconds: int, names: Sequence[str], **env: str
) -> Iterator[Stack]:
    """Run the named processes on a flow of so many events a second for at least so long; the epoch ends then."""
    node = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.replaynode", str(events), str(rate), str(markets), str(makers)],
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert node.stdout is not None
    url, socket, first = (node.stdout.readline().decode().strip() for _ in range(3))
    os.environ.update(
        LAMPLIGHT_DATA_DIR=str(root), DJANGO_SETTINGS_MODULE="config.settings.local", RPC_URLS=url, RPC_WS_URL=socket,
        DATABASE_URL="", EMAIL_URL="", EVIDENCE_DIR=str(root / "evidence"), PROOFS_DIR=str(root / "proofs"),
        LOG_LEVEL="WARNING", **env,
    )  # fmt: skip
    queue, os.environ["CELERY_BROKER_URL"] = redis(root)
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from config import embedded

    # What is started here is stopped, too, when somebody stops the benchmark.
    embedded.stop_on_signals()
    embedded.use(root, with_chain=False)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    call_command("migrate", verbosity=0)
    start_s = int(time.time()) + 5
    epoch_id = put_programme(markets=markets, makers=makers, start_s=start_s, end_s=start_s + seconds)
    supervisor = embedded.Supervisor(root, web_port=18_000)
    try:
        supervisor.start(*names)
        yield Stack(root, epoch_id, int(first), start_s + seconds, rate, supervisor, node)
    finally:
        supervisor.stop()
        for process in filter(None, (node, queue)):
            process.terminate()
        node.wait(timeout=30)
        from django.db import connections

        connections.close_all()
        embedded.stop_postgres(root)


def redis(root: Path) -> tuple[subprocess.Popen[bytes] | None, str]:
    """Run a queue as production has it where it is installed, else the one of files; returns it and its URL."""
    from config.embedded.layout import free_port

    program = shutil.which("redis-server")
    if program is None:
        return None, ""
    port = free_port()
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(root)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL), f"redis://127.0.0.1:{port}/0"


def put_programme(*, markets: int, makers: int, start_s: int, end_s: int) -> int:
    """Register markets and makers and schedule the epoch; returns its id."""
    from accounts.services import maker_enrol, maker_payouts_set
    from onchain.services import market_register
    from rewards.services.programs import epoch_schedule, program_create
    from tests.bench.replaynode import ADDRESS, CHAIN_ID, maker_address
    from tests.bench.workloads import terms_for
    from tests.operators import OPERATOR

    names = [f"M{number:02d}-PERP" for number in range(1, markets + 1)]
    for number, name in enumerate(names, start=1):
        market_register(
            name=name, adapter="lamplight", address=ADDRESS, start_block=0,
            config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": number}},
            tick_size="0.01", lot_size="0.1", base_symbol=name[:3],
        )  # fmt: skip
    for number in range(makers):
        maker = maker_enrol(
            by=OPERATOR, slug=f"maker-{number:03d}", name=f"Maker {number}", addresses=[maker_address(number)],
            since_ms=0,
        )  # fmt: skip
        maker_payouts_set(by=OPERATOR, maker=maker, shares=[(maker_address(10_000 + number), 1_000_000)], since_ms=0)
    program = program_create(
        slug=PROGRAM, name="Soak", chain_id=CHAIN_ID, distributor="0x" + "d1" * 20, token="0x" + "70" * 20,
        token_symbol="LAMP", start_block=0,
    )  # fmt: skip
    document = terms_for(markets=names, duration_ms=(end_s - start_s) * 1000).document
    document |= {"program": PROGRAM, "epoch": {"number": 1, "start_ms": start_s * 1000, "end_ms": end_s * 1000}}
    document["token"] = program.token
    return int(epoch_schedule(program=program, terms=json.dumps(document).encode()).pk)


def wait_for_standings(running: Stack, *, patience_s: float = 300) -> None:
    """Wait until the epoch is live and has been scored once."""
    from rewards.models import LiveStanding

    ends_at = time.monotonic() + patience_s
    while not LiveStanding.objects.filter(epoch_id=running.epoch_id).exists():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"Nothing is scored; the logs are in {running.root / 'logs'}.")
        time.sleep(0.5)
