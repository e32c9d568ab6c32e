"""A store of whole answers, bounded by the bytes of their bodies; those that nobody asked for longest go first."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from config.front import Headers
from rewards.selectors.versions import Version


class Asked(NamedTuple):
    """All of a request that an answer depends on, but for who asks."""

    path: str
    query: bytes
    host: bytes
    scheme: str
    forwarded: bytes
    accept: bytes
    packed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and the version of the figures that it was made of."""

    version: Version
    headers: Headers
    tag: bytes
    body: bytes


class Store:
    """Answers by what was asked."""

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
        """Keep an answer instead of the one before."""
        former = self._kept.pop(asked, None)
        if former is not None:
            self.size_bytes -= len(former.body)
        if len(kept.body) > self._most_bytes:
            return
        self._kept[asked] = kept
        self.size_bytes += len(kept.body)
        while self.size_bytes > self._most_bytes:
            self.size_bytes -= len(self._kept.popitem(last=False)[1].body)
