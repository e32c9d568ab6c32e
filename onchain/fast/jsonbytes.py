"""JSON's pieces, read in one pass over the bytes: each says where it ends, or that it is not sure.

Sure is only what is plain: ASCII without escapes, integers and hexadecimal quantities that fit, no nested extras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onchain.fast.compiling import jit

UNSURE = -1

HEX = np.full(256, 255, np.uint8)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    HEX[list(_digits)] = np.arange(16, dtype=np.uint8)

# Two digits at once: the byte that they mean, negative where one of them is none.
_DIGITS = np.where(HEX == 255, -1, HEX.astype(np.int16))
PAIR = (
    np.where(np.minimum.outer(_DIGITS, _DIGITS) < 0, -1, np.add.outer(16 * _DIGITS, _DIGITS)).astype(np.int16).ravel()
)

QUOTE, BACKSLASH, COMMA, COLON, ZERO, NINE = 34, 92, 44, 58, 48, 57
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125
MAX_QUANTITY_DIGITS = 15  # hexadecimal: below 2**60
MAX_INTEGER_DIGITS = 18


@jit
def skip_blank(buf, at):  # type: ignore[no-untyped-def]
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
def read_hex(buf, at, out, first, count):  # type: ignore[no-untyped-def]
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
def read_quantity(buf, at):  # type: ignore[no-untyped-def]
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
def read_integer(buf, at):  # type: ignore[no-untyped-def]
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
def read_word(buf, at, text):  # type: ignore[no-untyped-def]
    """Read one of JSON's three words; return the place after it."""
    if at + len(text) > len(buf):
        return UNSURE
    for index in range(len(text)):
        if buf[at + index] != text[index]:
            return UNSURE
    return at + len(text)


TRUE, FALSE, NULL = (np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))


@jit
def skip_value(buf, at):  # type: ignore[no-untyped-def]
    """Pass over a value that nobody asked for: a string, a plain integer or a word; return the place after it."""
    if at >= len(buf):
        return UNSURE
    byte = buf[at]
    if byte == QUOTE:
        end = _string_end(buf, at + 1)
        return UNSURE if end == UNSURE else end + 1
    if byte == 116:
        return read_word(buf, at, TRUE)
    if byte == 102:
        return read_word(buf, at, FALSE)
    if byte == 110:
        return read_word(buf, at, NULL)
    return read_integer(buf, at)[1]


@jit
def read_number(buf, at, plain):  # type: ignore[no-untyped-def]
    """Read an integer where numbers are `plain`, else a quantity; return (value, place after it)."""
    return read_integer(buf, at) if plain else read_quantity(buf, at)


@jit
def read_key(buf, at):  # type: ignore[no-untyped-def]
    """Read a key and the colon after it; return (place of its first letter, of its end, of the value)."""
    size = len(buf)
    if at >= size or buf[at] != QUOTE:
        return 0, 0, UNSURE
    end = _string_end(buf, at + 1)
    if end == UNSURE:
        return 0, 0, UNSURE
    value = skip_blank(buf, end + 1)
    if value >= size or buf[value] != COLON:
        return 0, 0, UNSURE
    value = skip_blank(buf, value + 1)
    return at + 1, end, value if value < size else UNSURE


@jit
def after_member(buf, at, closing):  # type: ignore[no-untyped-def]
    """Return (whether the list or object ends here, place of its next member or after it)."""
    at = skip_blank(buf, at)
    if at < len(buf) and buf[at] == closing:
        return True, at + 1
    if at < len(buf) and buf[at] == COMMA:
        return False, skip_blank(buf, at + 1)
    return True, UNSURE


@jit
def is_same(buf, start, end, text):  # type: ignore[no-untyped-def]
    """Tell whether buf[start:end] is `text`."""
    if end - start != len(text):
        return False
    for index in range(len(text)):  # noqa: SIM110 - numba compiles the plain loop
        if buf[start + index] != text[index]:
            return False
    return True
