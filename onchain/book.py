"""What rests in a market after a block, kept beside its events so that an epoch's carry-in needs no long replay."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# kind, block, log_index, time_ms (None: the block's), order, address, side, price, size, taker
Row = tuple[str, int, int, int | None, str | None, str | None, str | None, int | None, int | None, str | None]
KIND, BLOCK, LOG_INDEX, TIME_MS, ORDER, ADDRESS, SIDE, PRICE, SIZE, TAKER = range(10)


@dataclass(slots=True)
class Book:
    """Resting orders by id (each as its `place` with the size that still rests), the last anchor, the halt if any."""

    orders: dict[str, Row] = field(default_factory=dict)
    anchor: Row | None = None
    halt: Row | None = None

    def apply(self, rows: Iterable[Row]) -> None:
        """Take a market's events in, in their order; they come from an adapter, which has checked them."""
        for row in rows:
            kind, order = row[KIND], row[ORDER]
            if kind == "place" and order is not None:
                self.orders[order] = row
            elif kind in ("cancel", "fill") and order is not None:
                self._take(order, row[SIZE])
            elif kind == "anchor":
                self.anchor = row
            elif kind == "halt":
                self.halt = self.halt or row
            elif kind == "resume":
                self.halt = None

    def rows(self) -> list[Row]:
        """Return the carry-in: what one must know of the past, in the total order (block, log index)."""
        others = [row for row in (self.anchor, self.halt) if row is not None]
        return sorted([*self.orders.values(), *others], key=lambda row: (row[BLOCK], row[LOG_INDEX]))

    def save(self) -> bytes:
        """Return the book as compressed JSON."""
        state = {"orders": list(self.orders.values()), "anchor": self.anchor, "halt": self.halt}
        return zlib.compress(json.dumps(state, separators=(",", ":")).encode(), level=1)

    @classmethod
    def load(cls, state: bytes) -> "Book":
        """Go on from what `save` returned."""
        stored: dict[str, Any] = json.loads(zlib.decompress(state))
        return cls(
            orders={row[ORDER]: tuple(row) for row in stored["orders"]},
            anchor=tuple(stored["anchor"]) if stored["anchor"] else None,  # type: ignore[arg-type]
            halt=tuple(stored["halt"]) if stored["halt"] else None,  # type: ignore[arg-type]
        )

    def _take(self, order: str, size: int | None) -> None:
        row = self.orders[order]
        left = 0 if size is None else (row[SIZE] or 0) - size
        if left > 0:
            self.orders[order] = (*row[:SIZE], left, row[TAKER])
        else:
            del self.orders[order]
