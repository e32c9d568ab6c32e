"""A service that does well rings nothing; made bad in its database or its processes, it rings what it should.

/metrics is asked for as Prometheus asks, a real Prometheus scrapes the answer and evaluates the rules' expressions.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from onchain.indexer import node
from onchain.models import Alarm as ChainAlarm
from onchain.models import Block, Cursor, HeadLease, Market, ProviderHealth
from rewards.models import (
    Alarm,
    ClaimRequest,
    Delivery,
    Epoch,
    HotKey,
    LastDone,
    LiveStanding,
    Notice,
    QuoteRun,
    WorkerSeen,
)
from rewards.services.running import key_look
from rewards.services.tallies import tallies
from tests.faults.conftest import SECOND, register, trade
from tests.pages.factories import CLOCK, WEEKS, address
from tests.watching import scrape
from tests.watching.promtools import REPOSITORY, Prometheus
from tests.watching.whole import well

OF_THIS_MACHINE = {"EvidenceDiskFull", "EvidenceDiskFilling"}
"""How full this machine's disk is, is nobody's doing here; their cases are in rules/service.test.yml."""


@pytest.fixture
def prometheus(tmp_path):
    """One without a past: rates look back over minutes."""
    with Prometheus(tmp_path) as running:
        yield running


def named(prometheus: Prometheus) -> set[str]:
    """Show the page as it is now; gives the alarms that it rings."""
    prometheus.show(scrape.page())
    return set(prometheus.ringing()) - OF_THIS_MACHINE


@pytest.mark.django_db
def test_a_service_that_does_well_rings_nothing_and_one_in_trouble_rings_what_is_wrong(prometheus):
    made, now = well(), timezone.now()
    assert named(prometheus) == set()

    long_ago = now - dt.timedelta(hours=40)
    Market.objects.update(quarantined_block=7, quarantine_reason="Block 7, log 0: no.")
    WorkerSeen.objects.filter(queue="scoring").update(seen_at=now - dt.timedelta(minutes=5))
    WorkerSeen.objects.filter(queue="figures").delete()
    ProviderHealth.objects.update(resting=True)
    Cursor.objects.update(verified_block=40_000)
    LiveStanding.objects.filter(maker="aurora").update(as_of_ms=CLOCK - 400_000)
    QuoteRun.objects.update(until_ms=CLOCK - 700_000)
    HotKey.objects.filter(role="RELAYER").update(gas_today=150_000_000)
    ClaimRequest.objects.create(program=made.program, account=address(1), cumulative=1)
    ClaimRequest.objects.create(program=made.program, account=address(2), cumulative=1, state="failed", note="No.")
    ClaimRequest.objects.filter(state="waiting").update(created_at=long_ago)
    LastDone.objects.update(at=long_ago)
    Epoch.objects.filter(pk=made.paying.pk).update(unspent=made.paying.unspent - 1)
    Alarm.objects.create(program=made.program, code="role_change", subject="1", message="Roles changed.")
    ChainAlarm.objects.create(kind="wrong_chain", message="No.")
    _deliver(now)
    for _ in range(5):
        tallies.task(name="rewards.tasks.advance_epochs", outcome="failed", took_us=1)
        tallies.request(route="home", method="GET", status=500, took_us=2_000_000)
    found = named(prometheus)
    rings = {name: prometheus.ringing()[name] for name in ("QueueWithoutWorker", "MarketQuarantined", "AlarmOpen")}
    assert found == {
        "MarketQuarantined", "QueueWithoutWorker", "ProviderResting", "VerifiedLag", "LiveEstimatesLate", "ChartsLate",
        "GasBudgetNearlyUsed", "CollectionsWaiting", "CollectionsFailed", "BackupOld", "MoneyMissing", "AlarmOpen",
        "ChangeOnChain", "NoticesOverdue", "NoticesGivenUp", "TasksFailing", "RequestsFailing", "RequestsSlow",
    }  # fmt: skip
    assert {each["queue"] for each in rings["QueueWithoutWorker"]} == {"scoring", "figures"}
    assert [each["market"] for each in rings["MarketQuarantined"]] == ["AAPL-PERP"]
    assert [each["kind"] for each in rings["AlarmOpen"]] == ["wrong_chain"]


def _deliver(now: dt.datetime) -> None:
    person = User.objects.create_user(username="p")
    for number, (state, age_s) in enumerate((("waiting", 3600), ("failed", 60))):
        notice = Notice.objects.create(kind="webhook.test", key=str(number), at=now, data={})
        Delivery.objects.create(notice=notice, person=person, state=state, next_at=now - dt.timedelta(seconds=age_s))


@pytest.mark.django_db
def test_when_the_chain_goes_on_and_nothing_is_scored_or_scheduled_it_rings(prometheus):
    well()
    Block.objects.update(time_ms=WEEKS[3] + 3_600_000)
    found = named(prometheus)
    assert {"ScoringLate", "RunwayShort"} <= found
    # The epoch before ended eight days ago, and the treasury has not approved it.
    assert "ApprovalOverdue" in found


@pytest.mark.django_db
def test_a_broker_that_is_gone_and_a_follower_that_fell_silent_ring(prometheus, settings):
    well()
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = "redis://127.0.0.1:9/0", {}
    HeadLease.objects.update(renewed_at=timezone.now() - dt.timedelta(minutes=1))
    Cursor.objects.update(updated_at=timezone.now() - dt.timedelta(minutes=2), head_number=60_000)
    assert named(prometheus) == {"BrokerDown", "HeadNotFollowed", "ChainNotRead", "HeadLag", "VerifiedLag"}


@pytest.mark.django_db
def test_a_relayer_without_coin_rings_as_its_worker_sees_it_on_the_chain(prometheus, anvil):
    well()
    Cursor.objects.update(chain_id=int(anvil.rpc("eth_chainId"), 16))
    client = node()
    try:
        key_look(client, role="RELAYER", now=timezone.now())
        assert named(prometheus) == set()
        anvil.rpc("anvil_setBalance", HotKey.objects.get(role="RELAYER").address, "0x0")
        key_look(client, role="RELAYER", now=timezone.now())
    finally:
        client.close()
    prometheus.show(scrape.page())
    assert [each["role"] for each in prometheus.ringing()["KeyLow"]] == ["relayer"]


@pytest.mark.django_db(transaction=True)
def test_a_follower_that_is_killed_rings(prometheus, exchange):
    register(exchange)
    trade(exchange, 0)
    exchange.anvil.mine(time_s=SECOND)
    follower = subprocess.Popen(
        [sys.executable, "manage.py", "follow"], cwd=REPOSITORY, env=environment(RPC_URLS=exchange.anvil.url)
    )
    try:
        _wait(lambda: HeadLease.objects.exists() and Cursor.objects.filter(block_number__gt=0).exists())
        assert "HeadNotFollowed" not in named(prometheus)
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        # It renewed its lease at least once a second; after 15 silent ones nobody follows.
        _wait(lambda: "HeadNotFollowed" in named(prometheus))
    finally:
        follower.kill()
        follower.wait()


def environment(**settings: str) -> dict[str, str]:
    """What a process needs to work on the test's database."""
    at = connection.settings_dict
    # The host is the folder of a socket.
    url = f"postgres://{at['USER']}@/{at['HOST']}/{at['NAME']}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.local", "DATABASE_URL": url, "LOG_FORMAT": "json",
            **settings}  # fmt: skip


def _wait(done) -> None:
    ends = time.monotonic() + 120
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.5)
