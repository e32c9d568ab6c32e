"""A market's events straight from a node, without our database: verified blocks, the venue's adapter, nothing else.

Source: spec/evidence.md, the last section; spec/venues.md, Time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import pyarrow as pa

from onchain.blocktime import block_times
from onchain.book import Book, Row
from onchain.derive import as_row
from onchain.errors import BlockMissingError, BrokenLinkError
from onchain.fetch import FetchedBlock, fetch_blocks, head_number
from onchain.market_events import SCHEMA
from onchain.rpc import RpcClient
from onchain.venues import Adapter, make_adapter

BATCH_BLOCKS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSpec:
    """A market as a manifest names it."""

    name: str
    adapter: str
    address: str
    start_block: int
    config: Mapping[str, Any]


@dataclass(slots=True)
class _Market:
    spec: MarketSpec
    adapter: Adapter
    book: Book = field(default_factory=Book)
    events: list[Row] = field(default_factory=list)
    carried: list[Row] | None = None


@dataclass(frozen=True, slots=True)
class FromChain:
    """What the chain gave. events: the columns of events.parquet. to_block_hash: 0x hex."""

    events: pa.Table
    to_block_hash: str


def events_from_chain(
    client: RpcClient,
    *,
    markets: Sequence[MarketSpec],
    from_block: int,
    to_block: int,
    from_ms: int,
    to_ms: int,
    progress: Callable[[int], None] = lambda number: None,
) -> FromChain:
    """Return the events of [from_ms, to_ms) with the carry-in, from blocks [from_block, to_block] alone.

    Every block's receipts rebuild its header's root and its parent hash links it. Raises the client's and fetch's
    errors, ImpossibleEventError where a log is one that no honest run of the venue could have left.
    """
    followed = [
        _Market(spec, make_adapter(name=spec.adapter, config=spec.config))
        for spec in sorted(markets, key=lambda spec: spec.name.encode())
    ]
    last_hash = b""
    for block, time_ms in _timed(_blocks(client, first=from_block, last=to_block, progress=progress)):
        if block.number > to_block or time_ms >= to_ms:
            continue
        if block.number == to_block:
            last_hash = block.hash
        for market in followed:
            _take(market, block, time_ms, from_ms=from_ms)
    return FromChain(_table(followed), "0x" + last_hash.hex())


def _take(market: _Market, block: FetchedBlock, time_ms: int, *, from_ms: int) -> None:
    logs = [log for log in block.logs if log.address == market.spec.address]
    if block.number < market.spec.start_block or not logs:
        return
    events = market.adapter.apply(block_number=block.number, timestamp_s=block.timestamp_s, logs=logs)
    rows = [as_row(event, block_number=block.number, log_index=index) for index, event in enumerate(events)]
    timed = [row._replace(time_ms=time_ms if row.time_ms is None else row.time_ms) for row in rows]
    if time_ms >= from_ms:
        if market.carried is None:
            market.carried = market.book.rows()
        market.events.extend(timed)
    else:
        market.book.apply(timed)


def _blocks(client: RpcClient, *, first: int, last: int, progress: Callable[[int], None]) -> Iterator[FetchedBlock]:
    """Yield the range, and what its first and last second hold beyond it: a second's blocks share its milliseconds."""
    head, before = head_number(client), first
    if head < last:
        raise BlockMissingError(block_number=last, rule=f"the node's newest block is {head}")
    second = fetch_blocks(client, first=first, last=first)[0].timestamp_s
    while before > 0 and fetch_blocks(client, first=before - 1, last=before - 1)[0].timestamp_s == second:
        before -= 1
    previous: FetchedBlock | None = None
    for start in range(before, head + 1, BATCH_BLOCKS):
        batch = fetch_blocks(client, first=start, last=min(start + BATCH_BLOCKS - 1, head))
        for parent, block in pairwise([previous, *batch] if previous else batch):
            if parent is not None and block is not None and block.parent_hash != parent.hash:
                raise BrokenLinkError(block_number=block.number, rule="its parent hash is not the block before it")
        for block in batch:
            if previous is not None and block.number > last and block.timestamp_s > previous.timestamp_s:
                return
            previous = block
            yield block
        progress(batch[-1].number)


def _timed(blocks: Iterator[FetchedBlock]) -> Iterator[tuple[FetchedBlock, int]]:
    for _, of_second in groupby(blocks, key=lambda block: block.timestamp_s):
        members = list(of_second)
        for block, time in zip(members, block_times([block.timestamp_s for block in members]), strict=True):
            yield block, time.time_ms


def _table(markets: Sequence[_Market]) -> pa.Table:
    merged = sorted(
        (
            (row.block, row.log_index, rank, market.spec.name, row)
            for rank, market in enumerate(markets)
            for row in [*(market.book.rows() if market.carried is None else market.carried), *market.events]
        ),
        key=lambda item: item[:3],
    )
    columns: dict[str, list[Any]] = {field.name: [] for field in SCHEMA}
    for block, log_index, _, name, row in merged:
        values = (
            name, block, log_index, row.time_ms, row.kind, row.order, row.address, row.side, row.price, row.size,
            row.taker,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pa.table(columns, schema=SCHEMA)
