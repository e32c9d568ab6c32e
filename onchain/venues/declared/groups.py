"""Logs between the one that begins a group and the one that ends it, put into the order in which they took effect.

A venue that calls makers back before it logs their fills tells first what the maker did after the fill, then the fill.
"""

from __future__ import annotations

from typing import Any

from onchain.venues.base import Impossible

Kept = tuple[int, list[Any]]


class Groups:
    """Open groups, one in the other; each is (logs that took effect first, the others), a log being (event, values)."""

    def __init__(self) -> None:
        self._open: list[tuple[list[Kept], list[Kept]]] = []
        self._block = -1

    def begin(self, block: int) -> None:
        """Open a group, in the one that is open if there is one."""
        self._check(block)
        self._open.append(([], []))
        self._block = block

    def keep(self, block: int, event: int, values: tuple[Any, ...], *, first: bool) -> bool:
        """Keep a log in the innermost group; returns False when none is open."""
        self._check(block)
        if self._open:
            self._open[-1][0 if first else 1].append((event, list(values)))
        return bool(self._open)

    def end(self, block: int) -> list[Kept]:
        """Close the innermost group; returns its logs in the order of their effect, none while another is open."""
        self._check(block)
        if not self._open:
            raise Impossible("a group of logs ends that has not begun")
        first, others = self._open.pop()
        if self._open:
            # An inner group happened in a callback of the outer one, so after all that the outer one took.
            self._open[-1][1].extend(first + others)
            return []
        return first + others

    def save(self) -> Any:
        """Return JSON values."""
        return [self._open, self._block]

    def load(self, state: Any) -> None:
        """Take what `save` returned."""
        groups, self._block = state
        self._open = [tuple([(event, values) for event, values in part] for part in group) for group in groups]  # type: ignore[misc]

    def _check(self, block: int) -> None:
        if self._open and block != self._block:
            raise Impossible(f"a group of logs that began in block {self._block} has not ended there")
