"""Beat on a machine whose clock is set back: it goes on poking."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from celery.schedules import schedule

from config.beat import Scheduler

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Clock(Scheduler):
    """The scheduler, which writes down what it sends."""

    def setup_schedule(self) -> None:
        self.sent: list[str] = []
        self.data = {}
        self.merge_inplace(self.app.conf.beat_schedule)

    def apply_entry(self, entry, producer=None) -> None:
        self.sent.append(entry.name)

    @property
    def schedule(self):
        return self.data

    def sync(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def app(monkeypatch):
    app = Celery("tests", set_as_current=False)
    app.conf.timezone, app.conf.broker_url = "UTC", "memory://"
    now = [NOON]
    app.conf.beat_schedule = {
        name: {"task": name, "schedule": schedule(timedelta(seconds=seconds), nowfun=lambda: now[0], app=app)}
        for name, seconds in (("often", 1), ("seldom", 20))
    }
    monkeypatch.setattr(app, "now", lambda: now[0])
    app.clock_of_tests = now
    return app


def ticks(beat: Clock, clock: list[datetime], *, seconds: int) -> list[str]:
    """Let so much time pass, a second at a time, and return what was sent."""
    beat.sent.clear()
    for _ in range(seconds):
        clock[0] += timedelta(seconds=1)
        for _ in range(5):
            beat.tick()
    return beat.sent


def test_a_clock_that_is_set_back_an_hour_silences_no_entry(app):
    clock = app.clock_of_tests
    beat = Clock(app, lazy=True)
    beat.setup_schedule()
    before = ticks(beat, clock, seconds=60)
    clock[0] -= timedelta(hours=1)
    after = ticks(beat, clock, seconds=60)
    for name, fewest in (("often", 50), ("seldom", 2)):
        assert before.count(name) >= fewest
        assert after.count(name) >= fewest
