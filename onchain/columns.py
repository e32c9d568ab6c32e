"""Logs as numpy columns, and the few operations that adapters and the database need on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

WORD = 32
_HEX_PAIRS = np.frombuffer("".join(f"{value:02x}" for value in range(256)).encode(), np.uint8).reshape(256, 2)


@dataclass(frozen=True, slots=True)
class LogColumns:
    """`n` logs in chain order. Byte columns hold raw bytes, not hex; `data` holds all logs' data end to end."""

    block_number: Ints  # (n,)
    log_index: Ints  # (n,) the chain's, counted over the whole block
    transaction_index: Ints  # (n,)
    block_hash: Bytes  # (n, 32)
    transaction_hash: Bytes  # (n, 32)
    address: Bytes  # (n, 20)
    topic_count: Ints  # (n,)
    topics: Bytes  # (n, 4, 32), zero beyond topic_count
    data: Bytes  # (data_start[n],)
    data_start: Ints  # (n + 1,)

    def __len__(self) -> int:
        return len(self.block_number)

    def take(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "LogColumns":
        """Return the logs at `index` (positions, or a mask), in that order."""
        if index.dtype == np.bool_:
            index = np.flatnonzero(index)
        lengths = np.diff(self.data_start)[index]
        starts = np.zeros(len(index) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        return LogColumns(
            *(getattr(self, name)[index] for name in _PER_LOG),
            data=gather(self.data, self.data_start[:-1][index], lengths),
            data_start=starts,
        )

    def data_of(self, position: int) -> bytes:
        """Return one log's data."""
        return self.data[self.data_start[position] : self.data_start[position + 1]].tobytes()

    def topics_of(self, position: int) -> list[bytes]:
        """Return one log's topics."""
        count = int(self.topic_count[position])
        return [self.topics[position, k].tobytes() for k in range(count)]


_PER_LOG = (
    "block_number",
    "log_index",
    "transaction_index",
    "block_hash",
    "transaction_hash",
    "address",
    "topic_count",
    "topics",
)


def empty_logs() -> LogColumns:
    """Return no logs."""
    none = np.zeros(0, np.int64)
    return LogColumns(
        block_number=none,
        log_index=none,
        transaction_index=none,
        block_hash=np.zeros((0, 32), np.uint8),
        transaction_hash=np.zeros((0, 32), np.uint8),
        address=np.zeros((0, 20), np.uint8),
        topic_count=none,
        topics=np.zeros((0, 4, WORD), np.uint8),
        data=np.zeros(0, np.uint8),
        data_start=np.zeros(1, np.int64),
    )


def concat_logs(parts: Sequence[LogColumns]) -> LogColumns:
    """Return the parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return empty_logs()
    starts = [part.data_start[1:] for part in parts]
    shifts = np.cumsum([0] + [len(part.data) for part in parts[:-1]])
    return LogColumns(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in _PER_LOG),
        data=np.concatenate([part.data for part in parts]),
        data_start=np.concatenate(
            [np.zeros(1, np.int64), *(start + shift for start, shift in zip(starts, shifts, strict=True))]
        ),
    )


def gather(data: Bytes, starts: Ints, lengths: Ints) -> Bytes:
    """Return the slices data[start : start + length] end to end."""
    total = int(lengths.sum())
    if total == 0:
        return np.zeros(0, np.uint8)
    ends = np.cumsum(lengths)
    positions = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return data[positions]


def hex_bytes(raw: Bytes) -> Bytes:
    """Return the lower-case hex digits (ASCII) of the last axis: (n, k) becomes (n, 2k)."""
    return _HEX_PAIRS[raw].reshape(*raw.shape[:-1], raw.shape[-1] * 2)


def address_bytes(address: str) -> Bytes:
    """Return the 20 bytes of a 0x hex address."""
    return np.frombuffer(bytes.fromhex(address.removeprefix("0x")), np.uint8)


def from_addresses(logs: LogColumns, addresses: Sequence[Bytes]) -> npt.NDArray[np.bool_]:
    """Return the mask of logs that one of `addresses` emitted."""
    mask = np.zeros(len(logs), np.bool_)
    for address in addresses:
        mask |= (logs.address == address).all(axis=1)
    return mask
