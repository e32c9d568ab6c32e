"""Turns recorded order events into operations of the demo exchange, and counts what can't be turned.

What rests on the exchange is `left // LOT` at all times, exactly. A recorded order that gets smaller has traded, and
the trade says whether it was hit (a fill) or did the hitting (then its part leaves the book as a cancel: on our
exchange an order that trades at once does not rest). Times become blocks: a second is cut into equal parts, each of
them a block, so that an event is at most one part too early.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rewards.demo.exchange import Block, Book, Op
from rewards.demo.makers import address_of
from rewards.demo.recording import Action, OrderRow, TradeRow

MARKET = 1
LOT = 10_000
"""One lot in 1e-8 bitcoin: 0.0001 bitcoin."""
MAKERS = 6
STRANGERS = 4
NO_PRICE = "have no price (market orders)"
TOO_SMALL = "are orders smaller than a lot"
OF_LEFT_OUT = "belong to orders that were left out"
UNSEEN = "belong to orders whose beginning was not recorded"
LESS_THAN_A_LOT = "change an order by less than a lot"
GONE_BEFORE = "say that an order is gone that has traded away already"


def owner_of(order: str) -> str:
    """Return the address that owns a recorded order: a fixed rule, six makers and four who are not enrolled."""
    number = int.from_bytes(hashlib.sha256(order.encode()).digest()[:8], "big") % (MAKERS + STRANGERS)
    return address_of(f"real maker {number}" if number < MAKERS else f"real stranger {number}")


@dataclass(slots=True)
class _Order:
    """A recorded order that is known: `id` on the exchange, None once nothing of it rests there."""

    id: int | None
    left: int


class Replay:
    """The recording as blocks. `left_out` counts, by reason, the recorded events that became no operation."""

    def __init__(self, *, rows: Iterable[OrderRow], trades: Iterable[TradeRow], blocks_a_second: int = 5) -> None:
        self.left_out: Counter[str] = Counter()
        self.used = 0
        self.unmatched = 0
        self.first_ms = self.last_ms = 0
        self._rows = rows
        self._parts = blocks_a_second
        self._log: list[Op] = []
        self._book = Book(market=MARKET, log=self._log)
        self._known: dict[str, _Order] = {}
        self._refused: set[str] = set()
        self._trades: dict[str, list[TradeRow]] = defaultdict(list)
        for trade in trades:
            self._trades[trade.maker_order].append(trade)
            self._trades[trade.taker_order].append(trade)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of every second in which something happened, all parts of it, empty ones too."""
        second, parts = None, [list[Op]() for _ in range(self._parts)]
        for row in self._rows:
            self.first_ms = self.first_ms or row.time_ms
            self.last_ms = row.time_ms
            if second is not None and row.time_ms // 1000 != second:
                yield from self._cut(second, parts)
            second = row.time_ms // 1000
            self._take_in(row)
            parts[row.time_ms % 1000 * self._parts // 1000] += self._log
            self._log.clear()
        if second is not None:
            yield from self._cut(second, parts)

    def _cut(self, second: int, parts: list[list[Op]]) -> Iterator[Block]:
        for part in parts:
            yield Block(second, tuple(part))
            part.clear()

    def _take_in(self, row: OrderRow) -> None:
        before = len(self._log)
        reason = self._created(row) if row.action is Action.CREATED else self._later(row)
        if len(self._log) > before:
            self.used += 1
        else:
            self.left_out[reason] += 1

    def _created(self, row: OrderRow) -> str:
        if row.price_cents <= 0 or row.left < LOT:
            self._refused.add(row.order)
            return NO_PRICE if row.price_cents <= 0 else TOO_SMALL
        self._known[row.order] = _Order(self._place(row), row.left)
        return ""

    def _later(self, row: OrderRow) -> str:
        order = self._known.get(row.order)
        if order is None:
            return OF_LEFT_OUT if row.order in self._refused else UNSEEN
        reason = GONE_BEFORE if order.id is None else LESS_THAN_A_LOT
        if row.left < order.left:
            self._shrink(row, order)
        elif row.left > order.left:
            self._grow(row, order)
        if row.action is Action.DELETED:
            if order.id is not None:
                self._book.cancel(order.id)
            del self._known[row.order]
        return reason

    def _shrink(self, row: OrderRow, order: _Order) -> None:
        trade = self._trade_of(row.order, order.left - row.left)
        lots = order.left // LOT - row.left // LOT
        order.left = row.left
        if order.id is None or not lots:
            return
        if trade is not None and trade.maker_order == row.order:
            self._book.fill(order.id, size=lots, taker=owner_of(trade.taker_order))
        else:
            self._book.cancel(order.id, size=lots)
        if order.left < LOT:
            order.id = None

    def _grow(self, row: OrderRow, order: _Order) -> None:
        """An order that grows loses its place in time: what rests is cancelled, the new size is placed."""
        grows = row.left // LOT > order.left // LOT
        order.left = row.left
        if grows:
            if order.id is not None:
                self._book.cancel(order.id)
            order.id = self._place(row)

    def _place(self, row: OrderRow) -> int:
        return self._book.place(
            owner=owner_of(row.order), is_bid=row.is_bid, price=row.price_cents, size=row.left // LOT
        )

    def _trade_of(self, order: str, amount: int) -> TradeRow | None:
        """Return (once) the recorded trade that took `amount` from an order."""
        for trade in self._trades[order]:
            if trade.amount == amount:
                self._trades[order].remove(trade)
                return trade
        self.unmatched += 1
        return None
