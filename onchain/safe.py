"""Speaks Safe 1.3 and 1.4: what is signed, how signatures are laid out, and what a Safe says of itself.

Sources: the contracts of @safe-global/safe-contracts 1.4.1 (Safe.sol, MultiSendCallOnly.sol), EIP-712.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError

from onchain.calls import calldata, from_hex, to_hex, view_call
from onchain.errors import RpcRefusedError
from onchain.keccak import keccak256
from onchain.rpc import RpcClient

NOBODY = "0x" + "0" * 40
CALL, DELEGATE_CALL = 0, 1
VERSIONS = ("1.3.0", "1.4.1")
MULTI_SEND_CODE_HASHES = (
    # MultiSendCallOnly of 1.3.0 and 1.4.1 as Safe deploys them: code that a Safe may run as itself without harm.
    "0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad",
    "0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939",
)
SIGNATURE_GAS = 3_000_000
"""What an owner that is a contract may burn while it looks at a signature, in a call that changes nothing."""
WORD = 32
SIGNATURE_BYTES = 65
_DOMAIN_TYPE = keccak256(b"EIP712Domain(uint256 chainId,address verifyingContract)")
_SAFE_TX_FIELDS = (
    ("address", "to"), ("uint256", "value"), ("bytes", "data"), ("uint8", "operation"), ("uint256", "safeTxGas"),
    ("uint256", "baseGas"), ("uint256", "gasPrice"), ("address", "gasToken"), ("address", "refundReceiver"),
    ("uint256", "nonce"),
)  # fmt: skip
_SAFE_TX_TYPE = keccak256(("SafeTx(" + ",".join(" ".join(each) for each in _SAFE_TX_FIELDS) + ")").encode())
_EXEC = (
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeInfo:
    """A Safe as the chain has it. nonce: of the next transaction."""

    address: str
    version: str
    owners: tuple[str, ...]
    threshold: int
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTx:
    """A Safe transaction of value 0 that refunds no gas; everything that its hash binds."""

    chain_id: int
    safe: str
    to: str
    data: str
    operation: int
    nonce: int

    @property
    def message(self) -> dict[str, Any]:
        """The fields of the EIP-712 message, in their order; integers as ints."""
        return {
            "to": self.to, "value": 0, "data": self.data, "operation": self.operation, "safeTxGas": 0, "baseGas": 0,
            "gasPrice": 0, "gasToken": NOBODY, "refundReceiver": NOBODY, "nonce": self.nonce,
        }  # fmt: skip

    @property
    def preimage(self) -> bytes:
        """What is hashed: a contract that is an owner is asked about these bytes."""
        domain = keccak256(encode(["bytes32", "uint256", "address"], [_DOMAIN_TYPE, self.chain_id, self.safe]))
        values = list(self.message.values())
        values[2] = keccak256(from_hex(self.data))
        types = ["bytes32", *("bytes32" if kind == "bytes" else kind for kind, _ in _SAFE_TX_FIELDS)]
        return b"\x19\x01" + domain + keccak256(encode(types, [_SAFE_TX_TYPE, *values]))

    @property
    def hash(self) -> str:
        """safeTxHash: what a device shows, and what owners sign."""
        return to_hex(keccak256(self.preimage))

    @property
    def typed_data(self) -> dict[str, Any]:
        """The same for `eth_signTypedData_v4`."""
        return {
            "types": {
                "EIP712Domain": [
                    {"type": "uint256", "name": "chainId"}, {"type": "address", "name": "verifyingContract"}
                ],
                "SafeTx": [{"type": kind, "name": name} for kind, name in _SAFE_TX_FIELDS],
            },
            "domain": {"chainId": self.chain_id, "verifyingContract": self.safe},
            "primaryType": "SafeTx",
            "message": {key: str(value) if isinstance(value, int) else value for key, value in self.message.items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerCall:
    """One call that the Safe makes. `fields`: name, type and value of each argument, as text."""

    to: str
    function: str
    data: str
    fields: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def multi_send_calldata(*, calls: Sequence[InnerCall]) -> str:
    """Return the calldata of MultiSendCallOnly's `multiSend`: the calls one after the other, all or none."""
    packed = b"".join(
        bytes([CALL]) + from_hex(call.to) + bytes(WORD) + len(from_hex(call.data)).to_bytes(WORD, "big")
        + from_hex(call.data)
        for call in calls
    )  # fmt: skip
    return calldata("multiSend(bytes)", [packed])


def exec_calldata(*, transaction: SafeTx, signatures: bytes) -> str:
    """Return the calldata of `execTransaction`, which anybody may send once enough owners have signed."""
    values = [*transaction.message.values()][:-1]
    values[2] = from_hex(transaction.data)
    return calldata(_EXEC[0], [*values, signatures])


def joined_signatures(signatures: Mapping[str, tuple[bytes, bool]]) -> bytes:
    """Return the owners' signatures as a Safe reads them: ascending by owner, contracts' bytes at the end.

    signatures: owner to (its bytes, whether it is a contract). A key's bytes are r, s, v with v 27, 28 or, for
    eth_sign, 31, 32.
    """
    fixed, tail = b"", b""
    start = SIGNATURE_BYTES * len(signatures)
    for owner in sorted(signatures, key=lambda address: int(address, 16)):
        data, is_contract = signatures[owner]
        if is_contract:
            fixed += int(owner, 16).to_bytes(WORD, "big") + (start + len(tail)).to_bytes(WORD, "big") + b"\0"
            tail += len(data).to_bytes(WORD, "big") + data
        else:
            fixed += data
    return fixed + tail


def read_safe(*, client: RpcClient, address: str) -> SafeInfo | None:
    """Return what a Safe of a known version says of itself now, in one batch; None when the address is no such Safe."""
    views = {"VERSION()": "string", "getOwners()": "address[]", "getThreshold()": "uint256", "nonce()": "uint256"}
    try:
        answers = client.batch(calls=[view_call(address, calldata(name)) for name in views])
        version, owners, threshold, nonce = (
            decode([kind], from_hex(answer))[0] for kind, answer in zip(views.values(), answers, strict=True)
        )
    except (RpcRefusedError, DecodingError, ValueError):
        return None
    if version not in VERSIONS:
        return None
    owners = tuple(sorted(owner.lower() for owner in owners))
    return SafeInfo(address=address.lower(), version=version, owners=owners, threshold=threshold, nonce=nonce)


def read_hash(*, client: RpcClient, transaction: SafeTx) -> str:
    """Return the Safe's own hash of a transaction, to compare with ours before anybody signs."""
    values = [*transaction.message.values()]
    values[2] = from_hex(transaction.data)
    return str(client.batch(calls=[view_call(transaction.safe, calldata(_EXEC[1], values))])[0])


def is_multi_send(*, client: RpcClient, address: str) -> bool:
    """Whether the code at an address is MultiSendCallOnly: a Safe runs it as itself, so nothing else will do."""
    code = from_hex(client.call(method="eth_getCode", params=[address, "latest"]))
    return to_hex(keccak256(code)) in MULTI_SEND_CODE_HASHES


def signature_refusal(*, client: RpcClient, transaction: SafeTx, signature: bytes) -> str | None:
    """Ask the Safe whether one laid-out signature is an owner's, in bounded gas; its short refusal, None for yes."""
    data = calldata(
        "checkNSignatures(bytes32,bytes,bytes,uint256)",
        [from_hex(transaction.hash), transaction.preimage, signature, 1],
    )
    try:
        client.call(
            method="eth_call", params=[{"to": transaction.safe, "data": data, "gas": hex(SIGNATURE_GAS)}, "latest"]
        )
    except RpcRefusedError as error:
        return error.message
    return None
