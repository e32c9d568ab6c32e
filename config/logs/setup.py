"""How lines are made: ours and those of Django, Celery and uvicorn go through the same processors to standard error."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import structlog
from structlog.typing import Processor

from config.logs.scrubbing import scrub

FORMS: Final = ("json", "console")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class LogSettingError(ValueError):
    """LOG_FORMAT or LOG_LEVEL is none of those that there are."""

    def __init__(self, *, setting: str, value: str, allowed: tuple[str, ...]) -> None:
        self.setting, self.value, self.allowed = setting, value, allowed
        super().__init__(f"{setting} is {value!r}. It can be {', '.join(allowed[:-1])} or {allowed[-1]}.")


def logging_config(*, form: str, level: str) -> dict[str, Any]:
    """Return the settings of `logging`, and have structlog's own loggers go the same way.

    form: `json` for machines, `console` for people. Raises LogSettingError for another form or an unknown level.
    """
    if form not in FORMS:
        raise LogSettingError(setting="LOG_FORMAT", value=form, allowed=FORMS)
    if level.upper() not in LEVELS:
        raise LogSettingError(setting="LOG_LEVEL", value=level, allowed=LEVELS)
    # Python's own warnings would be lines of another form.
    logging.captureWarnings(form == "json")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "config.logs.setup.formatter", "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": _loggers(level.upper()),
    }


def formatter(*, form: str) -> logging.Formatter:
    """Return what turns a record of any logger into a line."""
    last: list[Processor]
    if form == "json":
        last = [structlog.processors.format_exc_info, scrub, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        plain = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
        last = [structlog.processors.format_exc_info, scrub, plain]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _loggers(level: str) -> Mapping[str, Mapping[str, Any]]:
    ours: dict[str, Any] = {"handlers": [], "propagate": True, "level": level}
    return {
        # They bring handlers of their own, which would write lines of another form.
        "django": ours,
        "uvicorn": ours,
        "uvicorn.error": ours,
        # Each request is said once, by config.logs.requests: with its id, and without its query.
        "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
        "django.request": {"handlers": [], "propagate": True, "level": "CRITICAL"},
        "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
        # Likewise each task, by config.logs.tasks; the poke that finds nothing to do is not worth a line.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "CRITICAL"},
        # It says of each trigger that it is there.
        "pgtrigger": {"level": "WARNING"},
    }
