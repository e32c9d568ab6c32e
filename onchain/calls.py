"""Calldata and answers of contract calls: one place that encodes, one that asks."""

from collections.abc import Sequence
from typing import Any

from eth_abi import encode

from onchain.keccak import keccak256
from onchain.rpc import Call


def calldata(signature: str, values: Sequence[Any] = ()) -> str:
    """Return a call's bytes, 0x hex. signature: `name(type,type)` with elementary or array types, no tuples."""
    inside = signature[signature.index("(") + 1 : -1]
    types = inside.split(",") if inside else []
    return "0x" + (keccak256(signature.encode())[:4] + encode(types, list(values))).hex()


def from_hex(text: str) -> bytes:
    """Return the bytes of 0x hex."""
    return bytes.fromhex(text.removeprefix("0x"))


def to_hex(data: bytes) -> str:
    """Return bytes as 0x hex."""
    return "0x" + data.hex()


def view_call(to: str, data: str, block: str = "latest") -> Call:
    """Return the JSON-RPC call of a view function. block: a tag or a 0x number."""
    return Call("eth_call", ({"to": to, "data": data}, block))
