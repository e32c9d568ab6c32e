"""The sessions of an epoch: contiguous intervals, each of one kind, that cover it.

Source: docs/spec/scoring.md, *Inputs of one market*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from rewards.engine.errors import SessionsError
from rewards.engine.kinds import KIND_INDEX
from rewards.engine.termfields import INT64_MAX


@dataclass(frozen=True)
class Sessions:
    """Rows of (start_ms, end_ms, kind), half-open, in order, without a hole between them."""

    rows: tuple[tuple[int, int, str], ...]

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, int, str]]) -> Sessions:
        """Check and keep the rows. Raises SessionsError for a hole, an overlap, an unknown kind,
        a time that is no int64, or none at all."""
        sessions = cls(rows=tuple((start, end, kind) for start, end, kind in rows))
        sessions._check()
        return sessions

    @property
    def starts_ms(self) -> tuple[int, ...]:
        """When each session starts."""
        return tuple(start for start, _, _ in self.rows)

    @property
    def kind_indices(self) -> tuple[int, ...]:
        """The kind of each session as an index into KINDS."""
        return tuple(KIND_INDEX[kind] for _, _, kind in self.rows)

    def check_cover(self, *, start_ms: int, end_ms: int) -> None:
        """Raise SessionsError unless the sessions cover `[start_ms, end_ms)`."""
        first, last = self.rows[0][0], self.rows[-1][1]
        if first > start_ms:
            raise SessionsError(reason=f"the epoch starts at {start_ms} and the first session at {first}")
        if last < end_ms:
            raise SessionsError(reason=f"the epoch ends at {end_ms} and the last session at {last}")

    def index_at(self, time_ms: int) -> int:
        """Return the index of the session that holds or begins at a time within the cover."""
        return bisect_right(self.rows, time_ms, key=lambda row: row[0]) - 1

    def _check(self) -> None:
        if not self.rows:
            raise SessionsError(reason="there is none")
        before: int | None = None
        for number, (start, end, kind) in enumerate(self.rows, start=1):
            if kind not in KIND_INDEX:
                raise SessionsError(reason=f"row {number} has the unknown kind {kind!r}")
            if max(abs(start), abs(end)) > INT64_MAX:
                raise SessionsError(reason=f"row {number} has a time that does not fit an int64 of ms")
            if end <= start:
                raise SessionsError(reason=f"row {number} ends at {end}, not after its start {start}")
            if before is not None and start > before:
                raise SessionsError(reason=f"there is a hole from {before} to {start}, before row {number}")
            if before is not None and start < before:
                raise SessionsError(reason=f"row {number} overlaps the one before it by {before - start} ms")
            before = end
