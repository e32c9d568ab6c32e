"""A market's events as the evidence's columns, with the carry-in that their beginning needs.

Source: spec/evidence.md, events.parquet.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from django.db import connection, transaction

from onchain.book import Book, Row
from onchain.errors import MarketQuarantinedError, NotIndexedError, UnknownMarketError
from onchain.models import AdapterState, Block, Market
from onchain.store import KIND_NAMES

SCHEMA = pa.schema(
    [
        ("market", pa.string()), ("block", pa.int64()), ("log_index", pa.int64()), ("time_ms", pa.int64()),
        ("kind", pa.string()), ("order", pa.string()), ("address", pa.string()), ("side", pa.string()),
        ("price", pa.int64()), ("size", pa.int64()), ("taker", pa.string()),
    ]
)  # fmt: skip
BEFORE_ALL = -1


@transaction.atomic
def market_events_arrow(*, markets: Sequence[str], from_ms: int, to_ms: int) -> pa.Table:
    """Return the evidence columns of the markets' carry-in at from_ms and their events in [from_ms, to_ms).

    Sorted by block and log index, then by market: `log_index` counts a market's own events within a block.
    Raises UnknownMarketError, MarketQuarantinedError, NotIndexedError.
    """
    before, last = _last_block_before(from_ms), _last_block_before(to_ms)
    parts: list[tuple[str, list[Row]]] = []
    for name in sorted(markets, key=lambda name: name.encode()):
        market = _market(name, last_block=last)
        rows = _book_at(market, block=before).rows() + list(_rows(market, first=before + 1, last=last))
        parts.append((name, rows))
    return _table(parts)


def _last_block_before(time_ms: int) -> int:
    found = Block.objects.filter(canonical=True, time_ms__lt=time_ms).order_by("-time_ms", "-number")
    number = found.values_list("number", flat=True).first()
    return BEFORE_ALL if number is None else number


def _market(name: str, *, last_block: int) -> Market:
    market = Market.objects.filter(name=name).first()
    if market is None:
        raise UnknownMarketError(market=name)
    if market.quarantined_block is not None and market.quarantined_block <= last_block:
        raise MarketQuarantinedError(
            market=name, block_number=market.quarantined_block, reason=market.quarantine_reason
        )
    if market.derived_through < last_block:
        raise NotIndexedError(market=name, through_block=market.derived_through, wanted_block=last_block)
    return market


def _book_at(market: Market, *, block: int) -> Book:
    """Return what rests after `block`: the newest kept book at or before it, and the events since."""
    state = AdapterState.objects.filter(market=market, block_number__lte=block).order_by("-block_number").first()
    book = Book.load(bytes(state.book)) if state else Book()
    book.apply(_rows(market, first=(state.block_number if state else BEFORE_ALL) + 1, last=block))
    return book


def _rows(market: Market, *, first: int, last: int) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, block_number, log_index, time_ms, order_id, address, is_bid, price, size, taker"
            " FROM onchain_marketevent WHERE market_id = %s AND block_number BETWEEN %s AND %s"
            " ORDER BY block_number, log_index",
            [market.pk, first, last],
        )
        for kind, block, log_index, time_ms, order, address, is_bid, price, size, taker in cursor.fetchall():
            side = None if is_bid is None else ("bid" if is_bid else "ask")
            yield Row(KIND_NAMES[kind], block, log_index, time_ms, order, address, side, price, size, taker)


def _table(parts: Sequence[tuple[str, list[Row]]]) -> pa.Table:
    merged = sorted(
        ((row.block, row.log_index, rank, name, row) for rank, (name, rows) in enumerate(parts) for row in rows),
        key=lambda item: item[:3],
    )
    times = _block_times({item[0] for item in merged})
    columns: dict[str, list[object]] = {field.name: [] for field in SCHEMA}
    for block, log_index, _rank, name, row in merged:
        values = (
            name, block, log_index, times[block] if row.time_ms is None else row.time_ms, row.kind, row.order,
            row.address, row.side, row.price, row.size, row.taker,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pa.table(columns, schema=SCHEMA)


def _block_times(numbers: set[int]) -> dict[int, int]:
    return dict(Block.objects.filter(canonical=True, number__in=list(numbers)).values_list("number", "time_ms"))
