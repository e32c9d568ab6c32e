"""A scorecard that stays open is told of news by the database, through a real server, and by nothing else."""

import gc
import json
import threading
import warnings
from datetime import timedelta
from http.client import HTTPConnection

import pytest
import uvicorn
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.sign_in import sessions_end_all
from config.embedded.layout import free_port
from rewards.models import Epoch, LiveStanding
from rewards.services.announcing import announce, epoch_topic
from rewards.views.live import stream as stream_page
from tests.pages.factories import scene

pytestmark = pytest.mark.django_db(transaction=True)


class Stream:
    """A browser that follows a scorecard."""

    def __init__(self, port: int, person: object, path: str) -> None:
        client = Client()
        client.force_login(person)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.connection = HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request("GET", path, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"})
        self.answer = self.connection.getresponse()

    def next(self) -> dict:
        """Wait for the next standing."""
        while line := self.answer.readline().decode():
            if line.startswith("data: "):
                return json.loads(line[6:])
        raise EOFError

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def server():
    """The real application server, in this process, on the tests' database."""
    port = free_port()
    running = uvicorn.Server(
        uvicorn.Config(
            get_asgi_application(), port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        threading.Event().wait(0.02)
    yield port
    running.should_exit = True
    thread.join()
    with warnings.catch_warnings():
        # What the server's threads left open when they were stopped in the middle of a stream.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def stage():
    return scene()


def path_of(stage) -> str:
    return f"/makers/aurora/{stage.program.slug}/{stage.live.number}/live"


def double(stage, *, tell: bool) -> None:
    with transaction.atomic():
        for row in LiveStanding.objects.filter(epoch=stage.live, maker="aurora"):
            row.estimate *= 2
            row.save()
        if tell:
            announce(epoch_topic(stage.live.pk))


def test_an_open_scorecard_shows_the_standing_at_once_and_again_when_it_has_changed(server, stage):
    stream = Stream(server, stage.people["maker"], path_of(stage))
    assert stream.answer.status == 200
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    first = stream.next()
    whole = sum(LiveStanding.objects.filter(epoch=stage.live, maker="aurora").values_list("estimate", flat=True))
    assert int(first["payout_raw"]) == whole
    assert not first["over"]
    double(stage, tell=True)
    assert int(stream.next()["payout_raw"]) == 2 * whole
    stream.close()


def test_readers_who_listen_through_a_connection_that_broke_are_told_what_they_missed(server, stage):
    stream = Stream(server, stage.people["maker"], path_of(stage))
    before = int(stream.next()["payout_raw"])
    with connection.cursor() as cursor:
        # Until the server listens; it says so in the database.
        for _ in range(200):
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
            )
            if found := cursor.fetchone():
                break
            threading.Event().wait(0.05)
        cursor.execute("SELECT pg_terminate_backend(%s)", [found[0]])
    # Said to nobody: the listener is gone.
    double(stage, tell=True)
    assert int(stream.next()["payout_raw"]) == 2 * before
    stream.close()


def test_when_the_epoch_is_over_the_stream_says_so_and_ends(server, stage):
    stream = Stream(server, stage.people["maker"], path_of(stage))
    stream.next()
    Epoch.objects.filter(pk=stage.live.pk).update(state=Epoch.State.SCORED, paid_total=0)
    announce(epoch_topic(stage.live.pk))
    assert stream.next()["over"]
    with pytest.raises(EOFError):
        stream.next()
    stream.close()


def test_twenty_readers_share_one_listener(server, stage):
    streams = [Stream(server, stage.people["maker"], path_of(stage)) for _ in range(20)]
    for stream in streams:
        stream.next()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (connections,) = cursor.fetchone()
    # This test's own, the listener, and those of threads that looked a moment ago.
    assert connections < 12
    double(stage, tell=True)
    assert len({stream.next()["payout_raw"] for stream in streams}) == 1
    for stream in streams:
        stream.close()


def test_another_makers_member_and_a_stranger_are_turned_away(server, stage):
    other = Stream(server, stage.people["other_maker"], path_of(stage))
    assert other.answer.status == 403
    other.close()
    assert Client().get(path_of(stage)).status_code == 302


@pytest.mark.parametrize("gone", ["left the maker", "signed out", "signed out everywhere", "time is over"])
def test_who_may_not_look_any_more_is_sent_nothing_more(server, stage, monkeypatch, gone):
    monkeypatch.setattr(stream_page, "ASK_AGAIN_S", 0.0)
    person = stage.people["maker"]
    stream = Stream(server, person, path_of(stage))
    assert not stream.next()["over"]
    if gone == "left the maker":
        stage.makers["aurora"].members.remove(person)
    elif gone == "signed out":
        Session.objects.all().delete()
    elif gone == "time is over":
        # Kept until somebody clears it away.
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    else:
        sessions_end_all(person=person)
    double(stage, tell=True)
    with pytest.raises(EOFError):
        stream.next()
    stream.close()
