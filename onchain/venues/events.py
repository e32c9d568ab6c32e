"""Market events as columns (docs/spec/evidence.md), with the place of each in the chain's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

KINDS = ("place", "cancel", "fill", "anchor", "halt", "resume")
PLACE, CANCEL, FILL, ANCHOR, HALT, RESUME = range(len(KINDS))
SIDES = ("bid", "ask")
BID, ASK = range(len(SIDES))
ABSENT = -1
BEFORE_LOGS = -1
Int64s = npt.NDArray[np.int64]


class Event(NamedTuple):
    """One market event as an adapter emits it.

    kind, side: indices into KINDS and SIDES. source: log index of the log that caused it, BEFORE_LOGS when it became
    true before the block's first one. price: ticks (anchor: half-ticks); size: lots; time_ms: set only where the event
    became true at a moment that is not its block's. ABSENT or None where the kind has no such field.
    """

    kind: int
    block: int
    source: int
    order: str | None = None
    address: str | None = None
    side: int = ABSENT
    price: int = ABSENT
    size: int = ABSENT
    taker: str | None = None
    time_ms: int = ABSENT


@dataclass(frozen=True, eq=False, slots=True)
class EventColumns:
    """Market events in their total order (block, log_index), one entry each; fields as in Event.

    log_index counts the market's events within the block; ABSENT until `numbered`.
    """

    block: Int64s
    log_index: Int64s
    source: Int64s
    time_ms: Int64s
    kind: npt.NDArray[np.int8]
    side: npt.NDArray[np.int8]
    price: Int64s
    size: Int64s
    order: list[str | None]
    address: list[str | None]
    taker: list[str | None]

    def __len__(self) -> int:
        """The number of events."""
        return len(self.block)

    @classmethod
    def of(cls, events: Sequence[tuple[object, ...]]) -> EventColumns:
        """Turn emitted events (tuples with Event's fields in its order) into columns."""
        columns = list(zip(*events, strict=True)) if events else [()] * len(Event._fields)
        kind, block, source, order, address, side, price, size, taker, time_ms = columns
        return cls(
            block=np.array(block, np.int64), log_index=np.full(len(block), ABSENT, np.int64),
            source=np.array(source, np.int64), time_ms=np.array(time_ms, np.int64), kind=np.array(kind, np.int8),
            side=np.array(side, np.int8), price=np.array(price, np.int64), size=np.array(size, np.int64),
            order=list(order), address=list(address), taker=list(taker),
        )  # fmt: skip

    def take(self, rows: npt.NDArray[np.intp]) -> EventColumns:
        """Return the events of the given rows, in their order."""
        picked = rows.tolist()
        return EventColumns(
            block=self.block[rows], log_index=self.log_index[rows], source=self.source[rows],
            time_ms=self.time_ms[rows], kind=self.kind[rows], side=self.side[rows], price=self.price[rows],
            size=self.size[rows], order=[self.order[row] for row in picked],
            address=[self.address[row] for row in picked], taker=[self.taker[row] for row in picked],
        )  # fmt: skip

    def before(self, block: int) -> EventColumns:
        """Return the events of the blocks before `block`."""
        count = int(np.searchsorted(self.block, block))
        return self if count == len(self) else self.take(np.arange(count))

    def numbered(self, block: int, count: int) -> EventColumns:
        """Number the events within their blocks; `count` events of `block` came in an earlier batch."""
        starts = np.searchsorted(self.block, self.block)
        log_index = np.arange(len(self)) - starts + np.where(self.block == block, count, 0)
        return replace(self, log_index=log_index.astype(np.int64))


def concatenate(parts: Sequence[EventColumns]) -> EventColumns:
    """Return the events of consecutive batches."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return EventColumns.of([])
    numbers = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("block", "log_index", "source", "time_ms", "kind", "side", "price", "size")
    }
    texts = {name: [each for part in parts for each in getattr(part, name)] for name in ("order", "address", "taker")}
    columns: dict[str, Any] = {**numbers, **texts}
    return EventColumns(**columns)
