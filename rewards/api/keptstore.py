"""A store of whole answers, bounded by the bytes of all that is kept; those that nobody asked for longest go first."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, NamedTuple

from config.front import Headers
from rewards.selectors.versions import Version

ENTRY_BYTES: Final = 2_000
"""What Python itself needs for an entry: its objects, and its place in the dictionary."""
LONGEST_ACCEPT_BYTES: Final = 200
LONGEST_QUERY_BYTES: Final = 500
"""Callers choose both, and no program of ours comes near; what is longer is answered, and not kept."""


class Asked(NamedTuple):
    """All of a request that an answer depends on, but for who asks."""

    path: str
    query: bytes
    host: bytes
    scheme: str
    forwarded: bytes
    accept: bytes
    packed: bool

    def is_short(self) -> bool:
        """Whether it is as short as what programs ask."""
        return len(self.accept) <= LONGEST_ACCEPT_BYTES and len(self.query) <= LONGEST_QUERY_BYTES


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and the version of the figures that it was made of."""

    version: Version
    headers: Headers
    tag: bytes
    body: bytes


class Store:
    """Answers by what was asked. most_bytes: of bodies, headers and keys, and ENTRY_BYTES for each."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes, self.size_bytes = most_bytes, 0
        self._kept: OrderedDict[Asked, Kept] = OrderedDict()

    def get(self, asked: Asked) -> Kept | None:
        """Return what is kept, None without."""
        found = self._kept.get(asked)
        if found is not None:
            self._kept.move_to_end(asked)
        return found

    def put(self, asked: Asked, kept: Kept) -> None:
        """Keep an answer instead of the one before; one that is too large, or asked for at length, is not kept."""
        former = self._kept.pop(asked, None)
        if former is not None:
            self.size_bytes -= _size_bytes(asked, former)
        size_bytes = _size_bytes(asked, kept)
        if size_bytes > self._most_bytes or not asked.is_short():
            return
        self._kept[asked] = kept
        self.size_bytes += size_bytes
        while self.size_bytes > self._most_bytes:
            self.size_bytes -= _size_bytes(*self._kept.popitem(last=False))


def _size_bytes(asked: Asked, kept: Kept) -> int:
    """Return what an entry counts as. Keys count too: who asks chooses them, and can choose another each time."""
    key = sum(len(part) for part in asked if not isinstance(part, bool))
    version = sum(len(part or "") for part in kept.version)
    headers = sum(len(name) + len(value) for name, value in kept.headers)
    return ENTRY_BYTES + key + version + headers + len(kept.tag) + len(kept.body)
