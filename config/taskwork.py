"""What surrounds every task: the trace that it goes on with. Counting is rewards.services.task_counts."""

from contextlib import AbstractContextManager
from typing import Any, Final

from celery.signals import before_task_publish, task_postrun, task_prerun

from config import spans

PARENT: Final = ("traceparent", "tracestate")
_AT_WORK: dict[str, AbstractContextManager[Any]] = {}


@before_task_publish.connect
def _hand_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        spans.carry(headers)


@task_prerun.connect
def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:
    parent = {name: str(value) for name in PARENT if (value := getattr(task.request, name, None))}
    opened = spans.span(task.name, kind="consumer", parent=parent, **{"messaging.message.id": task_id})
    opened.__enter__()
    _AT_WORK[task_id] = opened


@task_postrun.connect
def _end(task_id: str = "", state: str | None = None, retval: Any = None, **_: Any) -> None:
    if (opened := _AT_WORK.pop(task_id, None)) is None:
        return
    failure = retval if state not in ("SUCCESS", "RETRY") and isinstance(retval, BaseException) else None
    opened.__exit__(*((None, None, None) if failure is None else (type(failure), failure, failure.__traceback__)))
