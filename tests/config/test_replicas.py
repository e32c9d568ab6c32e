"""Public pages are read from a replica, all else from the primary; a replica that lags or fails is not read from."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import replicas
from config.embedded import postgres, roles
from config.embedded.layout import free_port, socket_dir
from rewards.models import Program
from tests.pages.factories import scene
from tests.pages.tour import make_stage, stops

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])
REPLICA = replicas.REPLICA


@pytest.fixture
def lag(monkeypatch):
    """A fresh measurement for each test."""
    fresh = replicas.Lag()
    monkeypatch.setattr(replicas, "lag", fresh)
    return fresh


@pytest.fixture
def second(settings, lag, monkeypatch):
    """The replica's name leads to a second connection to the same database, as if nothing ever lagged."""
    monkeypatch.setattr(lag, "seconds", lambda: 0.0)
    yield from _named(settings, {})


def _named(settings, changes):
    settings.REPLICA_DATABASE_URL = "postgres:///set-in-the-test"
    replica = connections[REPLICA]
    before = {name: replica.settings_dict[name] for name in changes}
    replica.close()
    replica.settings_dict.update(changes)
    yield replica
    replica.close()
    replica.settings_dict.update(before)


def aliases(ask) -> tuple[int, int]:
    """How many queries a call asks of the primary and of the replica."""
    with CaptureQueriesContext(connections["default"]) as primary, CaptureQueriesContext(connections[REPLICA]) as copy:
        ask()
    ours = [each for each in primary if "pg_wal_lsn_diff" not in each["sql"]]
    theirs = [each for each in copy if "pg_wal_lsn_diff" not in each["sql"]]
    return len(ours), len(theirs)


@pytest.fixture(scope="module")
def real_replica(tmp_path_factory, django_db_setup, django_db_blocker):
    """A streaming replica of the tests' server, made by pg_basebackup as an operator makes one."""
    from django.conf import settings

    folder = tmp_path_factory.mktemp("replica")
    home, sockets, port = folder / "data", Path(f"/tmp/lr-{os.getpid()}"), free_port()
    who: dict = {}
    sockets.mkdir(mode=0o700)
    if os.geteuid() == 0:
        entry = pwd.getpwnam(postgres.ACCOUNT)
        who = {"user": postgres.ACCOUNT, "group": postgres.ACCOUNT, "extra_groups": []}
        for path in (folder, sockets):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        for path in folder.parents:
            if not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o001)

    def run(program: str, *args: str) -> None:
        with (folder / f"{program}.log").open("wb") as log:
            subprocess.run(
                [str(postgres.programs() / program), *args], check=True, stdout=log, stderr=log, cwd="/tmp", **who
            )

    host = str(socket_dir(settings.DATA_DIR))
    run("pg_basebackup", "-h", host, "-U", roles.SUPERUSER, "-D", str(home), "-R", "-c", "fast", "-X", "stream")
    flags = f"-c unix_socket_directories={sockets} -c listen_addresses='' -c port={port} -c fsync=off"
    # A standby must allow as many connections as its primary does.
    flags += " -c max_connections=120"
    run("pg_ctl", "-w", "-D", str(home), "-l", str(folder / "server.log"), "-o", flags, "start")
    yield {"HOST": str(sockets), "PORT": str(port)}
    run("pg_ctl", "-D", str(home), "-m", "immediate", "stop")
    shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture
def replica(settings, lag, real_replica):
    # As in a service: what is committed is in the log. The tests' server writes it there a little later.
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    yield from _named(settings, real_replica)
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")


def superuser(alias: str) -> psycopg.Connection:
    entry = connections[alias].settings_dict
    return psycopg.connect(
        host=entry["HOST"], port=entry["PORT"] or None, user=roles.SUPERUSER, dbname=entry["NAME"], autocommit=True
    )


@contextmanager
def standing_still() -> Iterator[psycopg.Connection]:
    """Have the replica replay nothing inside."""
    with superuser(REPLICA) as session:
        session.execute("SELECT pg_wal_replay_pause()")
        try:
            while session.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                time.sleep(0.02)
            yield session
        finally:
            session.execute("SELECT pg_wal_replay_resume()")


def caught_up(lag) -> bool:
    for _ in range(200):
        behind = lag.seconds()
        if behind is not None and behind < 1.5:
            return True
        time.sleep(0.05)
        lag._asked_at = float("-inf")
    return False


def test_every_page_is_read_from_where_its_name_says(second):
    tour = stops(make_stage())
    from_replica = {stop.name for stop in tour if aliases(lambda stop=stop: stop.client.get(stop.path))[1]}
    pages = {name for name in replicas.MAY_BE_STALE if not name.startswith("api:")}
    # The tour opens one of them twice, and a file is not in it.
    assert from_replica == pages - {"programme-history"} | {"epoch that is live"}


def test_a_public_route_of_the_api_is_read_from_the_replica_unless_a_key_asks(second):
    made = scene()
    path = reverse("api:leaderboard", args=[made.program.slug, 1])
    assert aliases(lambda: Client().get(path))[1] > 0
    assert aliases(lambda: Client().get(path, headers={"authorization": "Bearer lamp_x"}))[1] == 0


def test_who_has_just_changed_something_reads_from_the_primary_for_a_while(second):
    scene()
    browser, page = Client(), reverse("home")
    assert aliases(lambda: browser.get(page))[1] > 0
    browser.post(reverse("accounts:login"), {"username": "x", "password": "y"})
    assert browser.cookies[replicas.WROTE]["max-age"] == replicas.WROTE_FOR_S
    assert aliases(lambda: browser.get(page))[1] == 0
    assert aliases(lambda: Client().get(page))[1] > 0


def test_who_somebody_is_comes_from_the_primary(second):
    made = scene()
    browser = Client()
    browser.force_login(made.people["treasurer"])
    with CaptureQueriesContext(connections[REPLICA]) as copy:
        browser.get(reverse("home"))
    assert len(copy) > 0
    tables = ('FROM "accounts_user"', 'FROM "django_session"', 'FROM "mfa_authenticator"')
    asked = [each["sql"] for each in copy if any(table in each["sql"] for table in tables)]
    assert asked == []


def test_without_the_setting_there_is_no_second_database(settings):
    assert settings.REPLICA_DATABASE_URL == ""
    scene()
    answer = Client().get(reverse("home"))
    assert answer.status_code == 200
    assert replicas.WROTE not in Client().post(reverse("accounts:login"), {}).cookies


def test_a_page_shows_what_a_real_replica_has_and_a_lagging_one_is_left_alone(replica, lag, settings):
    made = scene()
    assert caught_up(lag)
    page = reverse("programme", args=[made.program.slug])
    with standing_still() as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        Program.objects.update(name="Renamed since")
        settings.REPLICA_MAX_LAG_S = 600
        lag._asked_at = float("-inf")
        before = Client().get(page).content.decode()
        assert made.program.name in before
        assert "Renamed since" not in before
        # What it lacks was written a second ago or more: with a limit below that, the primary is asked.
        settings.REPLICA_MAX_LAG_S = 0
        time.sleep(0.05)
        lag._asked_at = float("-inf")
        assert "Renamed since" in Client().get(page).content.decode()
        assert lag.seconds() > 0
    settings.REPLICA_MAX_LAG_S = 600
    assert caught_up(lag)
    assert aliases(lambda: Client().get(page))[1] > 0
    assert "Renamed since" in Client().get(page).content.decode()


def test_a_replica_that_dies_under_a_request_costs_nobody_an_answer(replica, lag):
    made = scene()
    assert caught_up(lag)
    page = reverse("programme", args=[made.program.slug])
    assert Client().get(page).status_code == 200
    # Its connections are cut between the look at the lag and the page's first query.
    with superuser(REPLICA) as session:
        session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lamplight'")
    lag._asked_at = time.monotonic() + 60
    answer = Client().get(page)
    assert answer.status_code == 200
    assert made.program.name in answer.content.decode()
    assert lag.seconds() is None
    assert connection.alias == "default"
