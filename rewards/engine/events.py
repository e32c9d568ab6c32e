"""The events of an epoch as columns of numbers, and their split into one table per market.

Source: docs/spec/evidence.md, *events.parquet*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rewards.engine.errors import EventsError

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Int8s = npt.NDArray[np.int8]

EVENT_KINDS = ("place", "cancel", "fill", "anchor", "halt", "resume")
PLACE, CANCEL, FILL, ANCHOR, HALT, RESUME = range(len(EVENT_KINDS))
SIDES = ("bid", "ask")
BID, ASK = range(len(SIDES))
ABSENT = -1  # the code of a null, or of text that is none of the known words
NOBODY = -2  # the owner of an event that names no address
NO_SIZE = np.iinfo(np.int64).min

SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("block", pa.int64()),
        ("log_index", pa.int64()),
        ("time_ms", pa.int64()),
        ("kind", pa.string()),
        ("order", pa.string()),
        ("address", pa.string()),
        ("side", pa.string()),
        ("price", pa.int64()),
        ("size", pa.int64()),
        ("taker", pa.string()),
    ]
)


@dataclass(frozen=True, eq=False)
class Words:
    """A column of text as codes into the list of its different values; ABSENT stands for null."""

    codes: Int32s
    values: pa.Array


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events of any markets in the order of their table. Every array has one entry per event.

    kind, side: indices into EVENT_KINDS and SIDES, or ABSENT. price: ticks (anchor: half-ticks), 0 when null.
    size: lots, NO_SIZE when null.
    """

    market: Words
    block: Int64s
    log_index: Int64s
    time_ms: Int64s
    kind: Int8s
    order: Words
    address: Words
    side: Int8s
    price: Int64s
    size: Int64s
    taker: Words

    def __len__(self) -> int:
        """The number of events."""
        return len(self.block)

    @classmethod
    def from_arrow(cls, table: pa.Table | pa.RecordBatch) -> EventColumns:
        """Read a table with the columns of docs/spec/evidence.md; text may be dictionary-encoded.

        Raises EventsError when a column is missing, has another type, or lacks a value that every event has.
        """
        table = _as_table(table)
        return cls(
            market=_words(table, "market", required=True),
            block=_numbers(table, "block"),
            log_index=_numbers(table, "log_index"),
            time_ms=_numbers(table, "time_ms"),
            kind=_choices(table, "kind", EVENT_KINDS),
            order=_words(table, "order"),
            address=_lower_case(_words(table, "address"), "address"),
            side=_choices(table, "side", SIDES),
            price=_numbers(table, "price", null=0),
            size=_sizes(table),
            taker=_lower_case(_words(table, "taker"), "taker"),
        )

    @classmethod
    def empty(cls) -> EventColumns:
        """Return columns without any event."""
        return cls.from_arrow(SCHEMA.empty_table())

    def to_arrow(self) -> pa.Table:
        """Return the table of docs/spec/evidence.md, text as plain strings."""
        columns = {
            "market": _text(self.market),
            "block": pa.array(self.block),
            "log_index": pa.array(self.log_index),
            "time_ms": pa.array(self.time_ms),
            "kind": _text(Words(self.kind.astype(np.int32), pa.array(EVENT_KINDS))),
            "order": _text(self.order),
            "address": _text(self.address),
            "side": _text(Words(self.side.astype(np.int32), pa.array(SIDES))),
            "price": pa.array(self.price, mask=self.price == 0),
            "size": pa.array(self.size, mask=self.size == NO_SIZE),
            "taker": _text(self.taker),
        }
        return pa.table(columns, schema=SCHEMA)

    def split(self, *, makers: Mapping[str, str]) -> dict[str, MarketEvents]:
        """Return the events of each market, owners and takers as indices into `maker_names(makers)`.

        makers: enrolled address to maker.
        """
        index = {name: number for number, name in enumerate(maker_names(makers))}
        maker_index = {address: index[maker] for address, maker in makers.items()}
        owners = _maker_codes(self.address, maker_index)
        takers = _maker_codes(self.taker, maker_index)
        scratch = np.full(len(self.order.values), ABSENT, dtype=np.int32)
        tables = {}
        for code, name in enumerate(self.market.values.to_pylist()):
            rows = np.flatnonzero(self.market.codes == code)
            if len(rows):
                tables[name] = self._market_events(rows, owners, takers, scratch)
        return tables

    def _market_events(self, rows: Any, owners: Int32s, takers: Int32s, scratch: Int32s) -> MarketEvents:
        codes, used = _dense(self.order.codes[rows], scratch)
        return MarketEvents(
            block=self.block[rows],
            log_index=self.log_index[rows],
            time_ms=self.time_ms[rows],
            kind=self.kind[rows],
            order=codes,
            order_ids=self.order.values.take(pa.array(used)),
            owner=owners[rows],
            taker=takers[rows],
            side=self.side[rows],
            price=self.price[rows],
            size=self.size[rows],
        )


@dataclass(frozen=True, eq=False)
class MarketEvents:
    """Events of one market. order: dense codes into order_ids. owner, taker: indices of makers.

    An owner is NOBODY when the event names no address at all, ABSENT when nobody enrolled owns it.
    """

    block: Int64s
    log_index: Int64s
    time_ms: Int64s
    kind: Int8s
    order: Int32s
    order_ids: pa.Array
    owner: Int32s
    taker: Int32s
    side: Int8s
    price: Int64s
    size: Int64s

    def __len__(self) -> int:
        """The number of events."""
        return len(self.block)

    def slice(self, start: int, stop: int) -> MarketEvents:
        """Return the events from index `start` up to `stop`, as views of these."""
        if start == 0 and stop >= len(self):
            return self
        cut = {each.name: getattr(self, each.name) for each in fields(self)}
        return MarketEvents(
            **{name: value if name == "order_ids" else value[start:stop] for name, value in cut.items()}
        )

    @classmethod
    def none(cls) -> MarketEvents:
        """Return no events."""
        numbers, codes, choices = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int8)
        return cls(
            block=numbers,
            log_index=numbers,
            time_ms=numbers,
            kind=choices,
            order=codes,
            order_ids=pa.array([], pa.string()),
            owner=codes,
            taker=codes,
            side=choices,
            price=numbers,
            size=numbers,
        )


def maker_names(makers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the makers of an address map, each once, in byte order: the order of every table by maker."""
    return tuple(sorted(set(makers.values()), key=lambda name: name.encode("utf-8")))


def _as_table(table: pa.Table | pa.RecordBatch) -> pa.Table:
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise EventsError(reason=f"the column {missing[0]} is missing")
    twice = [name for name in SCHEMA.names if table.column_names.count(name) > 1]
    if twice:
        raise EventsError(reason=f"the column {twice[0]} is there twice")
    return table


def _numbers(table: pa.Table, name: str, *, null: int | None = None) -> Int64s:
    column = table.column(name)
    if not pa.types.is_int64(column.type):
        raise EventsError(reason=f"the column {name} is of type {column.type} and has to be int64")
    if column.null_count and null is None:
        raise EventsError(reason=f"the column {name} has a null, and every event needs a value there")
    filled = column.fill_null(null) if column.null_count else column
    return np.ascontiguousarray(filled.to_numpy())


def _sizes(table: pa.Table) -> Int64s:
    """The sizes, nulls as NO_SIZE. A size that is NO_SIZE itself becomes 0, which is as impossible."""
    column = table.column("size")
    if not pa.types.is_int64(column.type):
        raise EventsError(reason=f"the column size is of type {column.type} and has to be int64")
    known = np.ascontiguousarray(column.fill_null(1).to_numpy())
    sizes = np.where(known == NO_SIZE, 0, known)
    sizes[column.is_null().to_numpy()] = NO_SIZE
    return sizes


def _words(table: pa.Table, name: str, *, required: bool = False) -> Words:
    column = table.column(name)
    value_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(value_type) or pa.types.is_large_string(value_type)):
        raise EventsError(reason=f"the column {name} is of type {column.type} and has to be text")
    if required and column.null_count:
        raise EventsError(reason=f"the column {name} has a null, and every event needs a value there")
    encoded = _one_dictionary(column if pa.types.is_dictionary(column.type) else column.dictionary_encode())
    values = encoded.dictionary.to_pylist() if pa.types.is_dictionary(column.type) else []
    if len(set(values)) != len(values) or None in values:  # codes have to stand for different values
        encoded = _one_dictionary(column.cast(value_type).dictionary_encode())
    indices = encoded.indices.fill_null(ABSENT) if encoded.null_count else encoded.indices
    return Words(codes=indices.to_numpy(zero_copy_only=False).astype(np.int32), values=encoded.dictionary)


def _one_dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if column.num_chunks == 0:
        return pa.array([], pa.string()).dictionary_encode()
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.unify_dictionaries().chunks)


def _choices(table: pa.Table, name: str, choices: tuple[str, ...]) -> Int8s:
    words = _words(table, name)
    known = {word: code for code, word in enumerate(choices)}
    lookup = [known.get(word, ABSENT) for word in words.values.to_pylist()]
    return np.array([*lookup, ABSENT], dtype=np.int8)[words.codes]


def _lower_case(words: Words, name: str) -> Words:
    """Refuse addresses in mixed case: they would count as strangers without a word."""
    for value in words.values.to_pylist():
        if value != value.lower():
            raise EventsError(reason=f"the column {name} holds {value}, which is not lower-case hex")
    return words


def _maker_codes(words: Words, maker_index: Mapping[str, int]) -> Int32s:
    """Return per event the index of the maker that the address belongs to, ABSENT or NOBODY."""
    lookup = [maker_index.get(each, ABSENT) for each in words.values.to_pylist()]
    return np.array([*lookup, NOBODY], dtype=np.int32)[words.codes]


def _dense(codes: Int32s, scratch: Int32s) -> tuple[Int32s, Int32s]:
    """Renumber codes from 0 on; return the new codes and the old code of each. ABSENT stays.

    scratch: one ABSENT per possible code; it is left as it was found.
    """
    is_used = np.zeros(len(scratch), np.bool_)
    is_used[codes[codes >= 0]] = True
    used = np.flatnonzero(is_used).astype(np.int32)
    scratch[used] = np.arange(len(used), dtype=np.int32)
    dense = np.where(codes >= 0, scratch[codes], ABSENT).astype(np.int32) if len(scratch) else codes
    scratch[used] = ABSENT
    return dense, used


def _text(words: Words) -> pa.Array:
    codes = pa.array(words.codes, mask=words.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, words.values.cast(pa.string())).dictionary_decode()
