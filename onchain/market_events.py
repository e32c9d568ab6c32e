"""A market's events as the evidence's columns, with the carry-in that their beginning needs.

Source: docs/spec/evidence.md, events.parquet.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from psycopg import sql
from pyarrow import csv

from onchain.archive import reading_here
from onchain.book import Book, Row, ShareSplit
from onchain.errors import MarketQuarantinedError, NotIndexedError, UnknownMarketError
from onchain.models import AdapterState, Block, Market, MarketEvent
from onchain.store import KIND_NAMES

SCHEMA = pa.schema(
    [
        ("market", pa.string()), ("block", pa.int64()), ("log_index", pa.int64()), ("time_ms", pa.int64()),
        ("kind", pa.string()), ("order", pa.string()), ("address", pa.string()), ("side", pa.string()),
        ("price", pa.int64()), ("size", pa.int64()), ("taker", pa.string()),
    ]
)  # fmt: skip
BEFORE_ALL = -1
SPLIT_DAYS = 35
"""For so long after a split, orders from before it are followed through it; few rest for as long."""
SPLIT_MS = SPLIT_DAYS * 86_400_000
NO_SPLITS: Mapping[str, Sequence[ShareSplit]] = MappingProxyType({})
# The columns of SCHEMA behind `market`. An event has its block's time unless it became true at one of its own.
EVENTS = sql.SQL("""
COPY (
    SELECT e.block_number, e.log_index, coalesce(e.time_ms, b.time_ms), ({kinds}::text[])[e.kind + 1], e.order_id,
        e.address, CASE WHEN e.is_bid THEN 'bid' WHEN NOT e.is_bid THEN 'ask' END, e.price, e.size, e.taker
    FROM onchain_marketevent e LEFT JOIN onchain_block b
        ON b.number = e.block_number AND b.canonical AND b.number BETWEEN {first} AND {last}
    WHERE e.market_id = {market} AND e.block_number BETWEEN {first} AND {last}
    ORDER BY e.block_number, e.log_index
) TO STDOUT (FORMAT csv)
""")


@transaction.atomic
def market_events_arrow(
    *,
    markets: Sequence[str],
    from_ms: int,
    to_ms: int,
    carry_in: bool = True,
    splits: Mapping[str, Sequence[ShareSplit]] = NO_SPLITS,
) -> pa.Table:
    """Return the evidence columns of the markets' carry-in at from_ms and their events in [from_ms, to_ms).

    carry_in: False leaves what rested before out, for whoever goes on from a state that knows it. splits: people's
    share splits by market; those of the last SPLIT_DAYS days tell what is left of orders that rest since before them.
    Sorted by block and log index, then by market: `log_index` counts a market's own events within a block. An
    event belongs where its block does: one that became true shortly before from_ms (an expiry, told by the first
    block after it) is in. Raises UnknownMarketError, MarketQuarantinedError, NotIndexedError.
    """
    before, last = _last_block_before(from_ms), _last_block_before(to_ms)
    parts = [SCHEMA.empty_table()]
    for name in sorted(markets, key=lambda name: name.encode()):
        market = _market(name, last_block=last)
        if carry_in:
            own = [split for split in splits.get(name, ()) if from_ms - SPLIT_MS < split[0] <= from_ms]
            parts.append(_carry_in(market, block=before, splits=own))
        parts.append(_events(market, first=before + 1, last=last))
    table = pa.concat_tables(parts)
    if len(markets) < 2:
        return table
    return table.take(pa.array(np.lexsort((table.column("log_index").to_numpy(), table.column("block").to_numpy()))))


@transaction.atomic
def halt_changes(*, market: str, from_ms: int, to_ms: int) -> list[tuple[int, bool]]:
    """Return when the chain stopped a market (True) and let it go on (False) in [from_ms, to_ms), in its order.

    A market that is halted as the time begins has a stop a millisecond before it. Raises UnknownMarketError,
    MarketQuarantinedError, NotIndexedError.
    """
    before, last = _last_block_before(from_ms), _last_block_before(to_ms)
    stored = _market(market, last_block=last)
    found = MarketEvent.objects.filter(
        market_id=stored.pk,
        block_number__gt=before,
        block_number__lte=last,
        kind__in=(MarketEvent.Kind.HALT, MarketEvent.Kind.RESUME),
    )
    with _reading(stored, first=before + 1, last=last, what=f"The halts of {market}"):
        rows = list(found.order_by("block_number", "log_index").values_list("block_number", "time_ms", "kind"))
    times = _block_times({number for number, _, _ in rows})
    carried = [(from_ms - 1, True)] if _book_at(stored, block=before).halt else []
    return carried + [
        (times[number] if time_ms is None else time_ms, kind == MarketEvent.Kind.HALT) for number, time_ms, kind in rows
    ]


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
    book.apply(_rows(market, first=state.block_number + 1 if state else market.start_block, last=block))
    return book


def _reading(market: Market, *, first: int, last: int, what: str) -> AbstractContextManager[None]:
    """Read a market's events of blocks [first, last] inside; raises ArchivedError unless all are here throughout."""
    # Before its first block it has none, so nothing of it can be in the archive.
    first = max(first, market.start_block)
    return reading_here(first=first, what=what) if first <= last else nullcontext()


def _rows(market: Market, *, first: int, last: int) -> Iterator[Row]:
    reading = _reading(market, first=first, last=last, what=f"The book of {market.name}")
    with reading, connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, block_number, log_index, time_ms, order_id, address, is_bid, price, size, taker"
            " FROM onchain_marketevent WHERE market_id = %s AND block_number BETWEEN %s AND %s"
            " ORDER BY block_number, log_index",
            [market.pk, first, last],
        )
        rows = cursor.fetchall()
    for kind, block, log_index, time_ms, order, address, is_bid, price, size, taker in rows:
        side = None if is_bid is None else ("bid" if is_bid else "ask")
        yield Row(KIND_NAMES[kind], block, log_index, time_ms, order, address, side, price, size, taker)


def _book_over_splits(market: Market, *, block: int, splits: Sequence[ShareSplit]) -> Book:
    """Return what rests after `block`, replayed from before the first of the splits."""
    first = min(block, _last_block_before(min(time_ms for time_ms, _, _ in splits)))
    began = _book_at(market, block=first)
    rows = list(_rows(market, first=first + 1, last=block))
    times = _block_times({row.block for row in [*rows, *began.orders.values()]})

    def timed(row: Row) -> Row:
        return row if row.time_ms is not None else row._replace(time_ms=times[row.block])

    book = Book({order: timed(row) for order, row in began.orders.items()}, began.anchor, began.halt, tuple(splits))
    book.apply(timed(row) for row in rows)
    return book


def _carry_in(market: Market, *, block: int, splits: Sequence[ShareSplit]) -> pa.Table:
    book = _book_over_splits(market, block=block, splits=splits) if splits else _book_at(market, block=block)
    rows = book.rows()
    times = _block_times({row.block for row in rows})
    columns: dict[str, list[object]] = {field.name: [] for field in SCHEMA}
    for row in rows:
        values = (
            market.name, row.block, row.log_index, times[row.block] if row.time_ms is None else row.time_ms, row.kind,
            row.order, row.address, row.side, row.price, row.size, row.taker,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pa.table(columns, schema=SCHEMA)


def _events(market: Market, *, first: int, last: int) -> pa.Table:
    text = BytesIO()
    reading = _reading(market, first=first, last=last, what=f"A time of {market.name}")
    values = {"kinds": [KIND_NAMES[code] for code in range(len(KIND_NAMES))], "first": first, "last": last}
    statement = EVENTS.format(market=market.pk, **values)
    # With the values in it: where Django notes statements (DEBUG), its copy() takes no parameters. It notes text.
    with reading, connection.cursor() as cursor, cursor.copy(statement.as_string(cursor.connection)) as copy:
        for part in copy:
            text.write(part)
    if not text.tell():
        return SCHEMA.empty_table()
    columns = csv.read_csv(
        pa.BufferReader(text.getbuffer()),
        # Whoever wants several cores runs several processes.
        read_options=csv.ReadOptions(column_names=SCHEMA.names[1:], use_threads=False),
        convert_options=csv.ConvertOptions(
            column_types=SCHEMA, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    return columns.add_column(0, SCHEMA.field("market"), pa.repeat(market.name, len(columns)))


def _block_times(numbers: set[int]) -> dict[int, int]:
    return dict(Block.objects.filter(canonical=True, number__in=list(numbers)).values_list("number", "time_ms"))
