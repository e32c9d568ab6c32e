"""Keccak-256 compiled, absorbing piece by piece, so that nothing is copied together before it is hashed.

Source: FIPS 202 (Keccak-f[1600], rate 1088), with the padding byte 0x01 that Ethereum uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onchain.fast.compiling import jit

RATE = 136
DIGEST = 32
LANES, ROUNDS = 25, 24
STATE_WORDS = 2 * LANES + 5
"""The 25 lanes, a second set of them and five columns to work in."""


def _round_constants() -> Any:
    """Return the 24 constants of iota, from their linear feedback shift register."""
    constants, register = [], 1
    for _ in range(ROUNDS):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = ((register << 1) ^ (0x171 if register >> 7 else 0)) & 0xFF
        constants.append(constant)
    return np.array(constants, np.uint64)


def _rotations() -> tuple[Any, Any]:
    """Return for each lane how far rho turns it and where pi puts it."""
    turn, place = np.zeros(LANES, np.uint64), np.zeros(LANES, np.int64)
    x, y = 1, 0
    for t in range(24):
        turn[x + 5 * y] = ((t + 1) * (t + 2) // 2) % 64
        x, y = y, (2 * x + 3 * y) % 5
    for x in range(5):
        for y in range(5):
            place[x + 5 * y] = y + 5 * ((2 * x + 3 * y) % 5)
    return turn, place


IOTA = _round_constants()
TURN, PLACE = _rotations()
ONE, WORD_BITS = np.uint64(1), np.uint64(64)


@jit
def _turned(word, by):  # type: ignore[no-untyped-def]
    return (word << by) | (word >> ((WORD_BITS - by) & np.uint64(63)))


@jit
def permute(state):  # type: ignore[no-untyped-def]
    """Apply Keccak-f[1600] to the first 25 words of `state` (STATE_WORDS words of uint64)."""
    for round_ in range(ROUNDS):
        for x in range(5):
            state[50 + x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
        for x in range(5):
            parity = state[50 + (x + 4) % 5] ^ _turned(state[50 + (x + 1) % 5], ONE)
            for y in range(0, LANES, 5):
                state[x + y] ^= parity
        for lane in range(LANES):
            turn = TURN[lane]
            state[LANES + PLACE[lane]] = state[lane] if turn == 0 else _turned(state[lane], turn)
        for y in range(0, LANES, 5):
            for x in range(5):
                state[y + x] = state[LANES + y + x] ^ (~state[LANES + y + (x + 1) % 5] & state[LANES + y + (x + 2) % 5])
        state[0] ^= IOTA[round_]


@jit
def absorb(state, octets, at, buf, start, end):  # type: ignore[no-untyped-def]
    """Take buf[start:end] in; `octets` is `state` as bytes, `at` how many of the rate are used. Returns the new one."""
    while start < end:
        count = min(RATE - at, end - start)
        for index in range(count):
            octets[at + index] ^= buf[start + index]
        at += count
        start += count
        if at == RATE:
            permute(state)
            at = 0
    return at


@jit
def finish(state, octets, at, digest):  # type: ignore[no-untyped-def]
    """Pad, write the 32 bytes to `digest` and make the state ready for the next."""
    octets[at] ^= np.uint8(0x01)
    octets[RATE - 1] ^= np.uint8(0x80)
    permute(state)
    for index in range(DIGEST):
        digest[index] = octets[index]
    state[:LANES] = 0
