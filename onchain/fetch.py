"""Blocks with all their logs from a node, as columns; each block's receipts rebuild its header's root, or it is none.

Source: docs/spec/venues.md, Head, safety, completeness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from onchain.columns import BlockColumns, Bytes, Int64s, LogColumns
from onchain.errors import (
    BadChainDataError,
    BlockMissingError,
    BrokenLinkError,
    NoProviderError,
    OnchainError,
    ReceiptsMismatchError,
    RpcRangeTooLargeError,
)
from onchain.receiptcolumns import ReceiptColumns, decode_receipt_batch
from onchain.rpc import Call, RpcClient, parse_results

MAX_NUMBER = (1 << 63) - 1

Fetched = TypeVar("Fetched")


@dataclass(frozen=True, eq=False, slots=True)
class Headers:
    """n consecutive headers. number, timestamp_s: int64; hash, parent_hash, receipts_root: (n, 32) bytes."""

    number: Int64s
    timestamp_s: Int64s
    hash: Bytes
    parent_hash: Bytes
    receipts_root: Bytes

    def __len__(self) -> int:
        """The number of headers."""
        return len(self.number)


@dataclass(frozen=True, eq=False, slots=True)
class FetchedRange:
    """Consecutive blocks, linked to each other, and the logs that `addresses` left in them.

    size: the bytes of the receipts as they came.
    """

    headers: Headers
    logs: LogColumns
    addresses: frozenset[str]
    size: int

    @property
    def first(self) -> int:
        """The lowest block's number."""
        return int(self.headers.number[0])

    @property
    def last(self) -> int:
        """The highest block's number."""
        return int(self.headers.number[-1])

    @property
    def blocks(self) -> BlockColumns:
        """The blocks as an adapter takes them."""
        return BlockColumns(number=self.headers.number, timestamp_s=self.headers.timestamp_s)

    def hash_of(self, number: int) -> str:
        """Return a block's hash as 0x hex."""
        found: bytes = self.headers.hash[number - self.first].tobytes()
        return "0x" + found.hex()


def head_number(client: RpcClient) -> int:
    """Return the number of the node's newest block."""
    return int(client.call(method="eth_blockNumber"), 16)


def final_number(client: RpcClient, *, head: int, depth: int) -> int:
    """Return the newest final block: by the node's tag, or `depth` (> 0) blocks below the head; -1 for none."""
    if depth > 0:
        return head - depth
    block = client.call(method="eth_getBlockByNumber", params=["finalized", False])
    return int(block["number"], 16) if block else -1


def block_hashes(client: RpcClient, *, numbers: Sequence[int]) -> list[bytes | None]:
    """Return the node's hash of each block, None where it has none."""
    calls = [Call("eth_getBlockByNumber", (hex(number), False)) for number in numbers]
    return [bytes.fromhex(block["hash"][2:]) if block else None for block in client.batch(calls=calls)]


def fetch_headers(client: RpcClient, *, first: int, last: int) -> Headers:
    """Return the headers of blocks [first, last], linked to each other.

    Raises BlockMissingError, BadChainDataError (both retryable), RpcError, NoProviderError.
    """
    numbers = range(first, last + 1)
    calls = [Call("eth_getBlockByNumber", (hex(number), False)) for number in numbers]
    methods = [call.method for call in calls]

    def read(answer: bytes, provider: str) -> Headers:
        return _headers(parse_results(answer, methods=methods, provider=provider), numbers=numbers)

    headers: Headers = client.raw(calls=calls, check=read)
    return headers


def fetch_range(client: RpcClient, *, first: int, last: int, addresses: frozenset[str]) -> FetchedRange:
    """Return blocks [first, last] with the logs of `addresses`, every block proven by its receipts root.

    A provider whose answer does not prove itself is passed over like one that does not answer.
    Raises BlockMissingError, ReceiptsMismatchError and BadChainDataError (all retryable), RpcError, NoProviderError.
    """
    headers = fetch_headers(client, first=first, last=last)
    hashes = ["0x" + each.tobytes().hex() for each in headers.hash]
    numbers = range(first, last + 1)
    size = 0

    def read(answer: bytes, provider: str) -> ReceiptColumns:
        nonlocal size
        size = len(answer)
        found = decode_receipt_batch(answer, numbers=numbers, provider=provider)
        _check_roots(found, headers=headers, provider=provider)
        return found

    # By hash, so that a reorg between the two calls can't mix two branches.
    found = client.raw(calls=[Call("eth_getBlockReceipts", (hash_,)) for hash_ in hashes], check=read)
    logs = _placed(found, headers)
    return FetchedRange(headers, logs.of_addresses(sorted(addresses)), addresses, size)


def fetch_whole(client: RpcClient, *, first: int, last: int, addresses: frozenset[str]) -> list[FetchedRange]:
    """Return blocks [first, last] in as many pieces as the provider makes us ask for. Raises as fetch_range."""
    return in_pieces(
        first=first,
        last=last,
        fetch=lambda first, last: fetch_range(client, first=first, last=last, addresses=addresses),
    )


def in_pieces(*, first: int, last: int, fetch: Callable[[int, int], Fetched]) -> list[Fetched]:
    """Return what `fetch` gets of blocks [first, last], in order, in as many pieces as the provider makes us ask for.

    What it refuses as too large is halved by our own count, never by its hint, down to one block; a single block that
    is refused is an error. Raises what `fetch` raises.
    """
    pieces: list[Fetched] = []
    step = last - first + 1
    while first <= last:
        upto = min(last, first + step - 1)
        try:
            pieces.append(fetch(first, upto))
        except (RpcRangeTooLargeError, NoProviderError) as error:
            if upto == first or not _too_large(error):
                raise
            step = (upto - first + 1) // 2
            continue
        first = upto + 1
    return pieces


def _too_large(error: OnchainError) -> bool:
    """Tell whether a failure says that less has to be asked for at a time."""
    if isinstance(error, NoProviderError):
        return any(isinstance(failure, RpcRangeTooLargeError) for failure in error.failures)
    return isinstance(error, RpcRangeTooLargeError)


def _headers(blocks: Sequence[Mapping[str, Any] | None], *, numbers: range) -> Headers:
    words: dict[str, list[bytes]] = {"hash": [], "parentHash": [], "receiptsRoot": []}
    seconds = []
    for number, block in zip(numbers, blocks, strict=True):
        if not block:
            raise BlockMissingError(block_number=number, rule="the node has no header for it")
        try:
            if int(block["number"], 16) != number:
                raise BadChainDataError(block_number=number, rule=f"the node sent block {block['number']} instead")
            for name, column in words.items():
                column.append(_word(block[name]))
            seconds.append(int(block["timestamp"], 16))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadChainDataError(block_number=number, rule=f"a field is missing or malformed ({error})") from error
    if max(seconds, default=0) > MAX_NUMBER // 1000:
        raise BadChainDataError(block_number=numbers[-1], rule="its timestamp is beyond all calendars")
    found = Headers(
        np.arange(numbers.start, numbers.stop), np.array(seconds, np.int64),
        *(np.frombuffer(b"".join(column), np.uint8).reshape(-1, 32) for column in words.values()),
    )  # fmt: skip
    broken = np.flatnonzero((found.hash[:-1] != found.parent_hash[1:]).any(axis=1))
    if len(broken):
        raise BrokenLinkError(block_number=numbers[int(broken[0]) + 1], rule="its parent is not the block before it")
    return found


def _check_roots(found: ReceiptColumns, *, headers: Headers, provider: str) -> None:
    wrong = np.flatnonzero((found.roots != headers.receipts_root).any(axis=1))
    if len(wrong):
        row = int(wrong[0])
        ours, theirs = ("0x" + root[row].tobytes().hex() for root in (found.roots, headers.receipts_root))
        raise ReceiptsMismatchError(
            block_number=int(headers.number[row]),
            rule=f"the receipts from {provider} give the root {ours}, its header says {theirs}",
        )


def _placed(found: ReceiptColumns, headers: Headers) -> LogColumns:
    """Give every log its block, by the place of its receipts in the answer: the root has proven them."""
    counts = np.diff(found.first_log)
    return replace(
        found.logs, block=np.repeat(headers.number, counts), block_hash=np.repeat(headers.hash, counts, axis=0),
        timestamp_s=np.repeat(headers.timestamp_s, counts),
    )  # fmt: skip


def _word(value: str) -> bytes:
    found = bytes.fromhex(value.removeprefix("0x"))
    if len(found) != 32:
        raise ValueError(f"{value!r} is no word of 32 bytes")
    return found
