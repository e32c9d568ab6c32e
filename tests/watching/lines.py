"""Reads what the service writes to its log, as a machine would: one JSON object a line."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from config.logs.scrubbing import forget_secrets
from config.logs.setup import formatter


class Lines(io.StringIO):
    """What was written so far."""

    def all(self) -> list[dict]:
        """Every line, as an object."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of(self, event: str) -> list[dict]:
        """The lines of one event."""
        return [line for line in self.all() if line["event"] == event]


@contextmanager
def lines_written(*, level: int = logging.INFO) -> Iterator[Lines]:
    """Catch the lines of all loggers in production's form."""
    forget_secrets()
    written = Lines()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    before = root.level
    handler.setFormatter(formatter(form="json"))
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        forget_secrets()
