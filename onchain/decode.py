"""What nodes answer, as JSON, to columns: headers, receipts and logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onchain.columns import Bytes, Ints, LogColumns, empty_logs
from onchain.errors import BadChainDataError, LogDecodeError


@dataclass(frozen=True, slots=True)
class Header:
    """What we keep of a block's header, with how many transactions it lists."""

    number: int
    hash: bytes
    parent_hash: bytes
    receipts_root: bytes
    timestamp_s: int
    transaction_count: int


def header_of(raw: dict[str, Any]) -> Header:
    """Return the header in an answer to eth_getBlockByNumber; raises BadChainDataError when a field is unusable."""
    try:
        return Header(
            number=int(raw["number"], 16),
            hash=_fixed(raw["hash"], 32),
            parent_hash=_fixed(raw["parentHash"], 32),
            receipts_root=_fixed(raw["receiptsRoot"], 32),
            timestamp_s=int(raw["timestamp"], 16),
            transaction_count=len(raw["transactions"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadChainDataError(block_number=-1, rule=f"the header is unusable ({error})") from error


def logs_of(raw: Sequence[dict[str, Any]]) -> LogColumns:
    """Return columns of logs in the form of eth_getLogs; raises LogDecodeError."""
    if not raw:
        return empty_logs()
    try:
        topic_count = np.array([len(log["topics"]) for log in raw], np.int64)
        if topic_count.max(initial=0) > 4:
            raise LogDecodeError(offset=0, rule="a log has more than four topics")
        data, data_start = _joined([log["data"] for log in raw])
        return LogColumns(
            block_number=_numbers([log["blockNumber"] for log in raw]),
            log_index=_numbers([log["logIndex"] for log in raw]),
            transaction_index=_numbers([log["transactionIndex"] for log in raw]),
            block_hash=_fixed_columns([log["blockHash"] for log in raw], 32),
            transaction_hash=_fixed_columns([log["transactionHash"] for log in raw], 32),
            address=_fixed_columns([log["address"] for log in raw], 20),
            topic_count=topic_count,
            topics=_topics([topic for log in raw for topic in log["topics"]], topic_count),
            data=data,
            data_start=data_start,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LogDecodeError(offset=0, rule=f"a log is unusable ({error})") from error


def _fixed(text: str, size: int) -> bytes:
    value = bytes.fromhex(text[2:])
    if len(value) != size or text[:2] != "0x":
        raise ValueError(f"{size} bytes were expected")
    return value


def _numbers(texts: list[str]) -> Ints:
    return np.array([int(text, 16) for text in texts], np.int64)


def _fixed_columns(texts: list[str], size: int) -> Bytes:
    if any(len(text) != 2 + 2 * size for text in texts):
        raise ValueError(f"{size} bytes were expected")
    joined = bytes.fromhex("".join([text[2:] for text in texts]))
    return np.frombuffer(joined, np.uint8).reshape(len(texts), size)


def _joined(texts: list[str]) -> tuple[Bytes, Ints]:
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([(len(text) - 2) // 2 for text in texts], out=starts[1:])
    joined = np.frombuffer(bytes.fromhex("".join([text[2:] for text in texts])), np.uint8)
    if len(joined) != starts[-1]:
        raise ValueError("hex of odd length")
    return joined, starts


def _topics(texts: list[str], counts: Ints) -> Bytes:
    topics = np.zeros((len(counts), 4, 32), np.uint8)
    if texts:
        topics[np.arange(4) < counts[:, None]] = _fixed_columns(texts, 32)
    return topics
