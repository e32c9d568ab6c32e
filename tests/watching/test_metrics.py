"""/metrics says of programmes, money, queues and disks what the database says, in a form that Prometheus takes."""

import datetime as dt
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import DatabaseError, InterfaceError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from config.celery import app
from onchain.models import Alarm as ChainAlarm
from onchain.models import Block
from onchain.models_tx import OutgoingTransaction
from rewards.models import Alarm, ClaimRequest, Dispute, Epoch, HotKey, LiveStanding, ProcessSeen, Tally
from rewards.models.tallies import BOUNDS_US
from rewards.services import tallies as counting
from rewards.services.claims import PURPOSE
from rewards.services.last_done import BACKUP, last_done_note
from rewards.services.running import worker_seen
from rewards.services.tallies import Tallies, tallies
from tests.accounting import program_accounting
from tests.pages.factories import CHAIN_ID, CLOCK, HOUR_MS, TOKEN, TREASURY, WEEKS, address
from tests.pages.factories import scene as whole_scene
from tests.watching import scrape
from tests.watching.scrape import read

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
US = {"programme": "us-equity-perps"}
LAMP = {**US, "token": "LAMP"}


def scene():
    """The programme of the page tests with one market, whose rows are few."""
    return whole_scene(markets=("AAPL-PERP",))


@pytest.fixture(autouse=True)
def _begins_at_nothing():
    tallies.forget()
    yield
    tallies.forget()


def test_epochs_are_counted_by_state_and_waits_are_seconds_of_the_chains_clock():
    scene()
    seen = read()
    assert {state: seen("lamplight_epochs", state=state, **US) for state in ("scheduled", "live", "active")} == {
        "scheduled": 0, "live": 1, "active": 1,
    }  # fmt: skip
    assert seen("lamplight_epoch_oldest_age_seconds", state="proposed", **US) == (CLOCK - WEEKS[2]) // 1000
    assert seen("lamplight_scoring_lag_seconds", **US) == 0
    assert seen("lamplight_runway_seconds", **US) == (WEEKS[3] - CLOCK) // 1000
    # An hour and a half after its end the live epoch still is not scored.
    Block.objects.update(time_ms=WEEKS[3] + 90 * 60_000)
    seen = read()
    assert seen("lamplight_scoring_lag_seconds", **US) == 5400
    assert seen("lamplight_runway_seconds", **US) == 0


def test_estimates_lag_as_far_as_the_market_that_is_furthest_behind():
    scene()
    LiveStanding.objects.filter(maker="aurora").update(as_of_ms=CLOCK - 300_000)
    seen = read()
    assert seen("lamplight_live_estimate_lag_seconds", **US) == 300
    assert seen("lamplight_quote_cells_lag_seconds", **US) is None


def test_what_people_still_owe_an_epoch_is_counted():
    made = scene()
    # It is proposed and put forward; the treasury, who has no Safe here, has not approved.
    seen = read()
    assert (seen("lamplight_proposals_waiting", **US), seen("lamplight_approvals_missing", **US)) == (1, 1)
    Dispute.objects.create(
        epoch=made.waiting, maker=made.makers["aurora"], revision=1, market="AAPL-PERP", from_ms=WEEKS[1],
        to_ms=WEEKS[1] + HOUR_MS, kind="other", text="No.", opened_by=made.people["maker"],
    )  # fmt: skip
    seen = read()
    assert seen("lamplight_disputes_open", **US) == 1
    Epoch.objects.filter(pk=made.waiting.pk).update(state="approved", activatable_at_s=CLOCK // 1000 - 1200)
    seen = read()
    assert seen("lamplight_activation_lag_seconds", **US) == 1200
    assert seen("lamplight_approvals_missing", **US) == 0


def test_money_is_in_whole_tokens_and_agrees_with_the_accounting_to_the_unit():
    made = scene()
    # Three epochs of 250,000; one runs.
    seen = read()
    assert (seen("lamplight_budget_tokens", **LAMP), seen("lamplight_budget_left_tokens", **LAMP)) == (
        750_000, 250_000,
    )  # fmt: skip
    books = program_accounting(program_id=made.program.pk)
    for name, amount in (
        ("claimed", books.claimed), ("unclaimed", books.claimable), ("undecided", books.undecided),
        ("carried", books.carried), ("unspent", books.returned),
    ):  # fmt: skip
        assert seen(f"lamplight_{name}_tokens", **LAMP) == amount // TOKEN, name
    assert books.difference == 0
    assert seen("lamplight_money_missing", **US) == 0
    # One unit in 10**18 that is nowhere is found, though no float could show it.
    Epoch.objects.filter(pk=made.paying.pk).update(unspent=made.paying.unspent - 1)
    seen = read()
    assert seen("lamplight_money_missing", **US) == 1


def test_collections_transactions_and_keys_are_there_with_their_ages():
    made, now = scene(), timezone.now()
    for number, (state, age_s) in enumerate((("waiting", 900), ("waiting", 5), ("sent", 60), ("failed", 60))):
        row = ClaimRequest.objects.create(
            program=made.program, account=address(number), cumulative=1, state=state, note="x"
        )
        ClaimRequest.objects.filter(pk=row.pk).update(created_at=now - dt.timedelta(seconds=age_s))
    sent = OutgoingTransaction.objects.create(
        chain_id=CHAIN_ID, sender=TREASURY, nonce=0, purpose=f"{PURPOSE}x", to=TREASURY, data="0x", gas_limit=70_000
    )
    OutgoingTransaction.objects.filter(pk=sent.pk).update(created_at=now - dt.timedelta(hours=1))
    # 0.001 coins at 1 gwei a unit of gas: ten collections of 100,000, two proposals of 500,000.
    for role in ("RELAYER", "PROPOSER"):
        HotKey.objects.create(
            role=role, address=TREASURY, balance_wei=10**15, fee_wei=10**9, gas_today=7, looked_at=now
        )
    HotKey.objects.filter(role="PROPOSER").update(note="The node did not answer.")
    seen = read()
    assert [seen("lamplight_claims", state=state, **US) for state in ("waiting", "sent", "failed")] == [2, 1, 1]
    assert 900 <= seen("lamplight_claim_oldest_wait_seconds", **US) < 960
    assert seen("lamplight_transactions_pending", state="signed") == 1
    assert 3600 <= seen("lamplight_transaction_oldest_pending_seconds") < 3660
    assert seen("lamplight_key_balance_coins", role="relayer") == 0.001
    assert [seen("lamplight_key_transactions_left", role=role) for role in ("relayer", "proposer")] == [10, 2]
    assert (seen("lamplight_key_gas_used", role="relayer"), seen("lamplight_relayer_gas_budget")) == (7, 200_000_000)
    assert [seen("lamplight_key_unreadable", role=role) for role in ("relayer", "proposer")] == [0, 1]


def test_queues_tell_who_serves_them_and_a_broker_that_is_down_is_a_sample(settings):
    scene()
    now = timezone.now()
    worker_seen(queue="scoring", worker="a@b", now=now - dt.timedelta(seconds=30))
    seen = read()
    assert seen("lamplight_queue_canary_age_seconds", queue="figures") == 86_400
    assert 30 <= seen("lamplight_queue_canary_age_seconds", queue="scoring") < 90
    assert seen("lamplight_queue_workers", queue="scoring") == 1
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = "redis://127.0.0.1:9/0", {}
    seen = read()
    assert (seen("lamplight_broker_up"), seen("lamplight_queue_tasks", queue="scoring")) == (0, None)


def test_alarms_are_counted_by_kind():
    made = scene()
    ChainAlarm.objects.create(kind="wrong_chain", message="No.")
    Alarm.objects.create(program=made.program, code="paused", subject="1", message="Paused.")
    Alarm.objects.create(program=made.program, code="paused", subject="2", message="P.", cleared_at=timezone.now())
    seen = read()
    assert seen("lamplight_alarms_open", source="chain", kind="wrong_chain") == 1
    assert seen("lamplight_alarms_open", source="programme", kind="paused") == 1


def test_room_that_is_taken_and_left_is_what_database_and_disk_say(settings, tmp_path):
    scene()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'onchain_rawlog'::regclass")
        (partitions,) = cursor.fetchone()
    seen = read()
    assert (seen("lamplight_table_partitions", table="onchain_rawlog") or 0) == partitions
    assert seen("lamplight_database_size_bytes") > seen("lamplight_table_size_bytes", table="rewards_score") > 0
    settings.EVIDENCE_DIR = tmp_path / "not" / "made" / "yet"
    seen = read()
    assert seen("lamplight_evidence_disk_size_bytes") == shutil.disk_usage(tmp_path).total
    assert seen("lamplight_backup_age_seconds") is None
    for hours in (2, 30):
        last_done_note(what=BACKUP, now=timezone.now() - dt.timedelta(hours=hours))
    seen = read()
    assert 7200 <= seen("lamplight_backup_age_seconds") < 7260


def test_the_number_of_queries_does_not_grow():
    made = scene()
    # The first is not counted before it has been answered, the second makes this process's row.
    few = [_queries() for _ in range(3)][-1]
    for number in range(30):
        ClaimRequest.objects.create(program=made.program, account=address(number), cumulative=1)
        worker_seen(queue="scoring", worker=f"w{number}", now=timezone.now())
        Tally.objects.create(kind="task", name=f"t{number}", outcome="failed", count=1, total_us=1, buckets=[1] * 8)
    assert _queries() == few < 60


def _queries() -> int:
    with CaptureQueriesContext(connection) as done:
        scrape.page()
    return len(done)


# --- counts of all processes ---------------------------------------------------------------------------------------


def test_two_processes_counts_add_up_and_none_is_counted_twice():
    now = timezone.now()
    one, other = Tallies(), Tallies()
    for _ in range(3):
        one.task(name="rewards.tasks.canary", outcome="succeeded", took_us=50_000)
    other.task(name="rewards.tasks.canary", outcome="succeeded", took_us=2_000_000)
    other.task(name="rewards.tasks.canary", outcome="failed", took_us=400_000_000)
    for each in (one, other, one, other):
        each.store(now=now)
    name = {"task": "rewards.tasks.canary"}
    seen = read()
    assert seen("lamplight_tasks_total", outcome="succeeded", **name) == 4
    assert seen("lamplight_tasks_total", outcome="failed", **name) == 1
    assert seen("lamplight_task_duration_seconds_sum", **name) == pytest.approx(402.15)
    found = [seen("lamplight_task_duration_seconds_bucket", le=le, **name) for le in ("0.01", "0.1", "5.0", "+Inf")]
    assert found == [0, 3, 4, 5]


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_what_the_database_did_not_take_is_kept_and_added_later(monkeypatch, caplog, error):
    one = Tallies()
    one.task(name="t", outcome="failed", took_us=1)

    def refuse(_counts):
        raise error("gone away")

    with monkeypatch.context() as broken:
        broken.setattr(counting, "_add", refuse)
        one.store(now=timezone.now())
    assert "kept in memory" in caplog.text
    one.task(name="t", outcome="failed", took_us=1)
    one.store(now=timezone.now())
    assert Tally.objects.get(name="t").count == 2


def test_a_process_that_is_forked_off_begins_at_nothing():
    tallies.task(name="t", outcome="failed", took_us=1)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writes, b"some" if tallies._counts else b"none")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reads, 4) == b"none"
    assert tallies._counts


def test_processes_that_went_silent_are_not_up_and_their_streams_are_closed():
    now = timezone.now()
    for name, kind, streams, age_s in (("a:1", "request", 3, 5), ("a:2", "request", 4, 50), ("b:1", "request", 9, 70)):
        seen = now - dt.timedelta(seconds=age_s)
        ProcessSeen.objects.create(process=name, kind=kind, streams_open=streams, seen_at=seen)
    # The process that answers is one more.
    Client().get("/healthz")
    seen = read()
    assert seen("lamplight_processes_up", kind="web") == 3
    assert seen("lamplight_streams_open") == 7


def test_nothing_that_a_caller_chooses_becomes_a_label():
    client = Client(raise_request_exception=False)
    for number in range(20):
        client.get(f"/nowhere/{number}/")
        client.get(f"/makers/nobody-{number}/")
        client.generic(f"ODD{number}", "/healthz")
    found = {(dict(labels)["route"], dict(labels)["method"], dict(labels)["status"])
             for name, labels in scrape.samples() if name == "lamplight_http_requests_total"}  # fmt: skip
    assert found == {
        ("none", "GET", "4xx"), ("maker", "GET", "4xx"), ("healthz", "other", "4xx"),
    }  # fmt: skip


def test_the_most_series_that_requests_and_tasks_can_make_is_bounded():
    routes = sum(isinstance(name, str) for name in get_resolver().reverse_dict) + 120  # the API's, the admin's
    methods, statuses, outcomes = 4, 4, 3
    tasks = sum(not name.startswith(("celery.", "tests.")) for name in app.tasks)
    series = routes * (methods * statuses + len(BOUNDS_US["request"]) + 3)
    series += tasks * (outcomes + len(BOUNDS_US["task"]) + 3)
    assert series < 20_000


# --- names and documents -------------------------------------------------------------------------------------------


def everything() -> None:
    """Make rows so that every family has a sample."""
    scene()
    ChainAlarm.objects.create(kind="x", message="No.")
    HotKey.objects.create(role="RELAYER", address=TREASURY, balance_wei=1, fee_wei=1, looked_at=timezone.now())
    tallies.task(name="rewards.tasks.canary", outcome="succeeded", took_us=1)
    Client().get("/healthz")


def test_prometheus_own_linter_has_nothing_to_say_of_names_units_and_help():
    everything()
    done = subprocess.run(["promtool", "check", "metrics"], input=scrape.page(), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_metric_is_in_the_docs_and_the_docs_name_no_other():
    everything()
    shown = {name for name in scrape.families() if name.startswith("lamplight_")}
    documented = set(re.findall(r"^\| `(lamplight_\w+?)(?:_total)?`", DOCS.read_text(), re.MULTILINE))
    rare = {"lamplight_backup_age_seconds", "lamplight_quote_cells_lag_seconds", "lamplight_queue_oldest_seconds",
            "lamplight_replica_lag_seconds",
            "lamplight_provider_calls", "lamplight_provider_resting", "lamplight_provider_latency_seconds"}  # fmt: skip
    assert shown <= documented
    assert documented - shown <= rare
