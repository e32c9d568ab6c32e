"""Spans of traces, from anywhere in the code: nothing at all unless traces are switched on (config/tracing.py)."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

Attribute = str | int | bool


class Tracer(Protocol):
    """What config.tracing puts here."""

    def span(
        self, name: str, *, kind: str, parent: Mapping[str, str], attributes: Mapping[str, Attribute]
    ) -> AbstractContextManager[Any]:
        """Open a span."""

    def carry(self, headers: MutableMapping[str, Any]) -> None:
        """Write the present span's name into headers."""


NOBODY: Final[Mapping[str, str]] = {}
_TRACER: list[Tracer] = []


@contextmanager
def span(
    name: str, *, kind: str = "internal", parent: Mapping[str, str] = NOBODY, **attributes: Attribute
) -> Iterator[Any]:
    """Have what happens inside be a span, which an exception marks as failed; gives the span, None without traces.

    kind: internal, server, client or consumer. parent: headers that may carry the span it belongs under.
    """
    if not _TRACER:
        yield None
        return
    with _TRACER[0].span(name, kind=kind, parent=parent, attributes=attributes) as opened:
        yield opened


def carry(headers: MutableMapping[str, Any]) -> None:
    """Hand the present span on: whoever gets the headers goes on with the same trace."""
    if _TRACER:
        _TRACER[0].carry(headers)


def use(tracer: Tracer | None) -> None:
    """Switch traces on, or off again."""
    _TRACER[:] = [] if tracer is None else [tracer]
