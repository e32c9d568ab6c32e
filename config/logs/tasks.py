"""Says what became of each task; whatever is written while it runs carries its id, and the request's that asked."""

import logging
from typing import Any, Final

import structlog
from celery.signals import celeryd_init, setup_logging
from django.conf import settings
from django_structlog.celery.receivers import CeleryReceiver

LONG_MS: Final = 1_000
"""Ten pokes a second find nothing to do; what took longer than this is worth a line."""
logger = structlog.get_logger(__name__)


class TaskLog(CeleryReceiver):
    """django-structlog's, less talkative. Ids travel in the message's headers."""

    def receiver_task_prerun(self, task_id: str, task: Any, *args: Any, **kwargs: Any) -> None:
        """Begin: forget the task before, take over who asked."""
        super().receiver_task_prerun(task_id, task, *args, **kwargs)
        structlog.contextvars.bind_contextvars(task=task.name)

    def receiver_task_success(self, result: str | None = None, sender: Any = None, **kwargs: Any) -> None:
        """End well."""
        facts: dict[str, Any] = {}
        self.add_duration_ms(sender, facts)
        level = logging.INFO if facts.get("duration_ms", 0) >= LONG_MS else logging.DEBUG
        logger.log(level, "task_succeeded", **facts)

    def receiver_after_task_publish(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: who takes the task says enough."""

    def receiver_task_revoked(
        self, request: Any, terminated: bool | None = None, signum: Any = None, expired: Any = None, **kwargs: Any
    ) -> None:
        """Say it, but for pokes that expired: the next one does their work."""
        if not expired:
            super().receiver_task_revoked(request, terminated, signum, expired, **kwargs)


_LOG: Final = TaskLog()
"""Signals hold their receivers weakly."""


def connect() -> None:
    """Have every task of this process say how it went."""
    _LOG.connect_worker_signals()


@setup_logging.connect
def _keep_ours(**_: Any) -> None:
    """Keep Celery from setting up lines of its own: LOGGING is in force already, or will be when Django is set up."""


@celeryd_init.connect
def _no_banner(instance: Any = None, **_: Any) -> None:
    """Machines read the lines: Celery's banner is a picture."""
    if settings.LOG_FORMAT == "json":
        instance.quiet = True
