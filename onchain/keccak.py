"""Keccak-256 as Ethereum uses it."""

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32 bytes of keccak256(data)."""
    return keccak.new(digest_bits=256, data=data).digest()
