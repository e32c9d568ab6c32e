"""The very commands of docker/compose.yml over real servers: an epoch to a claim, health, and an end in peace."""

import json
import threading
import time
import urllib.error
from datetime import datetime

import psutil
import pytest
from django.core.management import call_command

from rewards.demo import stage
from rewards.demo.makers import address_of
from tests.chain import calldata
from tests.deploy.setting_up import SLUG
from tests.deploy.stack import HOST, until

pytestmark = pytest.mark.e2e
STREAM = f"/api/v1/makers/alice/programmes/{SLUG}/epochs/2/live"


@pytest.fixture(scope="module")
def service(house):
    """Every process of compose.yml."""
    house.stack.start("web", "worker", "figures", "relayer", "beat", "follower")
    until(lambda: house.stack.is_alive("web"), "web answers")
    return house


def epoch(house, number: int = 1) -> dict:
    status, body = house.stack.ask(f"/api/v1/programmes/{SLUG}/epochs/{number}")
    return json.loads(body) if status == 200 else {}


def act(house, data: str, to: str) -> None:
    """Do something as the treasury, whose account the local chain holds."""
    node, treasury = house.chain.node, house.chain.accounts[stage.TREASURY]
    sent = node.call("eth_sendTransaction", {"from": treasury, "to": to, "data": data, "gas": hex(2_000_000)})
    house.tick()
    assert node.call("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_an_epoch_goes_its_way_to_a_claim_that_is_paid(service):
    proposed = until(
        lambda: (found := epoch(service)).get("state") == "proposed" and found, "a proposal", poke=service.tick
    )
    amount, digest = int(proposed["paid_raw"]), bytes.fromhex(proposed["digest"][2:])
    assert amount > 0
    act(
        service,
        calldata("approve(address,uint256)", ("address", "uint256"), (service.made.distributor, amount)),
        service.made.token,
    )
    act(service, calldata("approve(uint256,bytes32)", ("uint256", "bytes32"), (1, digest)), service.made.distributor)
    until(lambda: epoch(service).get("state") == "active", "the root that pays", poke=service.tick)
    account = address_of("alice pay")
    collect(service, account)

    def balance() -> int:
        return service.chain.read_int(name="reward_token", to=service.made.token, function="balanceOf", args=[account])

    until(lambda: balance() > 0, "the claim's payment", poke=service.tick)
    assert balance() < amount


def collect(house, account: str) -> None:
    """Press the button as a browser does: with the page's cookie and token."""
    with house.stack.open(f"/collect/{account}/") as page:
        token = page.headers["Set-Cookie"].split(";")[0].partition("=")[2]
    with house.stack.open(
        f"/collect/{account}/from/{SLUG}/", data=b"", Cookie=f"__Host-csrf={token}", X_CSRFToken=token,
        Referer=f"https://{HOST}/", Origin=f"https://{HOST}",
    ) as answer:  # fmt: skip
        assert answer.status == 200


@pytest.mark.parametrize("name", ["web", "worker", "figures", "relayer", "beat", "follower"])
def test_every_process_says_that_it_is_alive_to_its_container_s_question(service, name):
    until(lambda: service.stack.is_alive(name), f"{name} is alive", poke=service.tick)


def test_a_process_that_hangs_is_not_alive_for_long(service):
    """What the file says is all that counts: one whose time is over is the sign of one that hangs."""
    life = service.stack.root / "relayer.alive"
    assert time.monotonic() < float(life.read_text()) < time.monotonic() + 91
    service.stack.start("relayer.hung", more={"LIFE_FILE": str(service.stack.root / "relayer.hung.alive")})
    assert not service.stack.is_alive("relayer.hung")
    service.stack.stop("relayer.hung")


def test_ready_says_what_is_not_there_and_alive_does_not_care(service):
    stack = service.stack
    assert stack.ask("/readyz") == (200, "database: ok\nqueue: ok\n")
    stack.queue.stop()
    assert stack.ask("/readyz") == (503, "database: ok\nqueue: does not answer\n")
    stack.database.stop()
    assert stack.ask("/readyz") == (503, "database: does not answer\nqueue: does not answer\n")
    assert stack.ask("/healthz") == (200, "ok\n")
    assert stack.is_alive("web")
    stack.database.start()
    stack.queue.start(stack.secrets)
    until(lambda: stack.ask("/readyz")[0] == 200, "ready again")
    stack.restart_dead()
    assert epoch(service)["number"] == 1


def test_machines_may_ask_without_tls_and_people_are_sent_to_it(service):
    for path in ("/healthz", "/readyz"):
        assert service.stack.ask(path, X_Forwarded_Proto="http")[0] == 200
    token = (service.stack.secrets / "metrics_token").read_text()
    scraped = service.stack.ask("/metrics", Host="web:8000", X_Forwarded_Proto="http", Authorization=f"Bearer {token}")
    assert scraped[0] == 200
    with pytest.raises(urllib.error.URLError):  # it is sent to https://, where nothing listens here
        service.stack.ask("/", X_Forwarded_Proto="http")


def test_a_backup_is_made_while_everything_runs(service):
    stack = service.stack
    stack.run("backup")
    (made,) = (stack.root / "backups").iterdir()
    assert made.name.startswith("lamplight-")
    call_command("check_backup", str(made))
    epochs = json.loads((made / "manifest.json").read_text())["epochs"]
    assert [(each["number"], each["state"]) for each in epochs] == [(1, "active"), (2, "live")]


def test_migrate_gives_up_soon_when_somebody_holds_a_lock_and_says_so(service):
    """Whoever waits for a lock on a table holds up everybody who comes after, so a migration must not wait long."""
    stack = service.stack
    with stack.database.session() as session:
        session.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        done = stack.tried("migrate")
        session.rollback()
    assert done.returncode == 1
    assert "Somebody holds a lock that a migration needs" in done.stderr
    assert "Run migrate again" in done.stderr
    assert stack.tried("migrate").returncode == 0


def test_web_answers_what_it_was_asked_and_sends_readers_home_before_it_ends(service):
    stack = service.stack
    stream = stack.open(STREAM, Authorization=f"Bearer {service.key}")
    assert stream.readline() == b"retry: 3000\n"
    answers = []
    with stack.database.session() as session:
        # The collect page asks for it, the stream does not.
        session.execute("LOCK TABLE rewards_claimrequest IN ACCESS EXCLUSIVE MODE")
        page = f"/collect/{address_of('alice pay')}/"
        asking = threading.Thread(target=lambda: answers.append(stack.ask(page)))
        asking.start()
        until(lambda: waits_for_a_lock(stack, "rewards_claimrequest"), "a request that waits")
        web = stack.running["web"]
        web.terminate()
        rest = stream.read()  # ends when the server closes it, while the other request still waits
        assert web.poll() is None
        session.rollback()
    asking.join()
    assert answers[0][0] == 200
    assert b"event: standing" in rest
    assert web.wait(stack.grace_s("web")) in (0, -15)
    assert "Cancel" not in stack.log("web")
    del stack.running["web"]
    stack.start("web")
    until(lambda: stack.is_alive("web"), "web answers again")


def waits_for_a_lock(stack, table: str, *, least: int = 1) -> bool:
    """Whether so many sessions of ours wait for the table; asked anew each time: a transaction sees one answer."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    with stack.database.session() as session:
        return session.execute(query, [table]).fetchone()[0] >= least


def test_a_worker_that_is_told_to_stop_gives_back_what_does_not_end_in_time(service):
    stack = service.stack
    with stack.database.session() as session:
        session.execute("LOCK TABLE rewards_program IN ACCESS EXCLUSIVE MODE")
        # One of them may be the relayer's and one that of the figures; both processes of the worker soon wait too.
        until(lambda: waits_for_a_lock(stack, "rewards_program", least=3), "tasks that wait")
        assert stack.stop("worker") == 0
        queue = stack.queue.client()
        assert not {"celery", "scoring"} & {json.loads(each)[2] for each in queue.hvals("unacked")}
        waiting = [json.loads(each) for each in queue.lrange("celery", 0, -1)]
        assert [each["headers"]["task"] for each in waiting if each["properties"]["delivery_info"].get("redelivered")]
        session.rollback()
    stack.start("worker")


def test_a_worker_s_child_that_took_too_much_memory_is_replaced_and_its_work_goes_on(service):
    stack = service.stack
    assert stack.stop("worker") in (0, -15)  # it may have been started just before
    stack.start("worker", more={"WORKER_MEMORY_MIB": "1"})
    worker = psutil.Process(stack.running["worker"].pid)
    with stack.database.session() as session:
        session.autocommit = True

        def last_seen() -> datetime:
            query = "SELECT coalesce(max(seen_at), 'epoch') FROM rewards_workerseen WHERE worker LIKE 'worker@%'"
            return session.execute(query).fetchone()[0]

        before = last_seen()
        first = until(lambda: {child.pid for child in worker.children()}, "children")
        until(lambda: {child.pid for child in worker.children()}.isdisjoint(first), "other children")
        until(lambda: last_seen() > before, "a task that is done by them", poke=service.tick)
    assert worker.is_running()
    assert stack.stop("worker") == 0
    stack.start("worker")


def test_a_follower_that_is_told_to_stop_leaves_its_place_to_the_next_at_once(service):
    stack = service.stack
    with stack.database.session() as session:
        session.autocommit = True

        def holder() -> tuple[str, int]:
            return session.execute("SELECT holder, token FROM onchain_headlease").fetchone()

        def follows(name: str) -> bool:
            return holder()[0].endswith(f"process {stack.running[name].pid}")

        # Beat has workers follow the head while nobody does, and there are two here who can.
        assert stack.stop("beat") in (0, -15)
        stack.restart_dead()
        until(lambda: follows("follower"), "the first one follows", poke=service.tick)
        stack.start("follower.second")
        until(lambda: stack.is_alive("follower.second"), "the second one stands by", poke=service.tick)
        turn = holder()[1]
        assert stack.stop("follower") == 0
        until(lambda: follows("follower.second"), "the second one follows", patience_s=10)
        assert holder()[1] > turn
        service.tick()
        newest = service.chain.head()[0]
        until(
            lambda: session.execute("SELECT block_number FROM onchain_cursor").fetchone()[0] >= newest, "the new block"
        )


def test_processes_end_within_their_grace_period(service):
    statuses = {name: service.stack.stop(name) for name in ("figures", "relayer", "worker", "follower.second", "web")}
    assert set(statuses.values()) <= {0, -15}, statuses
