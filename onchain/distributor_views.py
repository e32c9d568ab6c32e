"""What RewardsDistributor answers: roles, epochs, what was claimed; all of one block where it matters."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi import decode as abi_decode

from onchain.calls import calldata, from_hex, to_hex, view_call
from onchain.rpc import RpcClient

READ_BATCH = 200
"""Calls in one request: providers refuse larger ones."""
NO_ROOT = "0x" + "00" * 32
STATES = ("none", "proposed", "approved", "active", "vetoed", "withdrawn")

_EPOCH_INFO = ("uint256", "bytes32", "bytes32", "bytes32", "bytes32", "uint256", "uint256", "uint256")
_SUMMARY = {
    "treasury()": "address",
    "next_treasury()": "address",
    "proposer()": "address",
    "guardian()": "address",
    "attestor_list()": "address[]",
    "quorum()": "uint256",
    "delay_s()": "uint256",
    "paused()": "bool",
    "wind_down_at()": "uint256",
    "active_epoch()": "uint256",
    "active_root()": "bytes32",
}


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
    """The contract's roles and what is active, all of one block. next_treasury: zero when not offered."""

    treasury: str
    next_treasury: str
    proposer: str
    guardian: str
    attestors: tuple[str, ...]
    quorum: int
    delay_s: int
    paused: bool
    wind_down_at_s: int
    active_epoch: int
    active_root: str


def read_summary(*, client: RpcClient, distributor: str, block: str = "latest") -> Summary:
    """Return roles and the active root at one block (a tag or 0x number), in one batch."""
    answers = client.batch(calls=[view_call(distributor, calldata(name), block) for name in _SUMMARY])
    read = {
        name: abi_decode([kind], from_hex(answer))[0]
        for (name, kind), answer in zip(_SUMMARY.items(), answers, strict=True)
    }
    return Summary(
        treasury=read["treasury()"].lower(),
        next_treasury=read["next_treasury()"].lower(),
        proposer=read["proposer()"].lower(),
        guardian=read["guardian()"].lower(),
        attestors=tuple(attestor.lower() for attestor in read["attestor_list()"]),
        quorum=read["quorum()"],
        delay_s=read["delay_s()"],
        paused=read["paused()"],
        wind_down_at_s=read["wind_down_at()"],
        active_epoch=read["active_epoch()"],
        active_root=to_hex(read["active_root()"]),
    )


def read_epoch(*, client: RpcClient, distributor: str, epoch: int, block: str = "latest") -> EpochInfo:
    """Return what the contract says of one epoch number."""
    answer = from_hex(client.batch(calls=[view_call(distributor, calldata("epoch_info(uint256)", [epoch]), block)])[0])
    state, root, parent_root, manifest_hash, digest, approved_at, activatable_at, count = abi_decode(
        _EPOCH_INFO, answer
    )
    return EpochInfo(
        state=STATES[state],
        root=to_hex(root),
        parent_root=to_hex(parent_root),
        manifest_hash=to_hex(manifest_hash),
        digest=to_hex(digest),
        approved_at_s=approved_at,
        activatable_at_s=activatable_at,
        attestations=count,
    )


def read_claimed(
    *, client: RpcClient, distributor: str, token: str, accounts: Sequence[str], block: str = "latest"
) -> list[int]:
    """Return what each account has been paid in a token so far, in the accounts' order, in batches."""
    signature = "claimed(address,address)"
    calls = [view_call(distributor, calldata(signature, [account, token]), block) for account in accounts]
    pieces = [calls[at : at + READ_BATCH] for at in range(0, len(calls), READ_BATCH)]
    return [int(answer, 16) for piece in pieces for answer in client.batch(calls=piece)]


def read_allowance(*, client: RpcClient, token: str, owner: str, spender: str) -> tuple[int, int]:
    """Return (balance, allowance to spender) of an owner, in the token's smallest unit."""
    calls = [
        view_call(token, calldata("balanceOf(address)", [owner]), "latest"),
        view_call(token, calldata("allowance(address,address)", [owner, spender]), "latest"),
    ]
    balance, allowance = client.batch(calls=calls)
    return int(balance, 16), int(allowance, 16)
