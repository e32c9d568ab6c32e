"""The fast way through the answer to a batch of eth_getBlockReceipts: one pass over the bytes, into columns.

Like `onchain.fast.logs`, whose pieces it uses, it takes only what it is sure of and gives up at anything else;
`onchain.receiptcolumns` then reads the same bytes through `json`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onchain.fast.compiling import jit
from onchain.fast.jsonbytes import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    OPEN_LIST,
    OPEN_OBJECT,
    UNSURE,
    after_member,
    is_same,
    read_hex,
    read_integer,
    read_key,
    read_quantity,
    skip_blank,
    skip_value,
)
from onchain.fast.logs import ERROR, LOGS, RESULT, read_logs
from onchain.fast.trie import BLOOM, FIRST_LOG, GAS, KIND, LAST_LOG, STATUS

STATUS_NAME, GAS_NAME, BLOOM_NAME, TYPE_NAME, HASH_NAME, ID_NAME = (
    np.frombuffer(name, np.uint8)
    for name in (b"status", b"cumulativeGasUsed", b"logsBloom", b"type", b"transactionHash", b"id")
)
HAS_STATUS, HAS_GAS, HAS_BLOOM, HAS_TYPE, HAS_HASH, HAS_LOGS = (1 << bit for bit in range(6))
ALL_BUT_TYPE = HAS_STATUS | HAS_GAS | HAS_BLOOM | HAS_HASH | HAS_LOGS
MAX_TYPE = 0x7F
LEAST_RECEIPT_BYTES = 2 * BLOOM + 200

Receipts = tuple[Any, Any, Any]
"""numbers (r, 5): see trie.roots; then flat: blooms (256 bytes a receipt), transaction hashes (32)."""


def room(size: int) -> Receipts:
    """Room for as many receipts as `size` bytes can hold; pages that are not written cost nothing."""
    count = size // LEAST_RECEIPT_BYTES + 1
    return np.empty((count, 5), np.int64), np.empty(count * BLOOM, np.uint8), np.empty(count * 32, np.uint8)


@jit
def _field(buf, start, end, at, row, required, out, receipt, receipts):  # type: ignore[no-untyped-def]
    """Read one field of a receipt; return (its bit or 0, rows of logs in use, place after it)."""
    numbers, blooms, hashes = receipts
    if is_same(buf, start, end, LOGS):
        row, at = read_logs(buf, at, row, required, out)
        return HAS_LOGS, row, at
    if is_same(buf, start, end, BLOOM_NAME):
        return HAS_BLOOM, row, read_hex(buf, at, blooms, receipt * BLOOM, BLOOM)
    if is_same(buf, start, end, HASH_NAME):
        return HAS_HASH, row, read_hex(buf, at, hashes, receipt * 32, 32)
    if is_same(buf, start, end, STATUS_NAME):
        numbers[receipt, STATUS], at = read_quantity(buf, at)
        return HAS_STATUS, row, at
    if is_same(buf, start, end, GAS_NAME):
        numbers[receipt, GAS], at = read_quantity(buf, at)
        return HAS_GAS, row, at
    if is_same(buf, start, end, TYPE_NAME):
        numbers[receipt, KIND], at = read_quantity(buf, at)
        return HAS_TYPE, row, at if numbers[receipt, KIND] <= MAX_TYPE else UNSURE
    return 0, row, skip_value(buf, at)


@jit
def _receipt(buf, at, row, required, out, receipt, receipts):  # type: ignore[no-untyped-def]
    """Read one receipt with its logs; return (rows of logs in use, place after it)."""
    numbers = receipts[0]
    if at >= len(buf) or buf[at] != OPEN_OBJECT or receipt >= len(numbers):
        return row, UNSURE
    numbers[receipt, KIND] = 0
    numbers[receipt, FIRST_LOG] = row
    seen = 0
    at = skip_blank(buf, at + 1)
    while True:
        start, end, value = read_key(buf, at)
        if value == UNSURE:
            return row, UNSURE
        bit, row, at = _field(buf, start, end, value, row, required, out, receipt, receipts)
        if at == UNSURE or seen & bit:
            return row, UNSURE
        seen |= bit
        ended, at = after_member(buf, at, CLOSE_OBJECT)
        if ended:
            numbers[receipt, LAST_LOG] = row
            return row, at if seen & ALL_BUT_TYPE == ALL_BUT_TYPE else UNSURE


@jit
def _list(buf, at, row, required, out, receipt, receipts):  # type: ignore[no-untyped-def]
    """Read one block's receipts; return (rows of logs, receipts in use, place after it)."""
    if at >= len(buf) or buf[at] != OPEN_LIST:
        return row, receipt, UNSURE
    at = skip_blank(buf, at + 1)
    if at < len(buf) and buf[at] == CLOSE_LIST:
        return row, receipt, at + 1
    while True:
        row, at = _receipt(buf, at, row, required, out, receipt, receipts)
        if at == UNSURE:
            return row, receipt, UNSURE
        receipt += 1
        ended, at = after_member(buf, at, CLOSE_LIST)
        if ended:
            return row, receipt, at


@jit
def _response(buf, at, row, required, out, receipt, receipts, number):  # type: ignore[no-untyped-def]
    """Read the response to call `number`; return (rows of logs, receipts in use, place after it)."""
    if at >= len(buf) or buf[at] != OPEN_OBJECT:
        return row, receipt, UNSURE
    found, named = False, False
    at = skip_blank(buf, at + 1)
    while True:
        start, end, at = read_key(buf, at)
        if at == UNSURE or is_same(buf, start, end, ERROR):
            return row, receipt, UNSURE
        if is_same(buf, start, end, RESULT):
            if found:
                return row, receipt, UNSURE
            found = True
            row, receipt, at = _list(buf, at, row, required, out, receipt, receipts)
        elif is_same(buf, start, end, ID_NAME):
            value, at = read_integer(buf, at)
            named = value == number
        else:
            at = skip_value(buf, at)
        if at == UNSURE:
            return row, receipt, UNSURE
        ended, at = after_member(buf, at, CLOSE_OBJECT)
        if ended:
            return row, receipt, at if found and named else UNSURE


@jit
def read_batch(buf, count, required, out, receipts, first_receipt):  # type: ignore[no-untyped-def]
    """Read the responses to calls 0 to count - 1, in that order; return the number of logs, or UNSURE.

    `first_receipt` (count + 1) gets where each block's receipts begin. A batch of one is a plain response.
    """
    size = len(buf)
    row, receipt = 0, 0
    first_receipt[0] = 0
    at = skip_blank(buf, 0)
    listed = at < size and buf[at] == OPEN_LIST
    if listed:
        at = skip_blank(buf, at + 1)
    elif count != 1:
        return UNSURE
    for number in range(count):
        row, receipt, at = _response(buf, at, row, required, out, receipt, receipts, number)
        if at == UNSURE:
            return UNSURE
        first_receipt[number + 1] = receipt
        if listed:
            ended, at = after_member(buf, at, CLOSE_LIST)
            if at == UNSURE or ended != (number == count - 1):
                return UNSURE
    return row if skip_blank(buf, at) == size else UNSURE
