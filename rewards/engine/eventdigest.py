"""A hash over the events of one market, chained from piece to piece: what a replay was fed, in 32 bytes."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rewards.engine.events import MarketEvents

NO_EVENTS = "0" * 64
"""What the first piece of a chain goes on from."""


def digest_events(events: MarketEvents, *, after: str) -> str:
    """Return the SHA-256 (64 hex digits) of the digest `after` and of these events.

    It covers all that a replay looks at, and nothing of how the events came in (batches, codes of words). The
    makers are in it by index: digests are of use beside what names the makers, such as `MarketScorer.key`.
    """
    hasher = hashlib.sha256(bytes.fromhex(after))
    hasher.update(len(events).to_bytes(8, "little"))
    for name in ("block", "log_index", "time_ms", "kind", "owner", "taker", "side", "price", "size"):
        hasher.update(_bytes(getattr(events, name)))
    ids = events.order_ids.cast(pa.large_string()).take(pa.array(events.order, mask=events.order < 0))
    hasher.update(_bytes(pc.binary_length(ids).fill_null(-1).to_numpy(zero_copy_only=False)))
    hasher.update(_text(ids))
    return hasher.hexdigest()


def _bytes(column: npt.NDArray[np.integer]) -> bytes:
    return column.astype("<i8").tobytes()


def _text(words: pa.Array) -> bytes:
    """Return the UTF-8 of all words, one after the other."""
    filled = words.fill_null("")
    offsets = np.frombuffer(filled.buffers()[1], np.int64)[filled.offset : filled.offset + len(filled) + 1]
    data = filled.buffers()[2]
    return b"" if data is None or not len(filled) else data.to_pybytes()[offsets[0] : offsets[-1]]
