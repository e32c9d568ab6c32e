"""Rows of columns in PostgreSQL's binary COPY format, without a Python object a row.

Rows of one shape (the same fields absent, the same lengths) are one matrix of bytes each, so they come out grouped by
shape; the order of rows in a COPY means nothing.
Source: PostgreSQL documentation, COPY, Binary Format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onchain.columns import MAX_TOPICS, WORD, Bytes, LogColumns
from onchain.venues.events import ABSENT, BID, EventColumns

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
ROWS_A_CHUNK = 4096
"""Rows that are put together at a time: the places of their bytes take eight times the room of the bytes."""
RAW_LOG_COLUMNS = "block_number, log_index, transaction_index, block_hash, transaction_hash, address, topics, data"
EVENT_COLUMNS = "block_number, price, size, time_ms, market_id, log_index, kind, is_bid, order_id, address, taker"
ADDRESS_LENGTH = 42

Field = Bytes | None
"""(m, width) bytes of a column for m rows; None: the column is NULL in all of them."""


def raw_log_rows(logs: LogColumns) -> Iterator[bytes]:
    """Yield the rows of onchain_rawlog, columns in the order of RAW_LOG_COLUMNS."""
    names = np.frombuffer("".join(logs.addresses).encode(), np.uint8).reshape(-1, ADDRESS_LENGTH)
    lengths = np.diff(logs.data_offsets)
    for rows in _shapes(logs.topic_count.astype(np.int64), lengths):
        for chunk in _chunks(rows):
            size, topics = int(lengths[chunk[0]]), int(logs.topic_count[chunk[0]])
            places = logs.data_offsets[:-1][chunk][:, None] + np.arange(size)
            yield _matrix([
                _int8(logs.block[chunk]), _int4(logs.log_index[chunk]), _int4(logs.transaction_index[chunk]),
                logs.block_hash[chunk], logs.transaction_hash[chunk], names[logs.address[chunk]],
                logs.topics[chunk].reshape(len(chunk), MAX_TOPICS * WORD)[:, : WORD * topics], logs.data[places],
            ])  # fmt: skip


def event_rows(events: EventColumns, *, market_id: int) -> Iterator[bytes]:
    """Yield the rows of onchain_marketevent, columns in the order of EVENT_COLUMNS."""
    order = _Texts(events.order)
    address, taker = _Texts(events.address), _Texts(events.taker)
    numbers = (events.price, events.size, events.time_ms)
    shapes = _shapes(
        *(column == ABSENT for column in (*numbers, events.side)), *(t.lengths for t in (order, address, taker))
    )
    for rows in shapes:
        for chunk in _chunks(rows):
            yield _matrix([
                _int8(events.block[chunk]), *(_optional_int8(column[chunk]) for column in numbers),
                _int4(np.full(len(chunk), market_id)), _int4(events.log_index[chunk]), _int2(events.kind[chunk]),
                None if events.side[chunk[0]] == ABSENT else (events.side[chunk] == BID).astype(np.uint8)[:, None],
                order.of(chunk), address.of(chunk), taker.of(chunk),
            ])  # fmt: skip


class _Texts:
    """A column of short ASCII texts; lengths: -1 where there is none."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = texts
        self.lengths = np.array([ABSENT if text is None else len(text) for text in texts], np.int64)

    def of(self, rows: npt.NDArray[np.intp]) -> Field:
        """Return the texts of rows, which are all equally long."""
        length = int(self.lengths[rows[0]])
        if length == ABSENT:
            return None
        joined = "".join([self._texts[row] or "" for row in rows.tolist()])
        return np.frombuffer(joined.encode(), np.uint8).reshape(len(rows), length)


def _shapes(*keys: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the rows that agree in all keys, group by group."""
    if not len(keys[0]):
        return
    _, group = np.unique(np.stack([key.astype(np.int64) for key in keys], axis=1), axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def _chunks(rows: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for start in range(0, len(rows), ROWS_A_CHUNK):
        yield rows[start : start + ROWS_A_CHUNK]


def _matrix(fields: Sequence[Field]) -> bytes:
    """Return m rows: the number of fields, then each field's length (-1 for NULL) and bytes."""
    count = next(len(field) for field in fields if field is not None)
    parts = [_constant(len(fields), ">i2", count)]
    for field in fields:
        parts.append(_constant(-1 if field is None else field.shape[1], ">i4", count))
        if field is not None:
            parts.append(field)
    return np.concatenate(parts, axis=1).tobytes()


def _constant(value: int, kind: str, count: int) -> Bytes:
    octets = np.frombuffer(np.array([value], kind).tobytes(), np.uint8)
    return np.broadcast_to(octets, (count, len(octets)))


def _big_endian(values: npt.NDArray[Any], kind: str) -> Bytes:
    return np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(len(values), -1)


def _int8(values: npt.NDArray[Any]) -> Bytes:
    return _big_endian(values, ">i8")


def _optional_int8(values: npt.NDArray[Any]) -> Field:
    return None if values[0] == ABSENT else _int8(values)


def _int4(values: npt.NDArray[Any]) -> Bytes:
    return _big_endian(values, ">i4")


def _int2(values: npt.NDArray[Any]) -> Bytes:
    return _big_endian(values, ">i2")
