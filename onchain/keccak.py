"""Keccak-256 as Ethereum uses it."""

from sha3 import keccak_256


def keccak256(data: bytes) -> bytes:
    """Return the 32 bytes of keccak256(data)."""
    return bytes(keccak_256(data).digest())
