"""What surrounds every task: the trace that it goes on with, and the count of how it went and how long it took."""

import time
from contextlib import AbstractContextManager
from typing import Any, Final

from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown, worker_shutdown

from config import spans

PARENT: Final = ("traceparent", "tracestate")
OUTCOMES: Final = {"SUCCESS": "succeeded", "RETRY": "retried"}
_AT_WORK: dict[str, tuple[int, AbstractContextManager[Any]]] = {}


@before_task_publish.connect
def _hand_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        spans.carry(headers)


@task_prerun.connect
def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:
    parent = {name: str(value) for name in PARENT if (value := getattr(task.request, name, None))}
    opened = spans.span(task.name, kind="consumer", parent=parent, **{"messaging.message.id": task_id})
    opened.__enter__()
    _AT_WORK[task_id] = time.perf_counter_ns(), opened


@task_postrun.connect
def _end(task_id: str = "", task: Any = None, state: str | None = None, retval: Any = None, **_: Any) -> None:
    begun_ns, opened = _AT_WORK.pop(task_id, (None, None))
    if begun_ns is None or opened is None:
        return
    failure = retval if state not in OUTCOMES and isinstance(retval, BaseException) else None
    opened.__exit__(*((None, None, None) if failure is None else (type(failure), failure, failure.__traceback__)))
    # Not at the top: Celery imports this before Django is set up.
    from rewards.services.tallies import tallies

    tallies.task(
        name=task.name, outcome=OUTCOMES.get(state or "", "failed"), took_us=(time.perf_counter_ns() - begun_ns) // 1000
    )


@worker_process_shutdown.connect
@worker_shutdown.connect
def _store_the_rest(**_: Any) -> None:
    """A worker's processes end without what Python does at an exit."""
    from rewards.services.tallies import store_at_the_end

    store_at_the_end()
