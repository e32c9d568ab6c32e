"""The answer to a batch of eth_getBlockReceipts as columns of logs, with every block's receipts root rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onchain import decode, receipts
from onchain.columns import ABSENT, MAX_TOPICS, WORD, Bytes, Int64s, LogColumns
from onchain.errors import BlockMissingError, RpcGarbledError
from onchain.fast import receipts as fast
from onchain.fast.compiling import is_on_disk
from onchain.fast.jsonbytes import UNSURE
from onchain.fast.trie import BLOOM, FIRST_LOG, LAST_LOG, roots, workspace
from onchain.rpc import parse_results

NO_HASH = "0x" + "0" * 64
COMPILE_FROM_BYTES, LOAD_FROM_BYTES = 32 << 20, 2 << 20
"""The compiled way takes a second to load, and half a minute to compile on a machine's first run; a process that reads
less than that does better without."""


@dataclass(slots=True)
class _Read:
    """How much this process has read so far, and whether it has begun to use the compiled way."""

    size: int = 0
    compiled: bool = False

    def worth_compiling(self, size: int) -> bool:
        """Count `size` more bytes; tell whether to use the compiled way from now on."""
        self.size += size
        if not self.compiled and self.size > LOAD_FROM_BYTES:
            self.compiled = self.size > COMPILE_FROM_BYTES or is_on_disk(fast.read_batch)
        return self.compiled


_read = _Read()


def expect_much() -> None:
    """Use the compiled way from the first answer on, compiling it now if need be."""
    _read.compiled = True


@dataclass(frozen=True, eq=False, slots=True)
class ReceiptColumns:
    """n blocks' receipts. logs: all their logs; block and block_hash are not filled in, log_index counts by place.

    first_log: (n + 1), where each block's logs begin; roots: (n, 32), rebuilt from the receipts.
    """

    logs: LogColumns
    first_log: Int64s
    roots: Bytes


def decode_receipt_batch(answer: bytes, *, numbers: Sequence[int], provider: str) -> ReceiptColumns:
    """Decode the answer to one eth_getBlockReceipts a block, in the order of `numbers`.

    Raises BlockMissingError for a null, and the RpcError of the refusal or RpcGarbledError.
    """
    count = len(numbers)
    if not _read.worth_compiling(len(answer)):
        return _from_objects(answer, numbers=numbers, provider=provider)
    out, found = decode._buffers(len(answer)), fast.room(len(answer))
    first_receipt = np.empty(count + 1, np.int64)
    rows = fast.read_batch(np.frombuffer(answer, np.uint8), count, decode.IN_RESPONSE, out, found, first_receipt)
    if rows == UNSURE:
        return _from_objects(answer, numbers=numbers, provider=provider)
    return _columns(out, found, first_receipt, rows)


def _columns(out: decode.Buffers, found: fast.Receipts, first_receipt: Int64s, rows: int) -> ReceiptColumns:
    numbers, hashes, addresses, topics, topic_count, data, offsets = out
    hashes = hashes.reshape(-1, 2, WORD)
    of_receipt, blooms, transactions = found[0], found[1].reshape(-1, BLOOM), found[2].reshape(-1, WORD)
    count = int(first_receipt[-1])
    logs_of = (addresses.reshape(-1, 20), topics.reshape(-1, MAX_TOPICS, WORD), topic_count, data, offsets)
    rebuilt = roots(of_receipt, blooms, first_receipt, logs_of, workspace())
    # Where each receipt's logs begin; the last entry ends them all.
    begins = np.append(of_receipt[:count, FIRST_LOG], rows)
    per_receipt = of_receipt[:count, LAST_LOG] - of_receipt[:count, FIRST_LOG]
    place = np.arange(count) - np.repeat(first_receipt[:-1], np.diff(first_receipt))
    first_log = begins[first_receipt]
    # What the root doesn't prove is the node's word alone, so the places in the block are counted here.
    numbers[:rows, 1] = np.arange(rows) - np.repeat(first_log[:-1], np.diff(first_log))
    numbers[:rows, 2] = np.repeat(place, per_receipt)
    numbers[:rows, 3] = ABSENT
    hashes[:rows, 1] = np.repeat(transactions[:count], per_receipt, axis=0)
    return ReceiptColumns(decode._columns(out, rows), first_log, rebuilt)


def _from_objects(answer: bytes, *, numbers: Sequence[int], provider: str) -> ReceiptColumns:
    """Read an unusual answer plainly, or say what is wrong with it."""
    blocks = parse_results(answer, methods=["eth_getBlockReceipts"] * len(numbers), provider=provider)
    parts: list[Any] = []
    first_log, rebuilt = [0], []
    for number, of_block in zip(numbers, blocks, strict=True):
        if of_block is None:
            raise BlockMissingError(block_number=number, rule=f"{provider} has its header and no receipts")
        try:
            rebuilt.append(bytes.fromhex(receipts.receipts_root(of_block)[2:]))
            parts += _logs(of_block)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            rule = f"a receipt of block {number} is missing a field or has it malformed ({error})"
            raise RpcGarbledError(provider=provider, method="eth_getBlockReceipts", reason=rule) from error
        first_log.append(len(parts))
    logs = decode._from_objects(parts, plain=False)
    return ReceiptColumns(logs, np.array(first_log), np.frombuffer(b"".join(rebuilt), np.uint8).reshape(-1, 32))


def _logs(of_block: Sequence[dict[str, Any]]) -> list[decode.Members]:
    found: list[decode.Members] = []
    for position, receipt in enumerate(of_block):
        for log in receipt["logs"]:
            own = {name: log[name] for name in ("address", "topics", "data")}
            place = {"blockHash": NO_HASH, "blockNumber": "0x0", "transactionHash": receipt["transactionHash"]}
            counted = {"transactionIndex": hex(position), "logIndex": hex(len(found))}
            found.append(decode.Members(own | place | counted))
    return found
