"""Counts every run of a task, however it ended, and how long it took."""

import time
from typing import Any, Final

from celery.signals import task_postrun, task_prerun, worker_process_shutdown, worker_shutdown

from rewards.services.tallies import store_at_the_end, tallies

OUTCOMES: Final = {"SUCCESS": "succeeded", "RETRY": "retried"}
_BEGUN_NS: dict[str, int] = {}


@task_prerun.connect
def _begin(task_id: str = "", **_: Any) -> None:
    _BEGUN_NS[task_id] = time.perf_counter_ns()


@task_postrun.connect
def _end(task_id: str = "", task: Any = None, state: str | None = None, **_: Any) -> None:
    if (begun_ns := _BEGUN_NS.pop(task_id, None)) is not None:
        outcome = OUTCOMES.get(state or "", "failed")
        tallies.task(name=task.name, outcome=outcome, took_us=(time.perf_counter_ns() - begun_ns) // 1000)


@worker_process_shutdown.connect
@worker_shutdown.connect
def _store_the_rest(**_: Any) -> None:
    """A worker's processes end without what Python does at an exit."""
    store_at_the_end()
