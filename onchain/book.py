"""What rests in a market after a block, kept beside its events so that an epoch's carry-in needs no long replay."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from onchain.venues.events import ABSENT, ANCHOR, CANCEL, FILL, HALT, KINDS, PLACE, RESUME, SIDES, EventColumns

ShareSplit = tuple[int, int, int]
"""time_ms, new, old: from then on `new` lots are what `old` lots were before."""


class Row(NamedTuple):
    """A market event with its place in the total order; `time_ms` None: the block's."""

    kind: str
    block: int
    log_index: int
    time_ms: int | None
    order: str | None
    address: str | None
    side: str | None
    price: int | None
    size: int | None
    taker: str | None


@dataclass(slots=True)
class Book:
    """Resting orders by id (each as its `place` with the size that still rests), the last anchor, the halt if any.

    splits: people's share splits, for a book whose rows all have their time. An order that was reduced after a split
    has a size that may be whole in neither unit: it stays as it was before, with its reductions (`reduced`) beside it.
    """

    orders: dict[str, Row] = field(default_factory=dict)
    anchor: Row | None = None
    halt: Row | None = None
    splits: Sequence[ShareSplit] = ()
    reduced: dict[str, list[Row]] = field(default_factory=dict)

    def apply(self, rows: Iterable[Row]) -> None:
        """Take a market's events in, in their order; they come from an adapter, which has checked them."""
        for row in rows:
            kind, order = row.kind, row.order
            if kind == "place" and order is not None:
                self.orders[order] = row
            elif kind in ("cancel", "fill") and order is not None:
                self._reduce(order, row) if self.splits else self._take(order, row.size)
            elif kind == "anchor":
                self.anchor = row
            elif kind == "halt":
                self.halt = self.halt or row
            elif kind == "resume":
                self.halt = None

    def follow(self, events: EventColumns) -> None:
        """Take a batch of events in, like `apply`; an order that comes and goes within it leaves no row behind."""
        fresh: dict[str, int] = {}
        kinds, sizes = events.kind.tolist(), events.size.tolist()
        for place, (kind, order, size) in enumerate(zip(kinds, events.order, sizes, strict=True)):
            if kind == PLACE:
                fresh[str(order)] = place
            elif kind in (CANCEL, FILL):
                began = fresh.pop(str(order), None)
                if began is not None:
                    if size in (ABSENT, sizes[began]):
                        continue
                    self.orders[str(order)] = row_of(events, began)
                self._take(str(order), None if size == ABSENT else size)
            elif kind == ANCHOR:
                self.anchor = row_of(events, place)
            elif kind == HALT:
                self.halt = self.halt or row_of(events, place)
            elif kind == RESUME:
                self.halt = None
        self.orders.update((order, row_of(events, place)) for order, place in fresh.items())

    def rows(self) -> list[Row]:
        """Return the carry-in: what one must know of the past, in the total order (block, log index)."""
        others = [row for row in (self.anchor, self.halt) if row is not None]
        others += [row for rows in self.reduced.values() for row in rows]
        return sorted([*self.orders.values(), *others], key=lambda row: (row.block, row.log_index))

    def save(self) -> bytes:
        """Return the book as compressed JSON."""
        state = {"orders": list(self.orders.values()), "anchor": self.anchor, "halt": self.halt}
        return zlib.compress(json.dumps(state, separators=(",", ":")).encode(), level=1)

    @classmethod
    def load(cls, state: bytes) -> "Book":
        """Go on from what `save` returned."""
        stored: dict[str, Any] = json.loads(zlib.decompress(state))
        return cls(
            orders={str(row.order): row for row in (Row(*fields) for fields in stored["orders"])},
            anchor=Row(*stored["anchor"]) if stored["anchor"] else None,
            halt=Row(*stored["halt"]) if stored["halt"] else None,
        )

    def _reduce(self, order: str, row: Row) -> None:
        """Take away a size that is in the units of its own time."""
        placed, before = self.orders[order], self.reduced.get(order, [])
        if row.size is not None and not before and self._lots(row, placed) == row.size:
            self._take(order, row.size)
            return
        rows = [*before, row]
        left = (placed.size or 0) - sum(self._lots(each, placed) for each in rows)
        if row.size is None or left <= 0:
            del self.orders[order]
            self.reduced.pop(order, None)
        else:
            self.reduced[order] = rows

    def _lots(self, row: Row, placed: Row) -> Fraction:
        """Return a reduction's size in the units of the time at which the order was placed."""
        lots, placed_ms, now_ms = Fraction(row.size or 0), placed.time_ms or 0, row.time_ms or 0
        for time_ms, new, old in self.splits:
            if placed_ms < time_ms <= now_ms:
                lots = lots * old / new
        return lots

    def _take(self, order: str, size: int | None) -> None:
        row = self.orders[order]
        left = 0 if size is None else (row.size or 0) - size
        if left > 0:
            self.orders[order] = row._replace(size=left)
        else:
            del self.orders[order]


def row_of(events: EventColumns, place: int) -> Row:
    """Return one event of the columns as a row."""

    def number(value: Any) -> int | None:
        return None if value == ABSENT else int(value)

    side = number(events.side[place])
    return Row(
        KINDS[events.kind[place]], int(events.block[place]), int(events.log_index[place]),
        number(events.time_ms[place]), events.order[place], events.address[place],
        None if side is None else SIDES[side], number(events.price[place]), number(events.size[place]),
        events.taker[place],
    )  # fmt: skip
