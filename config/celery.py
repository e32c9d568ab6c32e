"""The Celery application; tasks live in onchain.tasks and rewards.tasks."""

import gc
import os
import time
from typing import Any

from celery import Celery
from celery.signals import (
    after_task_publish,
    beat_init,
    heartbeat_sent,
    task_failure,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
)
from kombu.transport import TRANSPORT_ALIASES

from audit import context
from config import taskwork
from config.life import alive
from config.logs import tasks as task_log

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

TRANSPORT_ALIASES["filesystem"] = "config.embedded.filequeue:Transport"

__all__ = ["app", "taskwork"]
app = Celery("lamplight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
task_log.connect()


@worker_init.connect
@beat_init.connect
def _start_embedded(**_: Any) -> None:
    """A worker or beat that is started by hand finds its database and chain up, as a manage.py command does."""
    from config.observing import observe
    from config.start import embedded_services

    embedded_services()
    observe()


_AT_WORK: dict[str, Any] = {}


@task_prerun.connect
def _begin_task(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Have what the task writes carry its name and id in the audit log."""
    facts = {"task": task.name, "task_id": task_id}
    _AT_WORK[task_id] = context.begin(lambda: facts)


@task_postrun.connect
def _end_task(task_id: str = "", **_: Any) -> None:
    if (token := _AT_WORK.pop(task_id, None)) is not None:
        context.end(token)


# --- memory --------------------------------------------------------------------------------------------------------
COLLECT_S = 10.0
"""How often at most what failed tasks have left is thrown away; it takes a tenth of a second."""
_LEFT = {"behind": False, "collected_at_s": 0.0}


@task_failure.connect
def _leaves_its_frames(**_: Any) -> None:
    _LEFT["behind"] = True


@task_prerun.connect
def _throw_away(**_: Any) -> None:
    """Collect the tracebacks of failed tasks, which hold each other and all that the tasks held.

    Python's own collector comes to such rings once they are a quarter of all objects. While a node is away, and tasks
    fail every second, that is tens of megabytes in each process.
    """
    now_s = time.monotonic()
    if _LEFT["behind"] and now_s >= _LEFT["collected_at_s"] + COLLECT_S:
        _LEFT.update(behind=False, collected_at_s=now_s)
        gc.collect()


# --- signs of life (config/life.py) --------------------------------------------------------------------------------
BEAT_S = 60.0
"""Beat pokes every second; a broker that is away for a minute is found."""
WORKER_S = 90.0
"""A worker's loop beats every two seconds; what is too busy or hangs beats no more."""
_OURS: dict[str, int] = {}
"""The process that says it, by what it is: a worker's forked children say nothing."""


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    _OURS["beat"] = os.getpid()


@after_task_publish.connect
def _beat_lives(**_: Any) -> None:
    if _OURS.get("beat") == os.getpid():
        alive(for_s=BEAT_S)


@worker_ready.connect
def _worker_begins(**_: Any) -> None:
    _OURS["worker"] = os.getpid()
    alive(for_s=WORKER_S)


@heartbeat_sent.connect
@task_postrun.connect
def _worker_lives(**_: Any) -> None:
    if _OURS.get("worker") == os.getpid():
        alive(for_s=WORKER_S, at_once=True)


@task_prerun.connect
def _worker_is_busy(**_: Any) -> None:
    """A worker without children can't beat during a task; it may take as long as tasks may."""
    if _OURS.get("worker") == os.getpid():
        alive(for_s=WORKER_S + float(app.conf.task_time_limit or 0), at_once=True)
