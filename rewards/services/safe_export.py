"""A Safe transaction as the Transaction Builder imports it, with the checksum that it looks for.

The format and the checksum are those of Safe's Transaction Builder (apps/tx-builder, lib/checksum.ts).
"""

import json
from typing import Any

from onchain.keccak import keccak256
from rewards.models import SafeTransaction

BUILDER_VERSION = "1.17.1"


def builder_file(*, stored: SafeTransaction) -> dict[str, Any]:
    """Return the file: the calls one by one, so that Safe's own page decodes and batches them again."""
    program = stored.epoch.program
    document = {
        "version": "1.0",
        "chainId": str(program.chain_id),
        "createdAt": int(stored.created_at.timestamp() * 1000),
        "meta": {
            "name": f"Epoch {stored.epoch.number} of {program.name}",
            "description": f"Approves the digest {stored.digest}",
            "txBuilderVersion": BUILDER_VERSION,
            "createdFromSafeAddress": stored.safe,
            "createdFromOwnerAddress": "",
        },
        "transactions": [_transaction(call) for call in stored.calls],
    }
    return with_checksum(document)


def with_checksum(document: dict[str, Any]) -> dict[str, Any]:
    """Return the file with the checksum over all of it but its name."""
    hashed = {**document, "meta": {**document["meta"], "name": None}}
    checksum = "0x" + keccak256(_serialized(hashed).encode()).hex()
    return {**document, "meta": {**document["meta"], "checksum": checksum}}


def _transaction(call: dict[str, Any]) -> dict[str, Any]:
    name = call["function"].partition("(")[0]
    return {
        "to": call["to"],
        "value": "0",
        "data": call["data"],
        "contractMethod": {
            "inputs": [
                {"internalType": field["type"], "name": field["name"], "type": field["type"]}
                for field in call["fields"]
            ],
            "name": name,
            "payable": False,
        },
        "contractInputsValues": {field["name"]: field["value"] for field in call["fields"]},
    }


def _serialized(value: Any) -> str:
    """Write JSON in the builder's own order: an object is its sorted keys and then their values."""
    if isinstance(value, list):
        return "[" + ",".join(_serialized(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value)
        return "{" + _plain(keys) + "".join(_serialized(value[key]) + "," for key in keys) + "}"
    return _plain(value)


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
