"""ABI encoding of the values of one leaf, as Solidity's `abi.encode` lays them out.

Source: the Solidity contract ABI specification (head and tail encoding). Static types, `string`, `bytes`
and arrays of them; tuples are not needed by leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rewards.engine.errors import EngineError

WORD_BYTES = 32

_INTEGER_TYPE = re.compile(r"(u?)int([1-9][0-9]*)?")
_FIXED_BYTES_TYPE = re.compile(r"bytes([1-9][0-9]*)")
_ARRAY_TYPE = re.compile(r"(.+)\[([1-9][0-9]*)?\]")
_DECIMAL = re.compile(r"-?[0-9]{1,78}", re.ASCII)
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class AbiError(EngineError):
    """Base of what is wrong with a type or with a value of a type."""


class UnknownTypeError(AbiError):
    """The type is none that a leaf can have."""

    def __init__(self, *, abi_type: str) -> None:
        self.abi_type = abi_type
        super().__init__(
            f"{abi_type!r} is not a type a leaf can have; use address, bool, string, bytes, "
            "bytes1 to bytes32, int8 to int256, uint8 to uint256, or an array of one of them"
        )


class ValueTypeError(AbiError):
    """The value cannot be encoded as its type."""

    def __init__(self, *, abi_type: str, value: object, reason: str) -> None:
        self.abi_type, self.value, self.reason = abi_type, value, reason
        super().__init__(f"{_shown(value)} is no {abi_type}: {reason}")


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type are checked, encoded and written to JSON.

    `head_bytes` is the size of the type's place in the head (a dynamic type's place holds an offset).
    `to_json` gives what JSON carries without loss: integers as decimal strings, bytes as 0x hex.
    """

    abi_type: str
    is_dynamic: bool
    head_bytes: int
    encode: Callable[[object], bytes]
    to_json: Callable[[object], object]


@lru_cache(maxsize=256)
def codec(abi_type: str) -> Codec:
    """Return the codec of a type such as `address`, `uint256`, `bytes32`, `string` or `uint8[3]`.

    Raises UnknownTypeError.
    """
    if abi_type == "address":
        return Codec(abi_type, False, WORD_BYTES, _encode_address, _hex_to_json)
    if abi_type == "bool":
        return Codec(abi_type, False, WORD_BYTES, _encode_bool, _as_is)
    if abi_type == "string":
        return Codec(abi_type, True, WORD_BYTES, _encode_string, _as_is)
    if abi_type == "bytes":
        return Codec(abi_type, True, WORD_BYTES, _encode_bytes, _hex_to_json)
    if match := _INTEGER_TYPE.fullmatch(abi_type):
        return _integer_codec(abi_type, signed=not match[1], bits=int(match[2] or 256))
    if match := _FIXED_BYTES_TYPE.fullmatch(abi_type):
        return _fixed_bytes_codec(abi_type, length=int(match[1]))
    if match := _ARRAY_TYPE.fullmatch(abi_type):
        return _array_codec(abi_type, item=codec(match[1]), length=int(match[2]) if match[2] else None)
    raise UnknownTypeError(abi_type=abi_type)


def encode_sequence(codecs: Sequence[Codec], values: Sequence[object]) -> bytes:
    """Encode values side by side: heads first, then the tails that dynamic heads point to.

    The two sequences have the same length (the caller checks). Raises ValueTypeError.
    """
    if not any(each.is_dynamic for each in codecs):
        return b"".join([each.encode(value) for each, value in zip(codecs, values, strict=True)])
    offset = sum(each.head_bytes for each in codecs)
    heads: list[bytes] = []
    tails: list[bytes] = []
    for each, value in zip(codecs, values, strict=True):
        encoded = each.encode(value)
        if each.is_dynamic:
            heads.append(offset.to_bytes(WORD_BYTES, "big"))
            tails.append(encoded)
            offset += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def hex_to_bytes(*, abi_type: str, value: object) -> bytes:
    """Turn 0x hex (any case) or bytes into bytes. Raises ValueTypeError."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueTypeError(abi_type=abi_type, value=value, reason="write 0x and an even number of hex digits")
    return bytes.fromhex(value[2:])


def _encode_address(value: object) -> bytes:
    raw = hex_to_bytes(abi_type="address", value=value)
    if len(raw) != 20:
        raise ValueTypeError(abi_type="address", value=value, reason=f"it has {len(raw)} bytes, an address has 20")
    return bytes(12) + raw


def _encode_bool(value: object) -> bytes:
    if value is True or value == "true":
        return (1).to_bytes(WORD_BYTES, "big")
    if value is False or value == "false":
        return bytes(WORD_BYTES)
    raise ValueTypeError(abi_type="bool", value=value, reason="write true or false")


def _encode_string(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueTypeError(abi_type="string", value=value, reason="write it in quotes")
    try:
        return _length_and_padded(value.encode())
    except UnicodeEncodeError as error:
        reason = "it holds half of a surrogate pair, which UTF-8 cannot carry"
        raise ValueTypeError(abi_type="string", value=value, reason=reason) from error


def _encode_bytes(value: object) -> bytes:
    return _length_and_padded(hex_to_bytes(abi_type="bytes", value=value))


def _length_and_padded(raw: bytes) -> bytes:
    return len(raw).to_bytes(WORD_BYTES, "big") + raw + bytes(-len(raw) % WORD_BYTES)


def _integer_codec(abi_type: str, *, signed: bool, bits: int) -> Codec:
    if bits % 8 or not 8 <= bits <= 256:
        raise UnknownTypeError(abi_type=abi_type)
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)

    def encode(value: object) -> bytes:
        number = value if type(value) is int else _integer(abi_type, value)
        if not low <= number < high:
            raise ValueTypeError(abi_type=abi_type, value=value, reason=f"it is not between {low} and {high - 1}")
        return number.to_bytes(WORD_BYTES, "big", signed=signed)

    def to_json(value: object) -> object:
        return str(value) if type(value) is int else value

    return Codec(abi_type, False, WORD_BYTES, encode, to_json)


def _integer(abi_type: str, value: object) -> int:
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            return int(value)
        if len(value) > 2 and len(value) <= 66 and re.fullmatch(r"0x[0-9a-fA-F]+", value):
            return int(value, 16)
    reason = "write a whole number in decimal digits, in quotes when it is big"
    raise ValueTypeError(abi_type=abi_type, value=value, reason=reason)


def _fixed_bytes_codec(abi_type: str, *, length: int) -> Codec:
    if length > WORD_BYTES:
        raise UnknownTypeError(abi_type=abi_type)

    def encode(value: object) -> bytes:
        raw = hex_to_bytes(abi_type=abi_type, value=value)
        if len(raw) != length:
            raise ValueTypeError(abi_type=abi_type, value=value, reason=f"it has {len(raw)} bytes, not {length}")
        return raw + bytes(WORD_BYTES - length)

    return Codec(abi_type, False, WORD_BYTES, encode, _hex_to_json)


def _array_codec(abi_type: str, *, item: Codec, length: int | None) -> Codec:
    def encode(value: object) -> bytes:
        if not isinstance(value, list | tuple):
            raise ValueTypeError(abi_type=abi_type, value=value, reason="write it as a list")
        if length is not None and len(value) != length:
            raise ValueTypeError(abi_type=abi_type, value=value, reason=f"it has {len(value)} items, not {length}")
        body = encode_sequence([item] * len(value), value)
        return body if length is not None else len(value).to_bytes(WORD_BYTES, "big") + body

    def to_json(value: object) -> object:
        return [item.to_json(each) for each in value] if isinstance(value, list | tuple) else value

    is_dynamic = length is None or item.is_dynamic
    head_bytes = WORD_BYTES if is_dynamic else (length or 0) * item.head_bytes
    return Codec(abi_type, is_dynamic, head_bytes, encode, to_json)


def _as_is(value: object) -> object:
    return value


def _hex_to_json(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
