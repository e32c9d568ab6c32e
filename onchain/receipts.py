"""The receipts root of a block, rebuilt from its receipts: the proof that no log is missing.

Source: Ethereum Yellow Paper, section 4.3.2 and appendix D (Merkle Patricia trie); EIP-2718 (typed receipts).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import rlp

from onchain.keccak import keccak256

Nibbles = tuple[int, ...]
EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> str:
    """Return the root (0x hex) of a block's receipts, given in their order as `eth_getBlockReceipts` gives them.

    Raises KeyError or ValueError when a field of a receipt is missing or no hex.
    """
    if not receipts:
        return EMPTY_ROOT
    items = [(_nibbles(rlp.encode(index)), encode_receipt(receipt)) for index, receipt in enumerate(receipts)]
    return "0x" + keccak256(rlp.encode(_node(sorted(items), depth=0))).hex()


def encode_receipt(receipt: Mapping[str, Any]) -> bytes:
    """Return a receipt as it stands in the trie: its type's byte (none for a legacy one), then its RLP."""
    # Before Byzantium a receipt held the state's root in the place of the status.
    outcome = _quantity(receipt["status"]) if "status" in receipt else _bytes(receipt["root"])
    logs = [
        [_bytes(log["address"]), [_bytes(topic) for topic in log["topics"]], _bytes(log["data"])]
        for log in receipt["logs"]
    ]
    body: bytes = rlp.encode([outcome, _quantity(receipt["cumulativeGasUsed"]), _bytes(receipt["logsBloom"]), logs])
    kind = int(receipt.get("type", "0x0"), 16)
    return body if kind == 0 else bytes([kind]) + body


def _node(items: Sequence[tuple[Nibbles, bytes]], *, depth: int) -> Any:
    """Return the trie node (RLP structure) of the sorted items, which agree in their first `depth` nibbles."""
    if len(items) == 1:
        path, value = items[0]
        return [_hex_prefix(path[depth:], leaf=True), value]
    shared = _shared_length(items[0][0], items[-1][0])
    if shared > depth:
        return [_hex_prefix(items[0][0][depth:shared], leaf=False), _reference(_node(items, depth=shared))]
    branch: list[Any] = [b""] * 17
    if len(items[0][0]) == depth:
        branch[16] = items[0][1]
        items = items[1:]
    for nibble in range(16):
        below = [item for item in items if item[0][depth] == nibble]
        if below:
            branch[nibble] = _reference(_node(below, depth=depth + 1))
    return branch


def _reference(node: Any) -> Any:
    """Return what a parent holds: the node itself where it is short, else its hash."""
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak256(encoded)


def _shared_length(first: Nibbles, last: Nibbles) -> int:
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return length


def _hex_prefix(path: Nibbles, *, leaf: bool) -> bytes:
    flag = 2 if leaf else 0
    padded = (flag + 1, *path) if len(path) % 2 else (flag, 0, *path)
    return bytes(16 * padded[i] + padded[i + 1] for i in range(0, len(padded), 2))


def _nibbles(key: bytes) -> Nibbles:
    return tuple(half for byte in key for half in (byte >> 4, byte & 15))


def _quantity(value: str) -> int:
    return int(value, 16)


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))
