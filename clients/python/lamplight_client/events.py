"""Server-sent events: the data of each, as the HTML standard reads the lines of a stream."""

from collections.abc import Iterator

SILENT_S = 60.0
"""The service says something every 15 seconds; a connection that is silent for longer is dead."""


def data_of(lines: Iterator[str]) -> Iterator[str]:
    """Give the data of each event; comments, names and ids are passed over, and so is an event that breaks off."""
    held: list[str] = []
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                held.append(value.removeprefix(" "))
        elif held:
            yield "\n".join(held)
            held = []
