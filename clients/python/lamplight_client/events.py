"""Server-sent events: the data of each, as the HTML standard reads the lines of a stream."""

from collections.abc import Iterator
from typing import Final

SILENT_S: Final = 60.0
"""The service says something every 15 seconds; a connection that is silent for longer is dead."""
RETRY_S: Final = 1.0
"""How long it is waited before a stream is opened again, until the service says how long."""


class Events:
    """Reads streams of one address. retry_s: how long to wait before the next one, as the newest said."""

    def __init__(self) -> None:
        self.retry_s = RETRY_S

    def data_of(self, lines: Iterator[str]) -> Iterator[str]:
        """Give the data of each event; comments, names and ids are passed over, and an event that breaks off, too."""
        held: list[str] = []
        for line in lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                held.append(value)
            elif name == "retry" and value.isascii() and value.isdigit():
                self.retry_s = int(value) / 1000
            elif not line and held:
                yield "\n".join(held)
                held = []
