"""Saved states as bytes: named, versioned and checksummed, so that a state is never taken for another one."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

from onchain.errors import AdapterStateError

MAGIC = b"LLAS"
DIGEST = 32


def pack(*, name: str, version: int, config: object, state: object) -> bytes:
    """Return magic, SHA-256 of the rest, and compressed JSON; `config` is what the state depends on, kept as a hash."""
    body = {"name": name, "version": version, "config": _digest(config), "state": state}
    packed = zlib.compress(json.dumps(body, separators=(",", ":")).encode(), level=1)
    return MAGIC + hashlib.sha256(packed).digest() + packed


def unpack(data: bytes, *, name: str, version: int, config: object) -> Any:
    """Return the state that `pack` took. Raises AdapterStateError when the bytes are others, or of another market."""
    packed = data[len(MAGIC) + DIGEST :]
    if not data.startswith(MAGIC) or hashlib.sha256(packed).digest() != data[len(MAGIC) : len(MAGIC) + DIGEST]:
        raise AdapterStateError(rule="its bytes are cut off or changed, or from an older release")
    body = json.loads(zlib.decompress(packed))
    if (body["name"], body["version"]) != (name, version):
        raise AdapterStateError(
            rule=f"it is of {body['name']}, version {body['version']}; this is {name}, version {version}"
        )
    if body["config"] != _digest(config):
        raise AdapterStateError(rule="it was saved under another configuration of the market")
    return body["state"]


def _digest(config: object) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
