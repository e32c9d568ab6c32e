"""Rows of which every metric has a sample, and that ring no alarm."""

import datetime as dt

from django.test import Client
from django.utils import timezone

from config.queues import QUEUES
from onchain.models import HeadLease, ProviderHealth
from onchain.partitions import ensure_partitions
from rewards.models import Alarm, HotKey, QuoteRun
from rewards.services.last_done import BACKUP, last_done_note
from rewards.services.running import worker_seen
from rewards.services.tallies import tallies
from tests.pages.factories import CHAIN_ID, CLOCK, TREASURY, Scene, scene

ETHER = 10**18


def well() -> Scene:
    """A service that does well: one market, a follower, workers, keys with coin, a backup of today."""
    tallies.forget()
    made, now = scene(markets=("AAPL-PERP",)), timezone.now()
    ensure_partitions(first_block=1, last_block=1)
    HeadLease.objects.create(chain_id=CHAIN_ID, token=1, holder="db-7:4711", renewed_at=now + dt.timedelta(minutes=2))
    ProviderHealth.objects.create(name="node-a.example", answered=10, failed=1, latency_ms=3)
    for queue in QUEUES:
        worker_seen(queue=queue, worker="worker@a", now=now)
    for role in ("RELAYER", "PROPOSER"):
        HotKey.objects.create(role=role, address=TREASURY, balance_wei=ETHER, fee_wei=10**9, gas_today=7, looked_at=now)
    QuoteRun.objects.create(
        epoch=made.live, market="AAPL-PERP", key="k", makers=[], until_ms=CLOCK - 5_000, first_cell=0, base=b"",
        state=b"",
    )  # fmt: skip
    Alarm.objects.create(program=made.program, code="paused", subject="1", message="P.", cleared_at=now)
    last_done_note(what=BACKUP, now=now)
    tallies.task(name="rewards.tasks.canary", outcome="succeeded", took_us=1)
    tallies.task(name="rewards.tasks.advance_epochs", outcome="failed", took_us=1)
    tallies.request(route="home", method="GET", status=200, took_us=20_000)
    tallies.request(route="home", method="GET", status=500, took_us=20_000)
    for _ in range(30):
        Client().get("/healthz")
    return made
