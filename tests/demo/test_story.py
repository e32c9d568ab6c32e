"""What the demo says while its service works longer than a minute."""

import io

import pytest

from rewards.demo import programme, story
from rewards.demo.errors import TooSlowError
from rewards.demo.terminal import Terminal
from rewards.models import Epoch
from tests.pages.factories import WEEKS, make_epoch, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown():
    return io.StringIO()


@pytest.fixture
def demo(monkeypatch, shown, tmp_path):
    """A demo of which only the waiting is looked at: its seconds pass at once."""
    monkeypatch.setattr(story.Story, "live_second", lambda self: None)
    monkeypatch.setattr(story, "TELL_EVERY_S", -1)
    supervisor = type("Supervisor", (), {"root": tmp_path})()
    program = make_program()
    for number in (1, 2):
        make_epoch(program, number, *WEEKS[number - 1 : number + 1])
    program.epochs.filter(number=1).update(state=Epoch.State.LIVE)
    return story.Story(
        chain=None, sequencer=None, program=program, flow=None, supervisor=supervisor,
        terminal=Terminal(out=shown), attestor=None, plan=programme.SMALL, now_s=0,
    )  # fmt: skip


def test_whoever_waits_is_told_how_far_each_epoch_is_and_why_it_may_take_long(demo, shown):
    answers = iter([False, True])
    demo.wait("both days", lambda: next(answers), within_s=60, between=lambda: None)
    assert "Still at work: day 1 is live, day 2 is scheduled. The first time on a machine" in shown.getvalue()
    assert shown.getvalue().count("\n") == 1


def test_who_has_waited_in_vain_is_told_what_for_and_where_to_look(demo, tmp_path):
    with pytest.raises(TooSlowError, match=rf"both days.*{tmp_path}/logs/worker.log"):
        demo.wait("both days", lambda: False, within_s=0, between=lambda: None)
