"""The cells of an epoch: stretches of at most five minutes on the clock, each within one session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rewards.engine.kinds import KINDS
from rewards.engine.rules import Rules
from rewards.engine.sessions import Sessions

CELL_MS = 300_000

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CellTimes:
    """When the cells of an epoch start and end, and the session that each lies in.

    Cells begin at whole five minutes since the Unix epoch, and at every start of a session. session: index of the
    cell's session among the sessions. first: the first cell of every session that has any. kinds: by cell, as indices
    into KINDS.
    """

    starts_ms: I64
    ends_ms: I64
    session: I64
    first: I64
    kinds: I64

    @classmethod
    def of(cls, *, rules: Rules, sessions: Sessions) -> CellTimes:
        """Cut an epoch into cells."""
        start, end = rules.start_ms, rules.end_ms
        grid = np.arange(start // CELL_MS * CELL_MS, end, CELL_MS, dtype=np.int64)
        begins = np.array(sessions.starts_ms, dtype=np.int64)
        cuts = np.unique(np.concatenate((grid, begins, [start])))
        starts = cuts[(cuts >= start) & (cuts < end)]
        session = np.searchsorted(begins, starts, side="right") - 1
        return cls(
            starts_ms=starts,
            ends_ms=np.append(starts[1:], end),
            session=session,
            first=np.flatnonzero(np.diff(session, prepend=-1)),
            kinds=np.array(sessions.kind_indices, dtype=np.int64)[session],
        )

    def __len__(self) -> int:
        """The number of cells."""
        return len(self.starts_ms)

    def kind_names(self, cells: I64) -> list[str]:
        """Return the kinds of some cells by name."""
        return [KINDS[kind] for kind in self.kinds[cells].tolist()]
