"""The fast way through the bytes of a JSON list of logs: one pass, compiled, straight into columns.

It takes only what it is sure of: every field once, and what `onchain.fast.jsonbytes` is sure of. Anything else, broken
or merely unusual, makes it give up, and `onchain.decode` reads the same bytes through `json`, which is the judge.
"""

from __future__ import annotations

import numpy as np

from onchain.fast.compiling import jit
from onchain.fast.jsonbytes import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COMMA,
    FALSE,
    OPEN_LIST,
    OPEN_OBJECT,
    PAIR,
    QUOTE,
    UNSURE,
    ZERO,
    after_member,
    is_same,
    read_hex,
    read_key,
    read_number,
    read_word,
    skip_blank,
    skip_value,
)

ADDRESS, BLOCK_HASH, BLOCK_NUMBER, DATA, LOG_INDEX, TIMESTAMP, TOPICS, TX_HASH, TX_INDEX, REMOVED = (
    1 << bit for bit in range(10)
)
OTHER = 0
RESULT, LOGS, ERROR = (np.frombuffer(word, np.uint8) for word in (b"result", b"logs", b"error"))

_NAMES = (
    (b"address", ADDRESS), (b"blockHash", BLOCK_HASH), (b"blockNumber", BLOCK_NUMBER), (b"data", DATA),
    (b"logIndex", LOG_INDEX), (b"timestamp", TIMESTAMP), (b"blockTimestamp", TIMESTAMP), (b"topics", TOPICS),
    (b"transactionHash", TX_HASH), (b"transactionIndex", TX_INDEX), (b"removed", REMOVED),
)  # fmt: skip
NAME_BYTES = np.zeros((len(_NAMES), 16), np.uint8)
NAME_CODES = np.array([code for _, code in _NAMES])
ROWS_BY_LENGTH = np.full((17, 2), UNSURE)
for _row, (_name, _) in enumerate(_NAMES):
    NAME_BYTES[_row, : len(_name)] = list(_name)
    ROWS_BY_LENGTH[len(_name), int(ROWS_BY_LENGTH[len(_name), 0] != UNSURE)] = _row


@jit
def _name_code(buf, start, end):  # type: ignore[no-untyped-def]
    """Return which field the name is; at most two have its length."""
    length = end - start
    if length >= len(ROWS_BY_LENGTH):
        return OTHER
    for place in range(2):
        row = ROWS_BY_LENGTH[length, place]
        if row == UNSURE:
            return OTHER
        same = True
        for index in range(length):
            same &= NAME_BYTES[row, index] == buf[start + index]
        if same:
            return NAME_CODES[row]
    return OTHER


@jit
def _topic_list(buf, at, topics, first):  # type: ignore[no-untyped-def]
    """Read up to four topics; return (count, place after the list). Topics that are not there become zeros."""
    size = len(buf)
    count = 0
    if at >= size or buf[at] != OPEN_LIST:
        return 0, UNSURE
    at = skip_blank(buf, at + 1)
    if at < size and buf[at] == CLOSE_LIST:
        at += 1
    else:
        while True:
            if count == 4:
                return 0, UNSURE
            at = read_hex(buf, at, topics, first + 32 * count, 32)
            if at == UNSURE:
                return 0, UNSURE
            count += 1
            at = skip_blank(buf, at)
            if at >= size:
                return 0, UNSURE
            if buf[at] == CLOSE_LIST:
                at += 1
                break
            if buf[at] != COMMA:
                return 0, UNSURE
            at = skip_blank(buf, at + 1)
    for place in range(first + 32 * count, first + 128):
        topics[place] = 0
    return count, at


@jit
def _data_field(buf, at, data, used):  # type: ignore[no-untyped-def]
    """Read a hexadecimal string of any length into data[used:]; return (bytes read, place after it)."""
    size = len(buf)
    if at + 4 > size or buf[at] != QUOTE or buf[at + 1] != ZERO or buf[at + 2] != 120:
        return 0, UNSURE
    at += 3
    count = 0
    while at + 1 < size:
        byte = PAIR[(np.int64(buf[at]) << 8) | np.int64(buf[at + 1])]
        if byte < 0:
            break
        data[used + count] = byte
        count += 1
        at += 2
    if at >= size or buf[at] != QUOTE:
        return 0, UNSURE
    return count, at + 1


@jit
def _log(buf, at, plain, required, row, out):  # type: ignore[no-untyped-def]
    """Read one log object into row `row`; return the place after it.

    The fields are read here and not in a function of their own: handing the seven arrays of `out` on for every field
    takes longer than reading it.
    """
    if at >= len(buf) or buf[at] != OPEN_OBJECT:
        return UNSURE
    numbers, hashes, addresses, topics, topic_count, data, offsets = out
    numbers[row, 2] = -1
    numbers[row, 3] = -1
    seen = 0
    at = skip_blank(buf, at + 1)
    while True:
        start, end, at = read_key(buf, at)
        if at == UNSURE:
            return UNSURE
        name = _name_code(buf, start, end)
        if seen & name:
            return UNSURE
        seen |= name
        if name == ADDRESS:
            at = read_hex(buf, at, addresses, 20 * row, 20)
        elif name == TOPICS:
            topic_count[row], at = _topic_list(buf, at, topics, 128 * row)
        elif name == DATA:
            count, at = _data_field(buf, at, data, offsets[row])
            offsets[row + 1] = offsets[row] + count
        elif name == BLOCK_HASH:
            at = read_hex(buf, at, hashes, 64 * row, 32)
        elif name == TX_HASH:
            at = read_hex(buf, at, hashes, 64 * row + 32, 32)
        elif name == BLOCK_NUMBER:
            numbers[row, 0], at = read_number(buf, at, plain)
        elif name == LOG_INDEX:
            numbers[row, 1], at = read_number(buf, at, plain)
        elif name == TX_INDEX:
            numbers[row, 2], at = read_number(buf, at, plain)
        elif name == TIMESTAMP:
            numbers[row, 3], at = read_number(buf, at, plain)
        elif name == REMOVED:
            at = read_word(buf, at, FALSE)
        else:
            at = skip_value(buf, at)
        if at == UNSURE:
            return UNSURE
        ended, at = after_member(buf, at, CLOSE_OBJECT)
        if ended:
            return at if seen & required == required else UNSURE


@jit
def read_lines(buf, required, out):  # type: ignore[no-untyped-def]
    """Read one log object a line, numbers as JSON integers; return the number of logs, or UNSURE."""
    size = len(buf)
    at = skip_blank(buf, 0)
    row = 0
    while at < size:
        end = _log(buf, at, True, required, row, out)
        if end == UNSURE:
            return UNSURE
        row += 1
        at = skip_blank(buf, end)
        if at < size:
            newline = False
            for index in range(end, at):
                newline |= buf[index] == 10
            if not newline:
                return UNSURE
    return row


@jit
def read_logs(buf, at, row, required, out):  # type: ignore[no-untyped-def]
    """Read the list of logs at `at`, the first into `row`; return (rows in use, place after it or UNSURE)."""
    size = len(buf)
    if at >= size or buf[at] != OPEN_LIST:
        return row, UNSURE
    at = skip_blank(buf, at + 1)
    if at < size and buf[at] == CLOSE_LIST:
        return row, at + 1
    while True:
        at = _log(buf, at, False, required, row, out)
        if at == UNSURE:
            return row, UNSURE
        row += 1
        ended, at = after_member(buf, at, CLOSE_LIST)
        if ended:
            return row, at


@jit
def read_response(buf, required, out):  # type: ignore[no-untyped-def]
    """Read a JSON-RPC response, or its bare result; return the number of logs, or UNSURE."""
    size = len(buf)
    row = 0
    at = skip_blank(buf, 0)
    if at >= size:
        return UNSURE
    if buf[at] == OPEN_LIST:
        row, at = read_logs(buf, at, row, required, out)
        return row if at != UNSURE and skip_blank(buf, at) == size else UNSURE
    if buf[at] != OPEN_OBJECT:
        return UNSURE
    found = False
    at = skip_blank(buf, at + 1)
    while True:
        start, end, at = read_key(buf, at)
        if at == UNSURE or is_same(buf, start, end, ERROR):
            return UNSURE
        if is_same(buf, start, end, RESULT):
            if found:
                return UNSURE
            found = True
            row, at = read_logs(buf, at, row, required, out)
        else:
            at = skip_value(buf, at)
        if at == UNSURE:
            return UNSURE
        ended, at = after_member(buf, at, CLOSE_OBJECT)
        if ended:
            return row if found and at != UNSURE and skip_blank(buf, at) == size else UNSURE
