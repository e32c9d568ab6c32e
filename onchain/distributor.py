"""Speaks RewardsDistributor: what the bytes of each call are, and the digest that binds an epoch's fields."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi import encode as abi_encode
from eth_utils.crypto import keccak

from onchain.calls import calldata, from_hex
from onchain.distributor_views import (
    NO_ROOT,
    STATES,
    EpochInfo,
    Summary,
    read_allowance,
    read_claimed,
    read_epoch,
    read_summary,
)

__all__ = [
    "NO_ROOT",
    "STATES",
    "ApprovalCall",
    "ClaimItem",
    "DecodedField",
    "EpochInfo",
    "Summary",
    "activate_calldata",
    "allowance_calldata",
    "approval_call",
    "attest_calldata",
    "claim_calldata",
    "claim_many_calldata",
    "epoch_digest",
    "propose_calldata",
    "read_allowance",
    "read_claimed",
    "read_epoch",
    "read_summary",
    "withdraw_calldata",
]

MAX_BATCH = 100
"""Claims in one `claim_many` (the contract's bound)."""
MAX_BATCH_NODES = 1700
"""Proof nodes in one `claim_many` (the contract's bound): 100 claims of a tree of 2**17 leaves."""

_PROPOSE = "propose(uint256,bytes32,bytes32,bytes32,address[],uint256[])"
_CLAIM = "claim(address,address,uint256,bytes32[])"
_CLAIM_MANY = "claim_many(address,(address,uint256)[],bytes32[])"
_CLAIM_MANY_TYPES = ("address", "(address,uint256)[]", "bytes32[]")


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
    values = [epoch, from_hex(root), from_hex(parent_root), from_hex(manifest_hash), list(tokens), list(increments)]
    return calldata(_PROPOSE, values)


def activate_calldata(*, epoch: int) -> str:
    """Return the calldata of `activate`."""
    return calldata("activate(uint256)", [epoch])


def attest_calldata(*, epoch: int, digest: str) -> str:
    """Return the calldata of `attest`, by which an attestor agrees to exactly this digest."""
    return calldata("attest(uint256,bytes32)", [epoch, from_hex(digest)])


def withdraw_calldata(*, epoch: int) -> str:
    """Return the calldata of `withdraw`."""
    return calldata("withdraw(uint256)", [epoch])


def approval_call(*, distributor: str, epoch: int, digest: str) -> ApprovalCall:
    """Return the treasury's call with every field decoded, as a page shows it beside the wallet's own display."""
    function = "approve(uint256,bytes32)"
    return ApprovalCall(
        to=distributor,
        function=function,
        calldata=calldata(function, [epoch, from_hex(digest)]),
        fields=(
            DecodedField(name="epoch", type="uint256", value=str(epoch)),
            DecodedField(name="digest", type="bytes32", value=digest),
        ),
        digest=digest,
    )


def allowance_calldata(*, spender: str, amount: int) -> str:
    """Return the calldata of the token's `approve`, by which the treasury lets the distributor pull an epoch."""
    return calldata("approve(address,uint256)", [spender, amount])


def claim_calldata(*, account: str, token: str, cumulative: int, proof: Sequence[str]) -> str:
    """Return the calldata of `claim`, which anybody may send and which pays only the account."""
    return calldata(_CLAIM, [account, token, cumulative, [from_hex(node) for node in proof]])


def claim_many_calldata(*, items: Sequence[ClaimItem]) -> str:
    """Return the calldata of `claim_many` for 1 to 100 items of one token; their proofs go one after the other.

    Raises ValueError when they don't fit one batch.
    """
    nodes = [from_hex(node) for item in items for node in item.proof]
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
    """Return what the treasury approves, by docs/distributor.md; computed here, compared with the contract's."""
    types = ("uint256", "address", "uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]")
    hashes = [from_hex(root), from_hex(parent_root), from_hex(manifest_hash)]
    values = [chain_id, distributor, epoch, *hashes, list(tokens), list(increments)]
    return "0x" + keccak(abi_encode(types, values)).hex()
