"""The raw bytes of a node's answer, or of a file of logs, to columns; nothing is guessed.

Most answers pass `onchain.fast.logs`, a compiled scanner that gives up at anything it isn't sure of; `json` then
decides whether the bytes are unusual or broken. Both ways give the same columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from onchain.columns import ABSENT, MAX_TOPICS, WORD, LogColumns
from onchain.errors import LogDecodeError
from onchain.fast import logs as fast
from onchain.fast.jsonbytes import UNSURE
from onchain.jsondepth import MAX_DEPTH, is_too_deep

LEAST_LOG_BYTES = 250  # an address, two hashes and the names of the fields take more
MAX_NUMBER = (1 << 63) - 1
ALWAYS = fast.ADDRESS | fast.TOPICS | fast.DATA | fast.BLOCK_HASH | fast.TX_HASH | fast.BLOCK_NUMBER | fast.LOG_INDEX
IN_RESPONSE = ALWAYS | fast.TX_INDEX
IN_LINE = ALWAYS | fast.TIMESTAMP

# numbers (n, 4): block, log index, transaction index, timestamp; then flat: hashes (the block's and the transaction's,
# 64 bytes a log), addresses (20), topics (4 * 32); topic_count (n); data; offsets (n + 1)
Buffers = tuple[Any, Any, Any, Any, Any, Any, Any]


def decode_logs(body: bytes) -> LogColumns:
    """Decode the response of `eth_getLogs`, or its bare result.

    Raises LogDecodeError when the bytes are no JSON, an error response, or a log lacks a field or has it malformed.
    """
    out = _buffers(len(body))
    count = fast.read_response(np.frombuffer(body, np.uint8), IN_RESPONSE, out) if body else UNSURE
    return _columns(out, count) if count != UNSURE else _from_objects(_result(_parse(body)), plain=False)


def decode_log_lines(body: bytes) -> LogColumns:
    """Decode a file of logs: one JSON object a line, with block number, log index and timestamp as integers.

    Raises LogDecodeError as decode_logs does.
    """
    out = _buffers(len(body))
    count = fast.read_lines(np.frombuffer(body, np.uint8), IN_LINE, out) if body else 0
    if count != UNSURE:
        return _columns(out, count)
    objects, offset = [], 0
    for line in body.split(b"\n"):
        if line.strip():
            objects.append(_parse(line, offset))
        offset += len(line) + 1
    return _from_objects(objects, plain=True)


def _buffers(size: int) -> Buffers:
    """Room for as many logs as that many bytes can hold; pages that are not written cost nothing."""
    rows = size // LEAST_LOG_BYTES + 1
    offsets = np.empty(rows + 1, np.int64)
    offsets[0] = 0
    return (
        np.empty((rows, 4), np.int64), np.empty(rows * 2 * WORD, np.uint8), np.empty(rows * 20, np.uint8),
        np.empty(rows * MAX_TOPICS * WORD, np.uint8), np.empty(rows, np.uint8), np.empty(size // 2 + 1, np.uint8),
        offsets,
    )  # fmt: skip


def _columns(out: Buffers, count: int) -> LogColumns:
    numbers, hashes, addresses, topics, topic_count, data, offsets = out
    hashes, topics = hashes.reshape(-1, 2, WORD), topics.reshape(-1, MAX_TOPICS, WORD)
    code, names = _distinct(addresses.reshape(-1, 20)[:count])
    return LogColumns(
        block=numbers[:count, 0].copy(), log_index=numbers[:count, 1].copy(),
        transaction_index=numbers[:count, 2].copy(), timestamp_s=numbers[:count, 3].copy(),
        block_hash=hashes[:count, 0].copy(), transaction_hash=hashes[:count, 1].copy(), address=code, addresses=names,
        topics=topics[:count].copy(), topic_count=topic_count[:count].copy(),
        data_offsets=offsets[: count + 1].copy(), data=data[: offsets[count]].copy(),
    )  # fmt: skip


def _distinct(addresses: Any) -> tuple[Any, tuple[str, ...]]:
    """Return for each (n, 20) row its index into the different ones, in order of first appearance, and their hex."""
    if not len(addresses):
        return np.zeros(0, np.int32), ()
    changed = np.any(addresses[1:] != addresses[:-1], axis=1)
    starts = np.concatenate([[0], np.flatnonzero(changed) + 1])
    index: dict[str, int] = {}
    codes = [index.setdefault("0x" + addresses[start].tobytes().hex(), len(index)) for start in starts.tolist()]
    lengths = np.diff(np.append(starts, len(addresses)))
    return np.repeat(np.array(codes, np.int32), lengths), tuple(index)


# --- the way through json --------------------------------------------------------------------------------------


def _refuse(rule: str, *, offset: int = 0) -> NoReturn:
    raise LogDecodeError(offset=offset, rule=rule)


class Members(dict[str, Any]):
    """An object's members, and the names that it has more than once."""

    twice: frozenset[str] = frozenset()

    def has_once(self, name: str) -> bool:
        """Tell whether the name is there. Raises LogDecodeError when it is there more than once."""
        if name in self.twice:
            _refuse(f"the key {name!r} is there twice in one object")
        return name in self


def _members(pairs: Sequence[tuple[str, Any]]) -> Members:
    found = Members(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found.twice = frozenset(name for name in names if names.count(name) > 1)
    return found


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is no JSON")


def _parse(body: bytes, offset: int = 0) -> Any:
    """Parse JSON. Raises LogDecodeError."""
    if is_too_deep(body):
        _refuse(f"it is nested more than {MAX_DEPTH} deep", offset=offset)
    try:
        return json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        _refuse("it is not UTF-8", offset=offset + error.start)
    except json.JSONDecodeError as error:
        _refuse(f"it is no JSON ({error.msg})", offset=offset + len(error.doc[: error.pos].encode()))


def _result(answer: Any) -> Any:
    if isinstance(answer, list):
        return answer
    if not isinstance(answer, Members):
        _refuse("it is neither a response nor a list")
    if answer.has_once("error") and answer["error"] is not None:
        _refuse(f"the node answered with the error {answer['error']}")
    if not answer.has_once("result"):
        _refuse("the response has no result")
    return answer["result"]


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{what} is no list")
    return value


def _from_objects(logs: Any, *, plain: bool) -> LogColumns:
    rows = [_row(log, place, plain=plain) for place, log in enumerate(_list(logs, "the result"))]
    index: dict[str, int] = {}
    code = [index.setdefault(row["address"].hex(), len(index)) for row in rows]
    lengths = [len(row["data"]) for row in rows]

    def numbers(name: str) -> Any:
        return np.array([row[name] for row in rows], np.int64)

    def bytes_of(name: str, width: int) -> Any:
        return np.frombuffer(b"".join(row[name] for row in rows), np.uint8).reshape(len(rows), width).copy()

    return LogColumns(
        block=numbers("blockNumber"), log_index=numbers("logIndex"), transaction_index=numbers("transactionIndex"),
        timestamp_s=numbers("timestamp"), block_hash=bytes_of("blockHash", WORD),
        transaction_hash=bytes_of("transactionHash", WORD), address=np.array(code, np.int32),
        addresses=tuple("0x" + address for address in index),
        topics=bytes_of("topics", MAX_TOPICS * WORD).reshape(-1, MAX_TOPICS, WORD),
        topic_count=np.array([row["topic_count"] for row in rows], np.uint8),
        data_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        data=np.frombuffer(b"".join(row["data"] for row in rows), np.uint8).copy(),
    )  # fmt: skip


def _row(log: Any, place: int, *, plain: bool) -> dict[str, Any]:
    """Read one log's fields. Raises LogDecodeError, which names the field."""
    if not isinstance(log, Members):
        _refuse(f"log {place} is no object")
    number = _plain_number if plain else _quantity
    # Newer nodes add the block's stamp; in a file the name is shorter.
    stamps = [name for name in ("timestamp", "blockTimestamp") if log.has_once(name) and log[name] is not None]
    if len(stamps) > 1:
        _refuse(f"log {place} has two timestamps")
    row: dict[str, Any] = {"transactionIndex": ABSENT, "timestamp": ABSENT}
    wanted: list[tuple[str, Callable[[Any], Any]]] = [
        ("address", _address), ("blockHash", _word), ("transactionHash", _word), ("data", _hex), ("topics", _topics),
        ("blockNumber", number), ("logIndex", number),
    ]  # fmt: skip
    if "transactionIndex" in log or not plain:
        wanted.append(("transactionIndex", number))
    if stamps or plain:
        wanted.append((stamps[0] if stamps else "timestamp", number))
    for name, read in wanted:
        if not log.has_once(name):
            _refuse(f"log {place} has no {name}")
        try:
            row["timestamp" if name in stamps else name] = read(log[name])
        except ValueError as error:
            _refuse(f"{name} of log {place} {error}")
    if log.has_once("removed") and log["removed"] is not False:
        _refuse(f"log {place} is one that a reorg removed")
    row["topic_count"] = len(row["topics"])
    row["topics"] = b"".join(row["topics"]).ljust(MAX_TOPICS * WORD, b"\0")
    return row


def _hex(value: Any, width: int | None = None) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x") or len(value) % 2:
        raise ValueError("is no string of 0x and hexadecimal digits in pairs")
    if not value.isascii() or any(character.isspace() for character in value):
        raise ValueError("is no string of 0x and hexadecimal digits in pairs")
    try:
        found = bytes.fromhex(value[2:])
    except ValueError:
        raise ValueError("is no string of 0x and hexadecimal digits in pairs") from None
    if width is not None and len(found) != width:
        raise ValueError(f"has {len(found)} bytes and needs {width}")
    return found


def _address(value: Any) -> bytes:
    return _hex(value, 20)


def _word(value: Any) -> bytes:
    return _hex(value, WORD)


def _topics(value: Any) -> list[bytes]:
    if not isinstance(value, list) or len(value) > MAX_TOPICS:
        raise ValueError("is no list of at most four")
    return [_word(topic) for topic in value]


def _quantity(value: Any) -> int:
    digits = value[2:] if isinstance(value, str) and value.startswith("0x") else ""
    if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        raise ValueError("is no string of 0x and hexadecimal digits")
    return _in_range(int(digits, 16))


def _plain_number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("is no integer of 0 or more")
    return _in_range(value)


def _in_range(value: int) -> int:
    if value > MAX_NUMBER:
        raise ValueError(f"is {value}, more than fits 63 bits")
    return value
