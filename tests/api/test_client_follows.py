"""The Python client follows a live epoch of the real server over a wire that is cut: nothing lost, nothing twice."""

import json
import queue
import sys
import threading
import time

import httpx
import pytest
from django.utils import timezone

from accounts.api_keys import api_key_revoke
from accounts.models import ApiKey, Maker, User
from rewards.api import live
from rewards.models import Epoch, LiveStanding
from rewards.services.announcing import announce, epoch_topic
from tests.api.asking import by_key
from tests.api.test_client import CLIENT, Service, problem
from tests.api.wire import Wire, wired
from tests.pages.test_live_pages import double, server

__all__ = ["server"]
pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 30


@pytest.fixture(scope="module", autouse=True)
def importable():
    sys.path.insert(0, str(CLIENT))
    yield
    sys.path.remove(str(CLIENT))
    for name in [each for each in sys.modules if each.split(".")[0] == "lamplight_client"]:
        del sys.modules[name]


@pytest.fixture
def wire(server):
    with wired(server) as made:
        yield made


class Follower:
    """A program that follows aurora's standing; `slept` has each wait, none of which takes long."""

    def __init__(self, wire: Wire, key: str, *, number: int = 3, **how: object) -> None:
        from lamplight_client import Lamplight

        self.slept: list[float] = []
        self._came: queue.Queue = queue.Queue()
        self._lamp = Lamplight(f"http://127.0.0.1:{wire.port}", key=key, sleep=self._sleep, **how)
        self._thread = threading.Thread(target=self._follow, args=[number])
        self._thread.start()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(0.05)

    def _follow(self, number: int) -> None:
        try:
            for standing in self._lamp.live("aurora", "us-equity-perps", number):
                self._came.put(standing)
            self._came.put("the end")
        except Exception as error:  # handed to the test, which says which it must be
            self._came.put(error)
        finally:
            self._lamp.close()

    def next(self):
        """Wait for what comes next: a standing, an error, or the end."""
        return self._came.get(timeout=WAIT_S)

    def has_more(self) -> bool:
        return not self._came.empty()

    def end(self) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


def until(condition) -> None:
    ends_at = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends_at, "it did not come about"
        time.sleep(0.02)


def score(stage) -> None:
    """End the epoch with nothing to pay, and say so."""
    Epoch.objects.filter(pk=stage.live.pk).update(state=Epoch.State.SCORED, paid_total=0)
    announce(epoch_topic(stage.live.pk))


def test_a_stream_that_is_cut_goes_on_with_the_newest_and_says_nothing_twice(stage, wire):
    estimates = LiveStanding.objects.filter(epoch=stage.live, maker="aurora").values_list("estimate", flat=True)
    whole = sum(estimates)
    program = Follower(wire, by_key("own maker", "read:own").key, tries=8)
    assert program.next().payout_raw == whole
    # Nothing changed while it was cut: the new stream's first word is known.
    wire.cut()
    until(lambda: wire.events == 2)
    double(stage, tell=True)
    assert program.next().payout_raw == 2 * whole
    # It changes twice while nobody hears it: the newest counts.
    wire.down()
    double(stage, tell=True)
    double(stage, tell=True)
    wire.up()
    assert program.next().payout_raw == 8 * whole
    # Half of an event is none.
    wire.breaks_next_event = True
    double(stage, tell=True)
    assert program.next().payout_raw == 16 * whole
    # The last word breaks off, and by then the epoch is over.
    wire.breaks_next_event = True
    score(stage)
    last = program.next()
    assert (last.payout_raw, last.is_estimate) == (0, False)
    assert program.next() == "the end"
    assert not program.has_more()
    program.end()
    # The server asks for three seconds (`retry: 3000`); each cut was one break.
    assert program.slept[0] == 3.0


def revoke(_stage) -> None:
    key = ApiKey.objects.get()
    api_key_revoke(by=key.person, number=key.pk, now=timezone.now())


def leave(_stage) -> None:
    Maker.objects.get(slug="aurora").members.remove(User.objects.get(username="a own maker"))


@pytest.mark.parametrize(("change", "error"), [(revoke, "KeyRefusedError"), (leave, "NotAllowedError")])
def test_who_may_not_look_any_more_gets_nothing_more_and_the_reason_at_once(stage, wire, monkeypatch, change, error):
    monkeypatch.setattr(live, "ASK_AGAIN_S", 0.0)
    program = Follower(wire, by_key("own maker", "read:own").key)
    program.next()
    change(stage)
    double(stage, tell=True)
    assert type(program.next()).__name__ == error
    program.end()
    # Once more after the stream's end, or the question whether the epoch goes on; and no try after the refusal.
    assert wire.live() <= 2
    assert program.slept in ([], [3.0])


@pytest.mark.parametrize(
    ("key", "number", "error"),
    [("own maker", 9, "NotFoundError"), ("other maker", 3, "NotAllowedError"), ("nobody", 3, "KeyRefusedError")],
)
def test_what_the_service_refuses_is_an_error_after_one_request(stage, wire, key, number, error):
    text = "lamp_" + "a" * 12 + "_" + "b" * 43 if key == "nobody" else by_key(key, "read:own").key
    program = Follower(wire, text, number=number)
    assert type(program.next()).__name__ == error
    program.end()
    assert (len(wire.asked), program.slept) == (1, [])


def test_a_service_that_stays_away_ends_in_an_error_after_waits_that_are_bounded(stage, wire):
    program = Follower(wire, by_key("own maker", "read:own").key, tries=3, longest_wait_s=4.0)
    program.next()
    wire.down()
    try:
        assert type(program.next()).__name__ == "ConnectionFailedError"
        program.end()
    finally:
        wire.up()
    # Three seconds as the server said, twice that but four at most; within each, the tries of one request.
    assert program.slept == [3.0, 0.5, 1.0, 4.0, 0.5, 1.0]


def test_a_service_that_is_too_busy_is_asked_again_when_it_says_so(stage, wire, settings):
    settings.API_LIMIT_SIGNED_IN = 0
    key = by_key("own maker", "read:own").key
    impatient = Follower(wire, key)
    refused = impatient.next()
    assert type(refused).__name__ == "TooManyRequestsError"
    impatient.end()
    assert (len(wire.asked), impatient.slept) == (1, [])
    patient = Follower(wire, key, longest_wait_s=400)
    until(lambda: patient.slept)
    settings.API_LIMIT_SIGNED_IN = 1000
    assert patient.next().maker == "aurora"
    assert 0 < patient.slept[0] <= refused.retry_after_s <= 300
    score(stage)
    assert not patient.next().is_estimate
    assert patient.next() == "the end"
    patient.end()


STANDING = {
    "programme": "p", "epoch": 3, "maker": "aurora", "is_estimate": False, "rank": 1, "makers": 1, "payout_raw": "7",
    "accrued_raw": "7", "share_ppm": 1, "carried_out_raw": "0", "as_of_ms": 1, "as_of": "2026-01-01T00:00:00Z",
    "age_ms": 0, "token_symbol": "LAMP", "token_decimals": 6,
}  # fmt: skip


def events(*texts: str) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text="".join(texts))


def test_a_proxys_502_is_waited_out_and_a_page_that_is_no_stream_is_an_error():
    from lamplight_client import UnexpectedAnswerError

    said = f"retry: 2000\n\nevent: standing\ndata: {json.dumps(STANDING)}\n\n"
    service = Service(events("retry: 5000\n\n"), *[httpx.Response(502)] * 4, events(said))
    assert [each.payout_raw for each in service.client().live("aurora", "p", 3)] == [7]
    # A stream that ended without a word: five seconds; the request's own tries; then twice five.
    assert service.slept == [5.0, 0.5, 1.0, 2.0, 10.0]
    page = httpx.Response(200, headers={"Content-Type": "text/html"}, text="data: hello\n\n")
    with pytest.raises(UnexpectedAnswerError, match="no stream of events"):
        list(Service(page).client().live("aurora", "p", 3))
    with pytest.raises(UnexpectedAnswerError, match="not JSON"):
        list(Service(events("data: {\n\n")).client().live("aurora", "p", 3))


def test_streams_that_end_without_a_word_are_not_opened_for_ever():
    from lamplight_client import ConnectionFailedError, NotFoundError

    service = Service(*[events("retry: 60000\n\n")] * 4)
    with pytest.raises(ConnectionFailedError, match="before it said anything"):
        list(service.client().live("aurora", "p", 3))
    assert (len(service.asked), service.slept) == (4, [30.0] * 3)
    with pytest.raises(NotFoundError):
        list(Service(problem(404, "not_found")).client().live("aurora", "p", 3))
