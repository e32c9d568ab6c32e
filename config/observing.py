"""Switches on what a setting asks for, in every process: traces (OpenTelemetry) and reports of errors (Sentry)."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from django.conf import settings

from config import spans

_ON: Final[set[str]] = set()


class NotInstalledError(Exception):
    """A setting asks for what is not installed."""

    def __init__(self, *, setting: str, package: str) -> None:
        self.setting, self.package = setting, package
        super().__init__(
            f"{setting} is set, but {package} is not installed. Install requirements-production.txt, or leave "
            f"{setting} unset."
        )


def observe() -> None:
    """Begin traces and reports where the settings say so; once a process. Raises NotInstalledError."""
    for setting, package, start in (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry", _traces),
        ("SENTRY_DSN", "sentry_sdk", _reports),
    ):
        if (value := getattr(settings, setting, "")) and setting not in _ON:
            _begin(setting, package, value, start)
            _ON.add(setting)


def _begin(setting: str, package: str, value: str, start: Callable[[str], None]) -> None:
    try:
        start(value)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(package):
            raise
        raise NotInstalledError(setting=setting, package=package) from error


def _traces(endpoint: str) -> None:
    spans.use(import_module("config.tracing").OpenTelemetry(endpoint=endpoint))


def _reports(dsn: str) -> None:
    import_module("config.reports").start(dsn=dsn)
