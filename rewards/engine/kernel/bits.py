"""Sets of small numbers as bits, with the nearest member above or below found in a few steps, compiled.

A set over `[0, size)` is a tree of 64-bit words: the lowest layer holds a bit per number, each layer above a bit
per word of the one below that is not 0. Layers lie behind each other in one array, the lowest first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rewards.engine.kernel.compiling import inner

WORD_BITS = 64

Words = npt.NDArray[np.uint64]
Starts = npt.NDArray[np.int64]


def layer_starts(size: int) -> Starts:
    """Return where each layer of a set over `[0, size)` begins, and after them how many words there are."""
    starts = [0]
    words = max(1, -(-size // WORD_BITS))
    while True:
        starts.append(starts[-1] + words)
        if words == 1:
            return np.array(starts, dtype=np.int64)
        words = -(-words // WORD_BITS)


@intrinsic
def _trailing_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def _leading_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@inner
def lowest_bit(word: int) -> int:
    """Return the place of the lowest bit that is set in an int64 that is not 0."""
    return _trailing_zeros(np.uint64(word))


@inner
def bit_length(number: int) -> int:
    """Return how many bits a number of at least 0 has, as `int.bit_length` does."""
    return 64 - _leading_zeros(np.uint64(number))


@inner
def add(words: Words, starts: Starts, number: int) -> None:
    """Put a number into a set."""
    for layer in range(len(starts) - 1):
        place = starts[layer] + (number >> 6)
        before = words[place]
        words[place] = before | (np.uint64(1) << np.uint64(number & 63))
        if before != np.uint64(0):
            return
        number >>= 6


@inner
def remove(words: Words, starts: Starts, number: int) -> None:
    """Take a number out of a set."""
    for layer in range(len(starts) - 1):
        place = starts[layer] + (number >> 6)
        words[place] &= ~(np.uint64(1) << np.uint64(number & 63))
        if words[place] != np.uint64(0):
            return
        number >>= 6


@inner
def next_above(words: Words, starts: Starts, number: int) -> int:
    """Return the lowest member above a number (which may be -1), or -1."""
    number += 1
    for layer in range(len(starts) - 1):
        if starts[layer] + (number >> 6) >= starts[layer + 1]:
            return -1
        word = words[starts[layer] + (number >> 6)] >> np.uint64(number & 63)
        if word != np.uint64(0):
            number += _trailing_zeros(word)
            for below in range(layer - 1, -1, -1):
                number = (number << 6) + _trailing_zeros(words[starts[below] + number])
            return number
        number = (number >> 6) + 1
    return -1


@inner
def next_below(words: Words, starts: Starts, number: int) -> int:
    """Return the highest member below a number (which may be the set's size), or -1."""
    number -= 1
    for layer in range(len(starts) - 1):
        if number < 0:
            return -1
        word = words[starts[layer] + (number >> 6)] << np.uint64(63 - (number & 63))
        if word != np.uint64(0):
            number -= _leading_zeros(word)
            for below in range(layer - 1, -1, -1):
                number = (number << 6) + 63 - _leading_zeros(words[starts[below] + number])
            return number
        number = (number >> 6) - 1
    return -1
