"""The status page: harmless for strangers; for operators each part of the service with its state and what to do."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu import Connection

from accounts.models import User
from config import queues, replicas
from onchain.indexer import node
from onchain.models import Alarm, Cursor, HeadLease, Market, OutgoingTransaction, ProviderHealth
from rewards.models import Alarm as RewardsAlarm
from rewards.models import Delivery, HotKey, Notice, WorkerSeen
from rewards.services.claims import PURPOSE
from rewards.services.running import key_look, worker_seen
from rewards.tasks import canary
from tests.pages.factories import CHAIN_ID, CLOCK, TREASURY, clock, scene

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "operators.md"
HOST, SECRET_WORDS = "node.internal.example", "disk full on db-7"
ETHER = 10**18


def text_of(answer) -> str:
    body = answer.content.decode()
    main = body[body.index("<main") : body.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#x27;", "'")


def seen_by(role: str | None):
    client = Client()
    if role:
        client.force_login(User.objects.get_or_create(username=f"a {role}", defaults={"role": role})[0])
    return client.get(reverse("status"))


def lines(role: str = "operator") -> dict:
    return {line.name: line for line in seen_by(role).context["lines"]}


@pytest.fixture(autouse=True)
def own_queue(settings, tmp_path):
    """A queue of the test's own, with the transport that a machine without a broker uses."""
    settings.CELERY_BROKER_URL = "filesystem://"
    folders = {name: str(tmp_path / name) for name in ("queue", "done")}
    for folder in folders.values():
        Path(folder).mkdir()
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": folders["queue"], "data_folder_out": folders["queue"], "processed_folder": folders["done"],
        "store_processed": False, "control_folder": str(tmp_path / "control"),
    }  # fmt: skip


@pytest.fixture
def troubled():
    clock(CLOCK, markets=("AAPL-PERP", "TSLA-PERP"))
    Alarm.objects.create(kind="x", message=SECRET_WORDS)
    ProviderHealth.objects.create(name=HOST, answered=9, failed=5, resting=True, last_error="timed out", latency_ms=3)
    HeadLease.objects.create(chain_id=CHAIN_ID, token=1, holder="db-7:4711", renewed_at=timezone.now())
    HotKey.objects.create(
        role="RELAYER", address=TREASURY, balance_wei=ETHER // 1000, fee_wei=10**9, looked_at=timezone.now()
    )
    Market.objects.filter(name="TSLA-PERP").update(quarantined_block=7, quarantine_reason="Block 7, log 0: no.")


@pytest.mark.parametrize("role", [None, "provider", "maker"])
def test_strangers_learn_what_affects_them_and_no_host_balance_or_message(troubled, role):
    said = text_of(seen_by(role))
    assert "Something needs a person." in said
    assert "TSLA-PERP stands still and is being looked at." in said
    for secret in (HOST, SECRET_WORDS, "db-7", "4711", TREASURY, "How it runs", "Relayer"):
        assert secret not in said


def test_strangers_are_told_what_a_contract_did_and_not_what_stops_us_inside():
    made = scene()
    for code, message in (("unknown_proposal", "Somebody proposed 0x77."), ("rescoring", SECRET_WORDS)):
        RewardsAlarm.objects.create(program=made.program, code=code, subject="1", message=message)
    said = text_of(seen_by(None))
    assert ("Somebody proposed 0x77." in said, SECRET_WORDS in said) == (True, False)
    assert SECRET_WORDS in text_of(seen_by("operator"))


@pytest.mark.parametrize("role", ["treasurer", "reviewer", "guardian", "operator", "auditor"])
def test_who_watches_over_it_sees_hosts_messages_and_keys(troubled, role):
    said = text_of(seen_by(role))
    for word in (HOST, SECRET_WORDS, "db-7:4711", TREASURY):
        assert word in said
    # A state is a word, not only a colour.
    assert "Relayer’s key Look at it 0.0010 of the chain’s coin" in said


def test_a_key_that_runs_low_says_what_it_still_pays_for(troubled):
    # 0.001 coins at 1 gwei a unit of gas are 10**6 gas: ten collections of 100,000.
    line = lines()["Relayer’s key"]
    assert (line.state, "about 10 collections" in line.says, f"Send {TREASURY} more." in line.says) == (
        "look", True, True,
    )  # fmt: skip
    HotKey.objects.update(balance_wei=ETHER)
    assert lines()["Relayer’s key"].state == "well"
    HotKey.objects.update(gas_today=199_000_000)
    assert "The day’s budget is nearly used up" in lines()["Relayer’s key"].says


def test_every_line_of_the_page_is_explained_in_the_docs(settings, monkeypatch):
    scene()
    settings.REPLICA_DATABASE_URL = "postgres:///a-replica"
    monkeypatch.setattr(replicas.lag, "seconds", lambda: 0.0)
    headings = set(re.findall(r"^\| \*\*(.+?)\*\* \|", DOCS.read_text(), re.MULTILINE))
    names = {re.sub(r"^Queue (\w+): .*", "Queue", name) for name in lines()}
    assert names == headings


@pytest.mark.parametrize(
    ("behind_s", "now", "state", "says"),
    [
        (1.4, "1 second behind", "well", "Public pages are read from it."),
        (5.0, "5 seconds behind", "well", "Public pages are read from it."),
        (72.9, "1 minute 12 seconds behind", "look", "more than REPLICA_MAX_LAG_S (5). Public pages are read from the"),
        (None, "not known", "look", "does not answer, or is too far behind to tell. Public pages are read from the"),
    ],
)
def test_operators_are_told_how_far_the_replica_is_behind(settings, monkeypatch, behind_s, now, state, says):
    scene()
    assert "Replica for public pages" not in lines()
    settings.REPLICA_DATABASE_URL, settings.REPLICA_MAX_LAG_S = "postgres:///a-replica", 5
    monkeypatch.setattr(replicas.lag, "seconds", lambda: behind_s)
    line = lines()["Replica for public pages"]
    assert (line.now.replace("\xa0", " "), line.state, says in line.says) == (now, state, True)
    assert "Replica for public pages" not in text_of(seen_by("maker"))


def test_a_queue_tells_how_many_wait_and_since_when(settings):
    clock(CLOCK, markets=())
    with Connection("filesystem://", transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS) as broker:
        for number in range(3):
            broker.SimpleQueue("figures", queue_opts={"durable": False}).put({"number": number})
    found = {row.name: row for row in queues.queue_depths()}
    assert (found["figures"].waiting, found["scoring"].waiting, found["scoring"].oldest_s) == (3, 0, None)
    assert 0 <= found["figures"].oldest_s < 60
    assert lines()["Queue figures: Scorecards’ figures"].now.startswith("3 tasks waiting, the oldest for")


def test_a_broker_that_does_not_answer_is_said_and_the_page_still_comes(settings):
    clock(CLOCK, markets=())
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = "redis://127.0.0.1:9/0", {}
    line = lines()["Queue celery: Following the chain, epochs, notices"]
    assert (line.state, line.now) == ("look", "unknown")
    assert "Check CELERY_BROKER_URL." in line.says


def test_the_canary_says_which_worker_serves_a_queue_and_its_absence_says_that_none_does():
    clock(CLOCK, markets=())
    assert canary.apply(args=("relayer",)).successful()
    now = timezone.now()
    worker_seen(queue="scoring", worker="celery@old", now=now - dt.timedelta(hours=1))
    WorkerSeen.objects.create(queue="scoring", worker="celery@gone", seen_at=now - dt.timedelta(days=2))
    found = lines()
    assert (found["Queue relayer: Collections"].state, found["Queue scoring: Scoring"].state) == ("well", "look")
    assert "No worker has taken anything from it for 1\u00a0hour" in found["Queue scoring: Scoring"].says
    assert "within a day" in found["Queue figures: Scorecards’ figures"].says
    worker_seen(queue="scoring", worker="celery@new", now=now)
    assert not WorkerSeen.objects.filter(worker="celery@gone").exists()
    assert "celery@new took its canary" in lines()["Queue scoring: Scoring"].says


def test_a_key_is_looked_at_on_the_chain_by_the_worker_that_has_it(anvil, settings):
    clock(CLOCK, markets=())
    Cursor.objects.update(chain_id=CHAIN_ID)
    client, now = node(), timezone.now()
    try:
        for role in ("RELAYER", "PROPOSER"):
            key_look(client, role=role, now=now)
        relayer = HotKey.objects.get(role="RELAYER")
        assert relayer.balance_wei == int(anvil.rpc("eth_getBalance", relayer.address, "latest"), 16)
        OutgoingTransaction.objects.create(
            chain_id=CHAIN_ID, sender=relayer.address, nonce=0, purpose=f"{PURPOSE}x", to=TREASURY, data="0x",
            gas_limit=70_000, gas_used=61_234, tx_hash="0x12",
        )  # fmt: skip
        key_look(client, role="RELAYER", now=now + dt.timedelta(seconds=1))
        assert HotKey.objects.get(role="RELAYER").gas_today == 61_234
        # A worker without the key leaves what the one that has it wrote.
        settings.SIGNERS = {**settings.SIGNERS, "RELAYER": dict.fromkeys(settings.SIGNERS["RELAYER"], "")}
        key_look(client, role="RELAYER", now=now + dt.timedelta(days=3))
        assert HotKey.objects.get(role="RELAYER").gas_today == 61_234
    finally:
        client.close()


def test_a_node_that_does_not_answer_leaves_the_last_balance_and_says_why(settings):
    clock(CLOCK, markets=())
    HotKey.objects.create(role="PROPOSER", address=TREASURY, balance_wei=5, fee_wei=1, looked_at=timezone.now())
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    client = node()
    try:
        key_look(client, role="PROPOSER", now=timezone.now())
    finally:
        client.close()
    key = HotKey.objects.get()
    assert key.balance_wei == 5
    assert "127.0.0.1" in key.note
    assert lines()["Proposer’s key"].state == "look"


def test_tellings_that_wait_too_long_or_were_given_up_are_counted():
    clock(CLOCK, markets=())
    now, person = timezone.now(), User.objects.create_user(username="p")
    for number, (state, age) in enumerate((("waiting", 3600), ("waiting", -60), ("failed", -60), ("done", 60))):
        notice = Notice.objects.create(kind="webhook.test", key=str(number), at=now, data={})
        Delivery.objects.create(notice=notice, person=person, state=state, next_at=now - dt.timedelta(seconds=age))
    line = lines()["Notices"]
    assert (line.state, line.now) == ("look", "1 waiting, the oldest for 1\u00a0hour")
    assert "1 telling given up today" in line.says
