"""Rebuilds a block's receipts root from its receipts (Yellow Paper 4.4.1, EIP-2718).

The root sits in the header and so under the block's hash: receipts that rebuild it are all of the block's receipts,
with all of their logs. Nothing else that a node says proves that no log is missing.
"""

from collections.abc import Sequence
from typing import Any

from onchain.keccak import keccak256

# keccak256(rlp(b"")): the root of a block without transactions.
EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
_STRING, _LIST = 0x80, 0xC0


def receipts_root(receipts: Sequence[dict[str, Any]]) -> bytes:
    """Return the root of receipts as eth_getBlockReceipts gives them, in the order of their transactions."""
    return ordered_trie_root([encode_receipt(receipt) for receipt in receipts])


def encode_receipt(receipt: dict[str, Any]) -> bytes:
    """Return the consensus encoding: rlp([status, gas, bloom, logs]), behind its type byte from EIP-2718 on."""
    # Before Byzantium a receipt carried a state root where a status is now.
    outcome = _bytes(receipt["root"]) if receipt.get("root") else _quantity(receipt["status"])
    logs = b"".join(_encode_log(log) for log in receipt["logs"])
    payload = b"".join(
        (
            rlp_string(outcome),
            rlp_string(_quantity(receipt["cumulativeGasUsed"])),
            rlp_string(_bytes(receipt["logsBloom"])),
            rlp_list(logs),
        )
    )
    kind = int(receipt.get("type") or "0x0", 16)
    return (bytes([kind]) if kind else b"") + rlp_list(payload)


def ordered_trie_root(values: Sequence[bytes]) -> bytes:
    """Return the root of the Merkle Patricia trie that maps rlp(i) to values[i]."""
    if not values:
        return EMPTY_ROOT
    items = sorted((_nibbles(rlp_string(_minimal(index))), value) for index, value in enumerate(values))
    return keccak256(_node(items, 0))


def rlp_string(value: bytes) -> bytes:
    """Return the RLP of a byte string."""
    if len(value) == 1 and value[0] < _STRING:
        return value
    return _length(len(value), _STRING) + value


def rlp_list(payload: bytes) -> bytes:
    """Return the RLP of a list whose items are encoded already and stand end to end in `payload`."""
    return _length(len(payload), _LIST) + payload


def _encode_log(log: dict[str, Any]) -> bytes:
    topics = b"".join(rlp_string(_bytes(topic)) for topic in log["topics"])
    return rlp_list(rlp_string(_bytes(log["address"])) + rlp_list(topics) + rlp_string(_bytes(log["data"])))


def _node(items: list[tuple[bytes, bytes]], depth: int) -> bytes:
    """Return the RLP of the node that holds `items` (sorted, keys as nibbles, equal in the first `depth`)."""
    key, value = items[0]
    if len(items) == 1:
        return rlp_list(rlp_string(_path(key[depth:], leaf=True)) + rlp_string(value))
    last = items[-1][0]
    shared = depth
    while key[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return rlp_list(rlp_string(_path(key[depth:shared], leaf=False)) + _reference(_node(items, shared)))
    # No key of rlp(i) is a prefix of another, so a branch never has a value of its own.
    children: list[list[tuple[bytes, bytes]]] = [[] for _ in range(16)]
    for item in items:
        children[item[0][depth]].append(item)
    references = [_reference(_node(child, depth + 1)) if child else b"\x80" for child in children]
    return rlp_list(b"".join(references) + b"\x80")


def _reference(node: bytes) -> bytes:
    # A node shorter than a hash stands in its parent itself.
    return node if len(node) < 32 else rlp_string(keccak256(node))


def _path(nibbles: bytes, *, leaf: bool) -> bytes:
    """Return the hex-prefix encoding (Yellow Paper, appendix C)."""
    flag = 2 if leaf else 0
    padded = bytes([flag + 1]) + nibbles if len(nibbles) % 2 else bytes([flag, 0]) + nibbles
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))


def _nibbles(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _length(size: int, offset: int) -> bytes:
    if size < 56:
        return bytes([offset + size])
    digits = _minimal(size)
    return bytes([offset + 55 + len(digits)]) + digits


def _minimal(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _quantity(text: str) -> bytes:
    return _minimal(int(text, 16))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
