"""Questions to a contract's own views by eth_call, for comparing a book with the contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError

from onchain.errors import ViewError
from onchain.keccak import keccak256
from onchain.venues.base import EthCall


class Node(Protocol):
    """What of a node's client (onchain.rpc) is needed here; adapters run without one, and without its room."""

    def call(self, *, method: str, params: Sequence[Any]) -> Any:
        """Make one call."""


def view(
    eth_call: EthCall, address: str, block_number: int, *, signature: str, values: Sequence[Any] = (),
    returns: Sequence[str],
) -> tuple[Any, ...]:  # fmt: skip
    """Ask a view function; returns its values, addresses in lower case. Raises ViewError."""
    types = [part for part in signature[signature.index("(") + 1 : -1].split(",") if part]
    answer = eth_call(address, keccak256(signature.encode())[:4] + encode(types, list(values)), block_number)
    try:
        found = decode(list(returns), answer)
    except DecodingError as error:
        raise ViewError(address=address, signature=signature, block_number=block_number) from error
    return tuple(_lower(value) for value in found)


def _lower(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_lower(item) for item in value)
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def eth_call_of(client: Node) -> EthCall:
    """Return the way to call views through a node's client; its errors pass through."""

    def eth_call(address: str, data: bytes, block_number: int) -> bytes:
        answer = client.call(method="eth_call", params=[{"to": address, "data": "0x" + data.hex()}, hex(block_number)])
        return bytes.fromhex(str(answer)[2:])

    return eth_call
