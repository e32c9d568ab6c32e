"""Blocks with all their logs from a node, each checked against its own header before anybody sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onchain.errors import BadChainDataError, BlockMissingError, ReceiptsMismatchError
from onchain.receipts import receipts_root
from onchain.rpc import Call, RpcClient


@dataclass(frozen=True, slots=True)
class Log:
    """A raw log. `topics` are its topics one after the other, 32 bytes each; `log_index` counts over the block."""

    address: str
    topics: bytes
    data: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class FetchedBlock:
    """A header and the logs of the block's receipts, whose root is the header's."""

    number: int
    hash: bytes
    parent_hash: bytes
    receipts_root: bytes
    timestamp_s: int
    logs: tuple[Log, ...]


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


def fetch_blocks(client: RpcClient, *, first: int, last: int) -> list[FetchedBlock]:
    """Return blocks [first, last] with all their logs, verified and linked to each other.

    Raises BlockMissingError, ReceiptsMismatchError and BadChainDataError (all retryable), RpcError, NoProviderError.
    """
    numbers = range(first, last + 1)
    headers = client.batch(calls=[Call("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
    for number, header in zip(numbers, headers, strict=True):
        if not header:
            raise BlockMissingError(block_number=number, rule="the node has no header for it")
    # By hash, so that a reorg between the two calls can't mix two branches.
    receipts = client.batch(calls=[Call("eth_getBlockReceipts", (header["hash"],)) for header in headers])
    return [
        _checked(number, header, of_block) for number, header, of_block in zip(numbers, headers, receipts, strict=True)
    ]


def _checked(number: int, header: Mapping[str, Any], receipts: Any) -> FetchedBlock:
    if receipts is None:
        raise BlockMissingError(block_number=number, rule="the node has its header and no receipts")
    try:
        if int(header["number"], 16) != number:
            raise BadChainDataError(block_number=number, rule=f"the node sent block {header['number']} instead")
        rebuilt = receipts_root(receipts)
        if rebuilt != header["receiptsRoot"]:
            raise ReceiptsMismatchError(
                block_number=number,
                rule=f"its receipts give the root {rebuilt}, its header says {header['receiptsRoot']}",
            )
        return FetchedBlock(
            number=number,
            hash=_bytes(header["hash"]),
            parent_hash=_bytes(header["parentHash"]),
            receipts_root=_bytes(header["receiptsRoot"]),
            timestamp_s=int(header["timestamp"], 16),
            logs=tuple(_logs(receipts)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadChainDataError(block_number=number, rule=f"a field is missing or malformed ({error})") from error


def _logs(receipts: Sequence[Mapping[str, Any]]) -> list[Log]:
    """Number the logs by their place: the root proves their order, while `logIndex` is only the node's word."""
    found: list[Log] = []
    for position, receipt in enumerate(receipts):
        transaction_hash, first = _bytes(receipt["transactionHash"]), len(found)
        found.extend(
            Log(
                address=log["address"].lower(),
                topics=b"".join(_bytes(topic) for topic in log["topics"]),
                data=_bytes(log["data"]),
                transaction_hash=transaction_hash,
                transaction_index=position,
                log_index=first + offset,
            )
            for offset, log in enumerate(receipt["logs"])
        )
    return found


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])
