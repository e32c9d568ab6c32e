"""The fast way through the bytes of a JSON list of logs: one pass, compiled, straight into columns.

It takes only what it is sure of: ASCII without escapes, every field once, no nested extras. Anything else, broken or
merely unusual, makes it give up, and `onchain.decode` reads the same bytes through `json`, which is the judge.
All compiled functions are in this one file: numba's cache does not see changes in another file that they call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

ADDRESS, BLOCK_HASH, BLOCK_NUMBER, DATA, LOG_INDEX, TIMESTAMP, TOPICS, TX_HASH, TX_INDEX, REMOVED = (
    1 << bit for bit in range(10)
)
OTHER = 0
UNSURE = -1

HEX = np.full(256, 255, np.uint8)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    HEX[list(_digits)] = np.arange(16, dtype=np.uint8)

# Two digits at once: the byte that they mean, negative where one of them is none.
_DIGITS = np.where(HEX == 255, -1, HEX.astype(np.int16))
PAIR = (
    np.where(np.minimum.outer(_DIGITS, _DIGITS) < 0, -1, np.add.outer(16 * _DIGITS, _DIGITS)).astype(np.int16).ravel()
)

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

QUOTE, BACKSLASH, COMMA, COLON, ZERO, NINE, MINUS = 34, 92, 44, 58, 48, 57, 45
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125
MAX_QUANTITY_DIGITS = 15  # hexadecimal: below 2**60
MAX_INTEGER_DIGITS = 18

jit: Any = njit(cache=True, nogil=True, boundscheck=False)


@jit
def _blank(buf, at):  # type: ignore[no-untyped-def]
    """Return the first place from `at` on that is not white space."""
    size = len(buf)
    while at < size and (buf[at] == 32 or buf[at] == 10 or buf[at] == 13 or buf[at] == 9):
        at += 1
    return at


@jit
def _string_end(buf, at):  # type: ignore[no-untyped-def]
    """Return the place of the quote that ends the string whose first character is at `at`; UNSURE for oddities."""
    size = len(buf)
    while at < size:
        byte = buf[at]
        if byte == QUOTE:
            return at
        if byte == BACKSLASH or byte < 32 or byte > 126:
            return UNSURE
        at += 1
    return UNSURE


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
def _hex_into(buf, at, out, first, count):  # type: ignore[no-untyped-def]
    """Read `"0x` and 2 * count digits and the closing quote; return the place after it."""
    end = at + 3 + 2 * count
    if end >= len(buf) or buf[at] != QUOTE or buf[at + 1] != ZERO or buf[at + 2] != 120 or buf[end] != QUOTE:
        return UNSURE
    at += 3
    bad = np.int16(0)
    for index in range(count):
        byte = PAIR[(np.int64(buf[at + 2 * index]) << 8) | np.int64(buf[at + 2 * index + 1])]
        bad |= byte
        out[first + index] = byte
    return UNSURE if bad < 0 else end + 1


@jit
def _quantity(buf, at):  # type: ignore[no-untyped-def]
    """Read a hexadecimal quantity in quotes; return (value, place after it)."""
    size = len(buf)
    if at + 4 > size or buf[at] != QUOTE or buf[at + 1] != ZERO or buf[at + 2] != 120:
        return 0, UNSURE
    at += 3
    start = at
    value: Any = 0
    while at < size and HEX[buf[at]] < 16:
        value = (value << 4) | np.int64(HEX[buf[at]])
        at += 1
    if at >= size or buf[at] != QUOTE or at == start or at - start > MAX_QUANTITY_DIGITS:
        return 0, UNSURE
    return value, at + 1


@jit
def _integer(buf, at):  # type: ignore[no-untyped-def]
    """Read a plain JSON integer that is not negative; return (value, place after it)."""
    size = len(buf)
    start = at
    value: Any = 0
    while at < size and ZERO <= buf[at] <= NINE:
        value = value * 10 + (np.int64(buf[at]) - ZERO)
        at += 1
        if at - start > MAX_INTEGER_DIGITS:
            return 0, UNSURE
    if at == start or (buf[start] == ZERO and at - start > 1):
        return 0, UNSURE
    if at < size and (buf[at] == 46 or buf[at] == 69 or buf[at] == 101):
        return 0, UNSURE
    return value, at


@jit
def _word(buf, at, text):  # type: ignore[no-untyped-def]
    """Read one of JSON's three words; return the place after it."""
    if at + len(text) > len(buf):
        return UNSURE
    for index in range(len(text)):
        if buf[at + index] != text[index]:
            return UNSURE
    return at + len(text)


TRUE, FALSE, NULL = (np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))


@jit
def _skip(buf, at):  # type: ignore[no-untyped-def]
    """Pass over a value that nobody asked for: a string, a plain integer or a word; return the place after it."""
    if at >= len(buf):
        return UNSURE
    byte = buf[at]
    if byte == QUOTE:
        end = _string_end(buf, at + 1)
        return UNSURE if end == UNSURE else end + 1
    if byte == 116:
        return _word(buf, at, TRUE)
    if byte == 102:
        return _word(buf, at, FALSE)
    if byte == 110:
        return _word(buf, at, NULL)
    return _integer(buf, at)[1]


@jit
def _number(buf, at, plain):  # type: ignore[no-untyped-def]
    return _integer(buf, at) if plain else _quantity(buf, at)


@jit
def _topic_list(buf, at, topics, first):  # type: ignore[no-untyped-def]
    """Read up to four topics; return (count, place after the list). Topics that are not there become zeros."""
    size = len(buf)
    count = 0
    if at >= size or buf[at] != OPEN_LIST:
        return 0, UNSURE
    at = _blank(buf, at + 1)
    if at < size and buf[at] == CLOSE_LIST:
        at += 1
    else:
        while True:
            if count == 4:
                return 0, UNSURE
            at = _hex_into(buf, at, topics, first + 32 * count, 32)
            if at == UNSURE:
                return 0, UNSURE
            count += 1
            at = _blank(buf, at)
            if at >= size:
                return 0, UNSURE
            if buf[at] == CLOSE_LIST:
                at += 1
                break
            if buf[at] != COMMA:
                return 0, UNSURE
            at = _blank(buf, at + 1)
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
def _key(buf, at):  # type: ignore[no-untyped-def]
    """Read a key and the colon after it; return (place of its first letter, of its end, of the value)."""
    size = len(buf)
    if at >= size or buf[at] != QUOTE:
        return 0, 0, UNSURE
    end = _string_end(buf, at + 1)
    if end == UNSURE:
        return 0, 0, UNSURE
    value = _blank(buf, end + 1)
    if value >= size or buf[value] != COLON:
        return 0, 0, UNSURE
    value = _blank(buf, value + 1)
    return at + 1, end, value if value < size else UNSURE


@jit
def _after(buf, at, closing):  # type: ignore[no-untyped-def]
    """Return (whether the list or object ends here, place of its next member or after it)."""
    at = _blank(buf, at)
    if at < len(buf) and buf[at] == closing:
        return True, at + 1
    if at < len(buf) and buf[at] == COMMA:
        return False, _blank(buf, at + 1)
    return True, UNSURE


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
    at = _blank(buf, at + 1)
    while True:
        start, end, at = _key(buf, at)
        if at == UNSURE:
            return UNSURE
        name = _name_code(buf, start, end)
        if seen & name:
            return UNSURE
        seen |= name
        if name == ADDRESS:
            at = _hex_into(buf, at, addresses, 20 * row, 20)
        elif name == TOPICS:
            topic_count[row], at = _topic_list(buf, at, topics, 128 * row)
        elif name == DATA:
            count, at = _data_field(buf, at, data, offsets[row])
            offsets[row + 1] = offsets[row] + count
        elif name == BLOCK_HASH:
            at = _hex_into(buf, at, hashes, 64 * row, 32)
        elif name == TX_HASH:
            at = _hex_into(buf, at, hashes, 64 * row + 32, 32)
        elif name == BLOCK_NUMBER:
            numbers[row, 0], at = _number(buf, at, plain)
        elif name == LOG_INDEX:
            numbers[row, 1], at = _number(buf, at, plain)
        elif name == TX_INDEX:
            numbers[row, 2], at = _number(buf, at, plain)
        elif name == TIMESTAMP:
            numbers[row, 3], at = _number(buf, at, plain)
        elif name == REMOVED:
            at = _word(buf, at, FALSE)
        else:
            at = _skip(buf, at)
        if at == UNSURE:
            return UNSURE
        ended, at = _after(buf, at, CLOSE_OBJECT)
        if ended:
            return at if seen & required == required else UNSURE


@jit
def read_lines(buf, required, out):  # type: ignore[no-untyped-def]
    """Read one log object a line, numbers as JSON integers; return the number of logs, or UNSURE."""
    size = len(buf)
    at = _blank(buf, 0)
    row = 0
    while at < size:
        end = _log(buf, at, True, required, row, out)
        if end == UNSURE:
            return UNSURE
        row += 1
        at = _blank(buf, end)
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
    at = _blank(buf, at + 1)
    if at < size and buf[at] == CLOSE_LIST:
        return row, at + 1
    while True:
        at = _log(buf, at, False, required, row, out)
        if at == UNSURE:
            return row, UNSURE
        row += 1
        ended, at = _after(buf, at, CLOSE_LIST)
        if ended:
            return row, at


RESULT, LOGS, ERROR = (np.frombuffer(word, np.uint8) for word in (b"result", b"logs", b"error"))


@jit
def _same(buf, start, end, text):  # type: ignore[no-untyped-def]
    if end - start != len(text):
        return False
    for index in range(len(text)):  # noqa: SIM110 - numba compiles the plain loop
        if buf[start + index] != text[index]:
            return False
    return True


@jit
def read_response(buf, required, out):  # type: ignore[no-untyped-def]
    """Read a JSON-RPC response, or its bare result; return the number of logs, or UNSURE."""
    size = len(buf)
    row = 0
    at = _blank(buf, 0)
    if at >= size:
        return UNSURE
    if buf[at] == OPEN_LIST:
        row, at = read_logs(buf, at, row, required, out)
        return row if at != UNSURE and _blank(buf, at) == size else UNSURE
    if buf[at] != OPEN_OBJECT:
        return UNSURE
    found = False
    at = _blank(buf, at + 1)
    while True:
        start, end, at = _key(buf, at)
        if at == UNSURE or _same(buf, start, end, ERROR):
            return UNSURE
        if _same(buf, start, end, RESULT):
            if found:
                return UNSURE
            found = True
            row, at = read_logs(buf, at, row, required, out)
        else:
            at = _skip(buf, at)
        if at == UNSURE:
            return UNSURE
        ended, at = _after(buf, at, CLOSE_OBJECT)
        if ended:
            return row if found and at != UNSURE and _blank(buf, at) == size else UNSURE
