"""Speaks RewardsDistributor: what a call's bytes are, what the contract answers, and its refusals in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode
from eth_utils.crypto import keccak

from onchain.rpc import Call, RpcClient

MAX_BATCH = 100
"""Claims in one `claim_many` (the contract's bound)."""
MAX_BATCH_NODES = 1700
"""Proof nodes in one `claim_many` (the contract's bound): 100 claims of a tree of 2**17 leaves."""
READ_BATCH = 200
"""Calls in one request: providers refuse larger ones."""
NO_ROOT = "0x" + "00" * 32
STATES = ("none", "proposed", "approved", "active", "vetoed", "withdrawn")

_PROPOSE = "propose(uint256,bytes32,bytes32,bytes32,address[],uint256[])"
_CLAIM = "claim(address,address,uint256,bytes32[])"
_CLAIM_MANY = "claim_many(address,(address,uint256)[],bytes32[])"
_CLAIM_MANY_TYPES = ("address", "(address,uint256)[]", "bytes32[]")
_EPOCH_INFO = ("uint256", "bytes32", "bytes32", "bytes32", "bytes32", "uint256", "uint256", "uint256")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedField:
    """One argument of a call as a signer sees it."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCall:
    """The one transaction that the treasury signs; its value is 0."""

    to: str
    function: str
    calldata: str
    fields: tuple[DecodedField, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimItem:
    """One leaf with its proof. cumulative: the token's smallest unit."""

    account: str
    token: str
    cumulative: int
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochInfo:
    """What `epoch_info` answers. state: one of STATES; times in Unix seconds, 0 before they are known."""

    state: str
    root: str
    parent_root: str
    manifest_hash: str
    digest: str
    approved_at_s: int
    activatable_at_s: int
    attestations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The contract's roles and what is active, all of one block."""

    treasury: str
    proposer: str
    guardian: str
    quorum: int
    delay_s: int
    paused: bool
    active_epoch: int
    active_root: str


# --- bytes ---------------------------------------------------------------------------------------------------


def propose_calldata(
    *,
    epoch: int,
    root: str,
    parent_root: str,
    manifest_hash: str,
    tokens: Sequence[str],
    increments: Sequence[int],
) -> str:
    """Return the calldata of `propose`; tokens ascend by address, hashes are 0x hex."""
    values = [epoch, _bytes(root), _bytes(parent_root), _bytes(manifest_hash), list(tokens), list(increments)]
    return _calldata(_PROPOSE, values)


def activate_calldata(*, epoch: int) -> str:
    """Return the calldata of `activate`."""
    return _calldata("activate(uint256)", [epoch])


def withdraw_calldata(*, epoch: int) -> str:
    """Return the calldata of `withdraw`."""
    return _calldata("withdraw(uint256)", [epoch])


def approval_call(*, distributor: str, epoch: int, digest: str) -> ApprovalCall:
    """Return the treasury's call with every field decoded, as a page shows it beside the wallet's own display."""
    function = "approve(uint256,bytes32)"
    return ApprovalCall(
        to=distributor,
        function=function,
        calldata=_calldata(function, [epoch, _bytes(digest)]),
        fields=(
            DecodedField(name="epoch", type="uint256", value=str(epoch)),
            DecodedField(name="digest", type="bytes32", value=digest),
        ),
        digest=digest,
    )


def allowance_calldata(*, spender: str, amount: int) -> str:
    """Return the calldata of the token's `approve`, by which the treasury lets the distributor pull an epoch."""
    return _calldata("approve(address,uint256)", [spender, amount])


def claim_calldata(*, account: str, token: str, cumulative: int, proof: Sequence[str]) -> str:
    """Return the calldata of `claim`, which anybody may send and which pays only the account."""
    return _calldata(_CLAIM, [account, token, cumulative, [_bytes(node) for node in proof]])


def claim_many_calldata(*, items: Sequence[ClaimItem]) -> str:
    """Return the calldata of `claim_many` for 1 to 100 items of one token; their proofs go one after the other."""
    nodes = [_bytes(node) for item in items for node in item.proof]
    if not 1 <= len(items) <= MAX_BATCH:
        raise ValueError(f"A batch has 1 to {MAX_BATCH} claims, not {len(items)}.")
    if len({item.token for item in items}) > 1:
        raise ValueError("The claims of a batch are of one token; send those of another token in a batch of their own.")
    if len(nodes) > MAX_BATCH_NODES:
        raise ValueError(f"A batch has at most {MAX_BATCH_NODES} proof nodes, not {len(nodes)}; send fewer claims.")
    leaves = [(item.account, item.cumulative) for item in items]
    data: bytes = keccak(text=_CLAIM_MANY)[:4] + abi_encode(_CLAIM_MANY_TYPES, [items[0].token, leaves, nodes])
    return "0x" + data.hex()


def epoch_digest(
    *,
    chain_id: int,
    distributor: str,
    epoch: int,
    root: str,
    parent_root: str,
    manifest_hash: str,
    tokens: Sequence[str],
    increments: Sequence[int],
) -> str:
    """Return what the treasury approves, by spec/distributor.md; computed here, compared with the contract's."""
    types = ("uint256", "address", "uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]")
    hashes = [_bytes(root), _bytes(parent_root), _bytes(manifest_hash)]
    values = [chain_id, distributor, epoch, *hashes, list(tokens), list(increments)]
    return "0x" + keccak(abi_encode(types, values)).hex()


# --- answers ---------------------------------------------------------------------------------------------------


def read_summary(*, client: RpcClient, distributor: str, block: str = "latest") -> Summary:
    """Return roles and the active root at one block (a tag or 0x number), in one batch."""
    names = {
        "treasury()": "address",
        "proposer()": "address",
        "guardian()": "address",
        "quorum()": "uint256",
        "delay_s()": "uint256",
        "paused()": "bool",
        "active_epoch()": "uint256",
        "active_root()": "bytes32",
    }
    calls = [_call(distributor, _calldata(name, []), block) for name in names]
    answers = client.batch(calls=calls)
    values = [abi_decode([kind], _bytes(answer))[0] for kind, answer in zip(names.values(), answers, strict=True)]
    treasury, proposer, guardian, quorum, delay_s, paused, active_epoch, active_root = values
    return Summary(
        treasury=treasury.lower(),
        proposer=proposer.lower(),
        guardian=guardian.lower(),
        quorum=quorum,
        delay_s=delay_s,
        paused=paused,
        active_epoch=active_epoch,
        active_root="0x" + active_root.hex(),
    )


def read_epoch(*, client: RpcClient, distributor: str, epoch: int, block: str = "latest") -> EpochInfo:
    """Return what the contract says of one epoch number."""
    answer = _read(client, distributor, _calldata("epoch_info(uint256)", [epoch]), block)
    state, root, parent_root, manifest_hash, digest, approved_at, activatable_at, count = abi_decode(
        _EPOCH_INFO, answer
    )
    return EpochInfo(
        state=STATES[state],
        root="0x" + root.hex(),
        parent_root="0x" + parent_root.hex(),
        manifest_hash="0x" + manifest_hash.hex(),
        digest="0x" + digest.hex(),
        approved_at_s=approved_at,
        activatable_at_s=activatable_at,
        attestations=count,
    )


def read_claimed(
    *, client: RpcClient, distributor: str, token: str, accounts: Sequence[str], block: str = "latest"
) -> list[int]:
    """Return what each account has been paid in a token so far, in the accounts' order, in batches."""
    signature = "claimed(address,address)"
    calls = [_call(distributor, _calldata(signature, [account, token]), block) for account in accounts]
    pieces = [calls[at : at + READ_BATCH] for at in range(0, len(calls), READ_BATCH)]
    return [int(answer, 16) for piece in pieces for answer in client.batch(calls=piece)]


def read_allowance(*, client: RpcClient, token: str, owner: str, spender: str) -> tuple[int, int]:
    """Return (balance, allowance to spender) of an owner, in the token's smallest unit."""
    calls = [
        _call(token, _calldata("balanceOf(address)", [owner]), "latest"),
        _call(token, _calldata("allowance(address,address)", [owner, spender]), "latest"),
    ]
    balance, allowance = client.batch(calls=calls)
    return int(balance, 16), int(allowance, 16)


def _read(client: RpcClient, to: str, data: str, block: str) -> bytes:
    return _bytes(client.batch(calls=[_call(to, data, block)])[0])


def _call(to: str, data: str, block: str) -> Call:
    return Call("eth_call", ({"to": to, "data": data}, block))


def _calldata(signature: str, values: list[Any]) -> str:
    inside = signature[signature.index("(") + 1 : -1]
    types = inside.split(",") if inside else []
    return "0x" + (keccak(text=signature)[:4] + abi_encode(types, values)).hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
