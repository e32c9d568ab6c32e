"""Logs as columns of numbers: one numpy array a field, no Python object a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

WORD = 32
MAX_TOPICS = 4
ABSENT = -1


@dataclass(frozen=True, eq=False, slots=True)
class LogColumns:
    """Raw logs in the order in which they came; n logs, every array has n entries unless it says otherwise.

    block, log_index: int64; log_index counts over the block. transaction_index, timestamp_s: int64, ABSENT where the
    source doesn't say. block_hash, transaction_hash: (n, 32) bytes. address: indices into `addresses` (lower-case
    hex). topics: (n, 4, 32) bytes, zeros after the last of topic_count. data: the bytes of all logs one after the
    other; those of log i are data[data_offsets[i]:data_offsets[i + 1]], so data_offsets has n + 1 entries.
    """

    block: Int64s
    log_index: Int64s
    transaction_index: Int64s
    timestamp_s: Int64s
    block_hash: Bytes
    transaction_hash: Bytes
    address: Int32s
    addresses: tuple[str, ...]
    topics: Bytes
    topic_count: Bytes
    data_offsets: Int64s
    data: Bytes

    def __len__(self) -> int:
        """The number of logs."""
        return len(self.block)

    @classmethod
    def empty(cls) -> LogColumns:
        """Return columns without any log."""
        none = np.zeros(0, np.int64)
        hashes = np.zeros((0, WORD), np.uint8)
        return cls(
            block=none, log_index=none, transaction_index=none, timestamp_s=none, block_hash=hashes,
            transaction_hash=hashes, address=np.zeros(0, np.int32), addresses=(),
            topics=np.zeros((0, MAX_TOPICS, WORD), np.uint8), topic_count=np.zeros(0, np.uint8),
            data_offsets=np.zeros(1, np.int64), data=np.zeros(0, np.uint8),
        )  # fmt: skip

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[int, int, int, int, bytes, bytes, str, bytes, bytes]]) -> LogColumns:
        """Make columns from rows: block, log_index, transaction_index, timestamp_s, block_hash, transaction_hash,

        address, topics (32 bytes each, one after the other), data.
        """
        if not rows:
            return cls.empty()
        numbers = np.array([row[:4] for row in rows], np.int64)
        index: dict[str, int] = {}
        address = np.array([index.setdefault(row[6], len(index)) for row in rows], np.int32)
        data = [bytes(row[8]) for row in rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(part) for part in data], out=offsets[1:])
        topics = [bytes(row[7]) for row in rows]

        def words(parts: Sequence[bytes], *shape: int) -> Bytes:
            return np.frombuffer(b"".join(parts), np.uint8).reshape(len(rows), *shape)

        return cls(
            block=numbers[:, 0].copy(), log_index=numbers[:, 1].copy(), transaction_index=numbers[:, 2].copy(),
            timestamp_s=numbers[:, 3].copy(), block_hash=words([bytes(row[4]) for row in rows], WORD),
            transaction_hash=words([bytes(row[5]) for row in rows], WORD), address=address, addresses=tuple(index),
            topics=words([part.ljust(MAX_TOPICS * WORD, b"\0") for part in topics], MAX_TOPICS, WORD),
            topic_count=np.array([len(part) // WORD for part in topics], np.uint8), data_offsets=offsets,
            data=np.frombuffer(b"".join(data), np.uint8),
        )  # fmt: skip

    def cut(self, start: int, stop: int) -> LogColumns:
        """Return logs start to stop - 1 as views on the same memory."""
        offsets = self.data_offsets[start : stop + 1]
        first = int(offsets[0]) if len(offsets) else 0
        last = int(offsets[-1]) if len(offsets) else 0
        return self._with(slice(start, stop), self.data[first:last], offsets - first)

    def take(self, rows: npt.NDArray[np.intp]) -> LogColumns:
        """Return the logs of the given rows, in their order, as copies."""
        starts = self.data_offsets[:-1][rows]
        lengths = self.data_offsets[1:][rows] - starts
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        return self._with(rows, self.data[source], offsets)

    def of_addresses(self, addresses: Sequence[str]) -> LogColumns:
        """Return the logs of these contracts (lower-case hex)."""
        wanted = np.array([address in addresses for address in self.addresses], dtype=bool)
        if wanted.all():
            return self
        return self.take(np.flatnonzero(wanted[self.address]))

    def data_of(self, row: int) -> bytes:
        """Return one log's data."""
        return self.data[self.data_offsets[row] : self.data_offsets[row + 1]].tobytes()

    def topics_of(self, row: int) -> bytes:
        """Return one log's topics, 32 bytes each, one after the other."""
        return self.topics[row, : self.topic_count[row]].tobytes()

    def _with(self, rows: slice | npt.NDArray[np.intp], data: Bytes, offsets: Int64s) -> LogColumns:
        return LogColumns(
            block=self.block[rows], log_index=self.log_index[rows], transaction_index=self.transaction_index[rows],
            timestamp_s=self.timestamp_s[rows], block_hash=self.block_hash[rows],
            transaction_hash=self.transaction_hash[rows], address=self.address[rows], addresses=self.addresses,
            topics=self.topics[rows], topic_count=self.topic_count[rows], data_offsets=offsets, data=data,
        )  # fmt: skip


def concatenate(parts: Sequence[LogColumns]) -> LogColumns:
    """Return the logs of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return LogColumns.empty()
    names = tuple(dict.fromkeys(name for part in parts for name in part.addresses))
    code = {name: index for index, name in enumerate(names)}
    ends = np.cumsum([0] + [int(part.data_offsets[-1]) for part in parts])
    return LogColumns(
        block=np.concatenate([part.block for part in parts]),
        log_index=np.concatenate([part.log_index for part in parts]),
        transaction_index=np.concatenate([part.transaction_index for part in parts]),
        timestamp_s=np.concatenate([part.timestamp_s for part in parts]),
        block_hash=np.concatenate([part.block_hash for part in parts]),
        transaction_hash=np.concatenate([part.transaction_hash for part in parts]),
        address=np.concatenate(
            [np.array([code[name] for name in part.addresses] or [0], np.int32)[part.address] for part in parts]
        ),
        addresses=names,
        topics=np.concatenate([part.topics for part in parts]),
        topic_count=np.concatenate([part.topic_count for part in parts]),
        data_offsets=np.concatenate(
            [part.data_offsets[:-1] + end for part, end in zip(parts, ends, strict=False)] + [ends[-1:]]
        ),
        data=np.concatenate([part.data for part in parts]),
    )


@dataclass(frozen=True, eq=False, slots=True)
class BlockColumns:
    """Consecutive known blocks, empty ones included: number and timestamp_s (whole seconds), both ascending."""

    number: Int64s
    timestamp_s: Int64s

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self.number)

    @classmethod
    def of(cls, *, number: Sequence[int], timestamp_s: Sequence[int]) -> BlockColumns:
        """Make columns from two sequences of the same length."""
        return cls(number=np.array(number, np.int64), timestamp_s=np.array(timestamp_s, np.int64))

    @classmethod
    def of_logs(cls, logs: LogColumns) -> BlockColumns:
        """Return the blocks that logs with timestamps name: all one knows without a list of headers."""
        if not len(logs):
            return cls.of(number=[], timestamp_s=[])
        number, first = np.unique(logs.block, return_index=True)
        return cls(number=number, timestamp_s=logs.timestamp_s[first])
