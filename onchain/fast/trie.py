"""The receipts root of many blocks at once: RLP and Merkle Patricia trie over the columns of their receipts.

Source: Ethereum Yellow Paper, section 4.3.2 and appendices B and D; EIP-2718 (typed receipts). `onchain.receipts`
does the same plainly, for receipts that are not read by the compiled scanner; the tests hold both against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onchain.fast.compiling import jit
from onchain.fast.keccak import DIGEST, STATE_WORDS, absorb, finish

BLOOM = 256
KEY_NIBBLES = 8  # an index below 2**24 takes up to four bytes in RLP
KIND, STATUS, GAS, FIRST_LOG, LAST_LOG = range(5)
EMPTY_ROOT = np.frombuffer(bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"), np.uint8)


@jit
def _head(out, at, size, short):  # type: ignore[no-untyped-def]
    """Write RLP's head of a string (short 0x80) or list (0xc0) of `size` bytes; returns the place after it."""
    if size < 56:
        out[at] = short + size
        return at + 1
    width = 1
    while size >> (8 * width):
        width += 1
    out[at] = short + 55 + width
    for index in range(width):
        out[at + 1 + index] = (size >> (8 * (width - 1 - index))) & 255
    return at + 1 + width


@jit
def _head_size(size):  # type: ignore[no-untyped-def]
    if size < 56:
        return 1
    width = 1
    while size >> (8 * width):
        width += 1
    return 1 + width


@jit
def _integer(out, at, value):  # type: ignore[no-untyped-def]
    if value == 0:
        out[at] = 0x80
        return at + 1
    if value < 128:
        out[at] = value
        return at + 1
    width = 1
    while value >> (8 * width):
        width += 1
    out[at] = 0x80 + width
    for index in range(width):
        out[at + 1 + index] = (value >> (8 * (width - 1 - index))) & 255
    return at + 1 + width


@jit
def _string_size(data, first, last):  # type: ignore[no-untyped-def]
    size = last - first
    if size == 1 and data[first] < 128:
        return 1
    return _head_size(size) + size


@jit
def _log_size(log, topic_count, data, offsets):  # type: ignore[no-untyped-def]
    topics = 33 * np.int64(topic_count[log])
    return 21 + _head_size(topics) + topics + _string_size(data, offsets[log], offsets[log + 1])


@jit
def _logs_size(first, last, topic_count, data, offsets):  # type: ignore[no-untyped-def]
    total = 0
    for log in range(first, last):
        size = _log_size(log, topic_count, data, offsets)
        total += _head_size(size) + size
    return total


@jit
def _encode_log(out, at, log, addresses, topics, topic_count, data, offsets):  # type: ignore[no-untyped-def]
    at = _head(out, at, _log_size(log, topic_count, data, offsets), 0xC0)
    out[at] = 0x80 + 20
    for index in range(20):
        out[at + 1 + index] = addresses[log, index]
    at = _head(out, at + 21, 33 * np.int64(topic_count[log]), 0xC0)
    for topic in range(topic_count[log]):
        out[at] = 0x80 + 32
        for index in range(32):
            out[at + 1 + index] = topics[log, topic, index]
        at += 33
    first, last = offsets[log], offsets[log + 1]
    if not (last - first == 1 and data[first] < 128):
        at = _head(out, at, last - first, 0x80)
    for index in range(first, last):
        out[at] = data[index]
        at += 1
    return at


@jit
def _encode(out, numbers, bloom, logs):  # type: ignore[no-untyped-def]
    """Write one receipt's value in the trie to the beginning of `out`; returns its length."""
    addresses, topics, topic_count, data, offsets = logs
    first, last = numbers[FIRST_LOG], numbers[LAST_LOG]
    of_logs = _logs_size(first, last, topic_count, data, offsets)
    size = _integer(out, 0, numbers[STATUS]) + _integer(out, 0, numbers[GAS])
    size += 3 + BLOOM + _head_size(of_logs) + of_logs
    at = 0
    if numbers[KIND]:
        out[0] = numbers[KIND]
        at = 1
    at = _head(out, at, size, 0xC0)
    at = _integer(out, at, numbers[STATUS])
    at = _integer(out, at, numbers[GAS])
    at = _head(out, at, BLOOM, 0x80)
    for index in range(BLOOM):
        out[at + index] = bloom[index]
    at = _head(out, at + BLOOM, of_logs, 0xC0)
    for log in range(first, last):
        at = _encode_log(out, at, log, addresses, topics, topic_count, data, offsets)
    return at


@jit
def _key(index, key):  # type: ignore[no-untyped-def]
    """Write the nibbles of rlp(index) to `key`; returns how many."""
    octets = np.zeros(8, np.uint8)
    count = _integer(octets, 0, index)
    for place in range(count):
        key[2 * place] = octets[place] >> 4
        key[2 * place + 1] = octets[place] & 15
    return 2 * count


@jit
def _path(out, at, key, first, last, leaf):  # type: ignore[no-untyped-def]
    """Write the hex-prefix path key[first:last] as an RLP string; returns the place after it."""
    odd = (last - first) % 2
    size = 1 + (last - first) // 2
    # A path of one byte is below 0x80 and stands for itself.
    if size > 1:
        out[at] = 0x80 + size
        at += 1
    flag = 16 * ((2 if leaf else 0) + odd)
    out[at] = flag + (key[first] if odd else 0)
    at += 1
    for place in range(first + odd, last, 2):
        out[at] = 16 * key[place] + key[place + 1]
        at += 1
    return at


@jit
def _leaf(key, first, last, value, size, work, digest):  # type: ignore[no-untyped-def]
    """Hash a leaf node: no receipt is so short that its node would not be hashed."""
    state, octets, short = work[0], work[1], work[2]
    end = _path(short, 16, key, first, last, True)
    end = _head(short, end, size, 0x80)
    head = _head(short, 0, end - 16 + size, 0xC0)
    at = absorb(state, octets, 0, short, 0, head)
    at = absorb(state, octets, at, short, 16, end)
    at = absorb(state, octets, at, value, 0, size)
    finish(state, octets, at, digest)


@jit
def _small(short, size, work, digest):  # type: ignore[no-untyped-def]
    """Hash the list whose `size` bytes stand in short[16:]."""
    state, octets = work[0], work[1]
    head = _head(short, 0, size, 0xC0)
    at = absorb(state, octets, 0, short, 0, head)
    at = absorb(state, octets, at, short, 16, 16 + size)
    finish(state, octets, at, digest)


@jit
def _shared(keys, one, other):  # type: ignore[no-untyped-def]
    """Count the nibbles in which two keys agree from the front; no key begins with another one."""
    count = 0
    while keys[one, count] == keys[other, count]:
        count += 1
    return count


@jit
def _fork_above(keys, first, last, count):  # type: ignore[no-untyped-def]
    """Return the depth of the branch that the node of keys [first, last) hangs from; -1 for the root."""
    above = -1
    if first > 0:
        above = max(above, _shared(keys, first - 1, first))
    if last < count:
        above = max(above, _shared(keys, last - 1, last))
    return above


@jit
def _branch(keys, starts, first, last, level, work, digests):  # type: ignore[no-untyped-def]
    """Hash the branch of entries [first, last) into the first one's digest."""
    short = work[2]
    at = 16
    entry = first
    for nibble in range(16):
        if entry < last and keys[starts[entry], level] == nibble:
            short[at] = 0x80 + DIGEST
            for index in range(DIGEST):
                short[at + 1 + index] = digests[entry, index]
            at += 1 + DIGEST
            entry += 1
        else:
            short[at] = 0x80
            at += 1
    short[at] = 0x80
    _small(short, at + 1 - 16, work, digests[first])


@jit
def _extension(key, first, last, work, digest):  # type: ignore[no-untyped-def]
    """Hash the node that leads over key[first:last] to the branch `digest`, in place."""
    short = work[2]
    at = _path(short, 16, key, first, last, False)
    short[at] = 0x80 + DIGEST
    for index in range(DIGEST):
        short[at + 1 + index] = digest[index]
    _small(short, at + 1 + DIGEST - 16, work, digest)


@jit
def _root(keys, digests, count, work):  # type: ignore[no-untyped-def]
    """Put the trie together from the leaves' digests, in the order of keys; the root ends up in digests[0].

    From the deepest nibble up: neighbours that agree in all nibbles before `level` become one branch.
    """
    starts = np.arange(count + 1)
    left = count
    for level in range(KEY_NIBBLES - 1, -1, -1):
        read, write = 0, 0
        while read < left:
            end = read + 1
            while end < left and _shared(keys, starts[read], starts[end]) >= level:
                end += 1
            if end - read > 1:
                _branch(keys, starts, read, end, level, work, digests)
                above = _fork_above(keys, starts[read], starts[end], count)
                if above + 1 < level:
                    _extension(keys[starts[read]], above + 1, level, work, digests[read])
            digests[write] = digests[read]
            starts[write] = starts[read]
            write += 1
            read = end
        starts[write] = count
        left = write


@jit
def roots(numbers, blooms, first_receipt, logs, work):  # type: ignore[no-untyped-def]
    """Return the receipts roots of n blocks, (n, 32) bytes.

    numbers: (r, 5) int64, a receipt's KIND to LAST_LOG; blooms (r, 256); first_receipt: (n + 1) int64, where each
    block's receipts begin. logs: addresses (l, 20), topics (l, 4, 32), topic_count (l), data, offsets (l + 1).
    work: from `workspace`.
    """
    found = np.empty((len(first_receipt) - 1, DIGEST), np.uint8)
    value = work[3]
    for block in range(len(found)):
        begin, end = first_receipt[block], first_receipt[block + 1]
        count = end - begin
        if count == 0:
            found[block] = EMPTY_ROOT
            continue
        keys = np.zeros((count, KEY_NIBBLES), np.uint8)
        digests = np.empty((count, DIGEST), np.uint8)
        lengths = np.empty(count, np.int64)
        for place in range(count):
            lengths[place] = _key(_index_of(place, count), keys[place])
        for place in range(count):
            receipt = begin + _index_of(place, count)
            need = _value_room(numbers[receipt], logs)
            if len(value) < need:
                value = np.empty(2 * need, np.uint8)
            size = _encode(value, numbers[receipt], blooms[receipt], logs)
            above = _fork_above(keys, place, place + 1, count)
            _leaf(keys[place], above + 1, lengths[place], value, size, work, digests[place])
        _root(keys, digests, count, work)
        found[block] = digests[0]
    return found


@jit
def _index_of(place, count):  # type: ignore[no-untyped-def]
    """Return the index whose key is at `place` in order: rlp(0) is 0x80 and comes after those of 1 to 127."""
    below = min(count - 1, 127)
    if place < below:
        return place + 1
    return 0 if place == below else place


@jit
def _value_room(numbers, logs):  # type: ignore[no-untyped-def]
    return 512 + _logs_size(numbers[FIRST_LOG], numbers[LAST_LOG], logs[2], logs[3], logs[4])


def workspace() -> tuple[Any, Any, Any, Any]:
    """Return what `roots` works in: a Keccak state, the same as bytes, room for short nodes and for one receipt."""
    state = np.zeros(STATE_WORDS, np.uint64)
    return state, state.view(np.uint8), np.empty(640, np.uint8), np.empty(1 << 16, np.uint8)
