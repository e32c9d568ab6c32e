"""A market's events straight from a node, without our database: verified blocks, the venue's adapter, nothing else.

Source: docs/spec/evidence.md, the last paragraph; docs/spec/venues.md, Time.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from onchain.blocktime import block_times
from onchain.book import Book, Row, ShareSplit, row_of
from onchain.columns import BlockColumns, LogColumns, concatenate
from onchain.errors import BlockMissingError, BrokenLinkError
from onchain.fetch import fetch_whole, head_number
from onchain.market_events import NO_SPLITS, SCHEMA, SPLIT_MS
from onchain.rpc import RpcClient
from onchain.share_columns import ShareTransfers, TransferReader
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


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_s: int
    logs: LogColumns


@dataclass(slots=True)
class _Market:
    spec: MarketSpec
    adapter: Adapter
    book: Book = field(default_factory=Book)
    events: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FromChain:
    """What the chain gave. events: the columns of events.parquet. to_block_hash: 0x hex.

    blocks_after: of each instant that was asked for, number and time of the first block of the range after it.
    """

    events: pa.Table
    to_block_hash: str
    blocks_after: Mapping[int, tuple[int, int]]


def events_from_chain(
    client: RpcClient,
    *,
    markets: Sequence[MarketSpec],
    from_block: int,
    to_block: int,
    from_ms: int,
    to_ms: int,
    splits: Mapping[str, Sequence[ShareSplit]] = NO_SPLITS,
    instants_ms: Collection[int] = (),
    progress: Callable[[int], None] = lambda number: None,
) -> FromChain:
    """Return the events of [from_ms, to_ms) with the carry-in, from blocks [from_block, to_block] alone.

    Every block's receipts rebuild its header's root and its parent hash links it. Raises the client's and fetch's
    errors, ImpossibleEventError where a log is one that no honest run of the venue could have left.
    """
    followed = [
        _Market(
            spec,
            make_adapter(name=spec.adapter, config={**spec.config, "address": spec.address}),
            Book(splits=[each for each in splits.get(spec.name, ()) if from_ms - SPLIT_MS < each[0] <= from_ms]),
        )
        for spec in sorted(markets, key=lambda spec: spec.name.encode())
    ]
    last_hash, instants, blocks_after = b"", sorted(set(instants_ms)), dict[int, tuple[int, int]]()
    addresses = frozenset(address for market in followed for address in market.adapter.addresses)
    blocks = _blocks(client, first=from_block, last=to_block, addresses=addresses, progress=progress)
    wanted = (
        (block, time_ms)
        for block, time_ms in _timed(blocks)
        if from_block <= block.number <= to_block and time_ms < to_ms
    )
    while batch := list(islice(wanted, BATCH_BLOCKS)):
        last_hash = batch[-1][0].hash if batch[-1][0].number == to_block else b""
        for block, time_ms in batch:
            while instants and instants[0] < time_ms:
                blocks_after[instants.pop(0)] = block.number, time_ms
        for market in followed:
            _take(market, batch, from_ms=from_ms)
    return FromChain(_table(followed), "0x" + last_hash.hex(), blocks_after)


def transfers_from_chain(client: RpcClient, *, tokens: Mapping[str, int], to_block: int) -> dict[str, ShareTransfers]:
    """Return all transfers of share tokens through a block; tokens: address to the first block with a log of it.

    Blocks are proven and linked as for events. Raises the client's and fetch's errors and ShareTokenError.
    """
    readers = {token: TransferReader(token) for token in tokens}
    first = min(tokens.values(), default=to_block)
    blocks = _blocks(client, first=first, last=to_block, addresses=frozenset(tokens), progress=lambda number: None)
    for block, time_ms in _timed(blocks):
        if first <= block.number <= to_block and len(block.logs):
            for token, reader in readers.items():
                reader.add(block.logs.of_addresses([token]), times_ms={block.number: time_ms})
    return {token: reader.columns() for token, reader in readers.items()}


def _take(market: _Market, batch: Sequence[tuple[_Block, int]], *, from_ms: int) -> None:
    blocks = [block for block, _ in batch if block.number >= market.spec.start_block]
    times = {block.number: time_ms for block, time_ms in batch}
    logs = concatenate([block.logs for block in blocks]).of_addresses(market.adapter.addresses)
    columns = BlockColumns.of(
        number=[block.number for block in blocks], timestamp_s=[block.timestamp_s for block in blocks]
    )
    applied = market.adapter.apply(logs=logs, blocks=columns)
    if applied.impossible is not None:
        raise applied.impossible
    for row in (row_of(applied.events, place) for place in range(len(applied.events))):
        timed = row._replace(time_ms=times[row.block] if row.time_ms is None else row.time_ms)
        # An event belongs where its block does, also one that became true a little earlier.
        if times[row.block] < from_ms:
            market.book.apply([timed])
        else:
            market.events.append(timed)


def _fetch(client: RpcClient, *, first: int, last: int, addresses: frozenset[str]) -> list[_Block]:
    found = []
    for piece in fetch_whole(client, first=first, last=last, addresses=addresses):
        ends = np.searchsorted(piece.logs.block, piece.headers.number, side="right").tolist()
        for row, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            headers = piece.headers
            found.append(
                _Block(
                    int(headers.number[row]), headers.hash[row].tobytes(), headers.parent_hash[row].tobytes(),
                    int(headers.timestamp_s[row]), piece.logs.cut(start, end),
                )
            )  # fmt: skip
    return found


def _blocks(
    client: RpcClient, *, first: int, last: int, addresses: frozenset[str], progress: Callable[[int], None]
) -> Iterator[_Block]:
    """Yield the range, and what its first and last second hold beyond it: a second's blocks share its milliseconds."""
    head, before = head_number(client), first
    if head < last:
        raise BlockMissingError(block_number=last, rule=f"the node's newest block is {head}")
    second = _fetch(client, first=first, last=first, addresses=addresses)[0].timestamp_s
    while (
        before > 0 and _fetch(client, first=before - 1, last=before - 1, addresses=addresses)[0].timestamp_s == second
    ):
        before -= 1
    previous: _Block | None = None
    for start in range(before, head + 1, BATCH_BLOCKS):
        batch = _fetch(client, first=start, last=min(start + BATCH_BLOCKS - 1, head), addresses=addresses)
        for parent, block in pairwise([previous, *batch] if previous else batch):
            if parent is not None and block is not None and block.parent_hash != parent.hash:
                raise BrokenLinkError(block_number=block.number, rule="its parent hash is not the block before it")
        for block in batch:
            if previous is not None and block.number > last and block.timestamp_s > previous.timestamp_s:
                return
            previous = block
            yield block
        progress(batch[-1].number)


def _timed(blocks: Iterator[_Block]) -> Iterator[tuple[_Block, int]]:
    for _, of_second in groupby(blocks, key=lambda block: block.timestamp_s):
        members = list(of_second)
        for block, time in zip(members, block_times([block.timestamp_s for block in members]), strict=True):
            yield block, time.time_ms


def _table(markets: Sequence[_Market]) -> pa.Table:
    merged = sorted(
        (
            (row.block, row.log_index, rank, market.spec.name, row)
            for rank, market in enumerate(markets)
            for row in [*market.book.rows(), *market.events]
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
