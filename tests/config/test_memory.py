"""A worker's process keeps nothing of tasks that failed, however many do."""

import gc
import logging
import weakref

import pytest
from celery import shared_task
from celery.app.trace import build_tracer

from config import celery


class Large:
    """What a task holds when it fails."""


@pytest.fixture(autouse=True)
def _only_we_collect(monkeypatch):
    monkeypatch.setitem(celery._LEFT, "collected_at_s", float("-inf"))
    monkeypatch.setitem(celery._LEFT, "behind", False)
    gc.collect()
    gc.disable()
    logging.disable()  # the tests' own record of what was logged keeps every traceback
    yield
    logging.disable(logging.NOTSET)
    gc.enable()


def run(task, number: str) -> None:
    """Run a task as a worker's child does."""
    build_tracer(task.name, task, app=celery.app)(number, (), {}, {"id": number})


def test_what_a_failed_task_held_is_thrown_away_before_the_next_one():
    seen = []

    @shared_task(name="tests.config.fails_with_much")
    def fails() -> None:
        held = Large()
        held.itself = held
        seen.append(weakref.ref(held))
        raise ValueError("as it happens")

    @shared_task(name="tests.config.goes_well")
    def goes_well() -> None:
        """Do nothing."""

    run(fails, "1")
    assert seen[0]() is not None
    run(goes_well, "2")
    assert seen[0]() is None
