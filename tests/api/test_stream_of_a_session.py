"""A page's session follows the API's stream on a real server for as long as the session and the role last."""

import pytest

from accounts.models import User
from accounts.sign_in import session_end, sessions_end_all
from rewards.api import live
from tests.api.test_access_of_api import url_of
from tests.pages.factories import Scene
from tests.pages.test_access import person_of
from tests.pages.test_live_pages import Stream, double, server

__all__ = ["server"]
pytestmark = pytest.mark.django_db(transaction=True)


def end_this_one(person: User) -> None:
    session_end(person=person, sign_in=person.sign_ins.get().pk)


def end_all(person: User) -> None:
    sessions_end_all(person=person)


def leave(person: User) -> None:
    person.makers.get().members.remove(person)


def test_a_session_that_goes_on_is_sent_the_news(stage, server, monkeypatch):
    monkeypatch.setattr(live, "ASK_AGAIN_S", 0.0)
    stream = Stream(server, person_of("own maker"), url_of("live", number=3))
    assert stream.answer.status == 200
    before = int(stream.next()["payout_raw"])
    double(stage, tell=True)
    assert int(stream.next()["payout_raw"]) == 2 * before
    stream.close()


@pytest.mark.parametrize("gone", [end_this_one, end_all, leave])
def test_a_sign_out_elsewhere_ends_the_stream_when_it_is_asked_again(stage, server, monkeypatch, gone):
    monkeypatch.setattr(live, "ASK_AGAIN_S", 0.0)
    person = person_of("own maker")
    stream = Stream(server, person, url_of("live", number=3))
    assert stream.next()["maker"] == "aurora"
    gone(person)
    # News that was on its way when the session ended may still come; whoever is asked after that is turned away.
    with pytest.raises(EOFError):
        twice_news(stage, stream)
    stream.close()


def twice_news(stage: Scene, stream: Stream) -> None:
    for _ in range(2):
        double(stage, tell=True)
        stream.next()
