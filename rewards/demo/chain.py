"""Deploying and driving the contracts on the local chain, whose accounts are unlocked and whose clock is ours."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from eth_abi import encode
from eth_utils import keccak

from onchain.contracts import artefact
from rewards.demo.errors import TransactionFailedError
from rewards.demo.exchange import Block, Op
from rewards.demo.node import Call, Node

OPS_PER_TRANSACTION = 256
GAS_PER_OP = 60_000
GAS_MOST = 16_000_000
"""Below the limit that newer rules set for one transaction (EIP-7825: 2^24)."""
GAS_PRICE_WEI = 2_000_000_000
BLOCKS_PER_ROUND = 16
"""Blocks between two looks at the receipts."""
T = TypeVar("T")
_SUBMIT = keccak(text="submit((uint8,uint32,uint64,address,bool,uint64,uint64)[])")[:4]


@dataclass(frozen=True)
class Deployment:
    """Where the contracts are, and the block from which on they have anything to say."""

    exchange: str
    token: str
    distributor: str
    start_block: int


class LocalChain:
    """The chain, with manual mining: nothing is mined but by `mine` and `write`."""

    def __init__(self, *, node: Node) -> None:
        self.node = node
        self.accounts: list[str] = [account.lower() for account in node.call("eth_accounts")]

    def take_over(self) -> None:
        """Mine by hand from now on."""
        self.node.pipeline([("evm_setAutomine", [False]), ("evm_setIntervalMining", [0])])

    def let_go(self) -> None:
        """Let the chain mine a block each second by itself again."""
        self.node.call("evm_setIntervalMining", 1)

    def head(self) -> tuple[int, int]:
        """Return number and time (s) of the newest block."""
        block = self.node.call("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), int(block["timestamp"], 16)

    def mine(self, *, time_s: int) -> None:
        """Mine one block with everything that waits."""
        self.node.call("evm_mine", time_s)

    def deploy(self, *, name: str, sender: str, time_s: int, args: Sequence[Any] = ()) -> str:
        """Deploy one of our contracts in a block of its own and return its address, lower case."""
        contract = artefact(name)
        types = next((_types(entry) for entry in contract.abi if entry["type"] == "constructor"), [])
        data = contract.bytecode + encode(types, list(args)).hex()
        tx_hash = self.node.call("eth_sendTransaction", _transaction(sender=sender, data=data))
        self.mine(time_s=time_s)
        return str(self.confirm(tx_hash=tx_hash, what=f"deploy {name}")["contractAddress"]).lower()

    def send(self, *, name: str, to: str, sender: str, function: str, args: Sequence[Any] = ()) -> str:
        """Send a transaction to one of our contracts and return its hash; it waits for the next block."""
        data = "0x" + _calldata(name, function, args).hex()
        return str(self.node.call("eth_sendTransaction", _transaction(sender=sender, to=to, data=data)))

    def read(self, *, name: str, to: str, function: str, args: Sequence[Any] = ()) -> bytes:
        """Return the ABI-encoded answer of a view function at the newest block."""
        data = "0x" + _calldata(name, function, args).hex()
        return bytes.fromhex(self.node.call("eth_call", {"to": to, "data": data}, "latest")[2:])

    def read_int(self, *, name: str, to: str, function: str, args: Sequence[Any] = ()) -> int:
        """Return the answer of a view function that gives one number."""
        return int.from_bytes(self.read(name=name, to=to, function=function, args=args)[:32], "big")

    def confirm(self, *, tx_hash: str, what: str) -> dict[str, Any]:
        """Return a transaction's receipt; raises TransactionFailedError if it has none or reverted."""
        receipt: dict[str, Any] | None = self.node.call("eth_getTransactionReceipt", tx_hash)
        if receipt is None or receipt["status"] != "0x1":
            raise TransactionFailedError(what=what, tx_hash=tx_hash)
        return receipt


class Sequencer:
    """The demo exchange's sequencer: puts blocks of operations on the chain, each at its second."""

    def __init__(self, *, chain: LocalChain, exchange: str, account: str) -> None:
        self._chain, self._exchange, self._account = chain, exchange, account
        self._nonce = int(chain.node.call("eth_getTransactionCount", account, "pending"), 16)

    def write(self, blocks: Iterable[Block]) -> int:
        """Send and mine blocks in order and return how many operations that were; a refused one is an error."""
        written = 0
        for round_of in in_pieces(blocks, BLOCKS_PER_ROUND):
            calls: list[Call] = []
            sent: list[int] = []
            for block in round_of:
                for ops in in_pieces(block.ops, OPS_PER_TRANSACTION):
                    sent.append(len(calls))
                    calls.append(self._submit(ops))
                calls.append(("evm_mine", [block.time_s]))
                written += len(block.ops)
            results = self._chain.node.pipeline(calls)
            self._check([results[index] for index in sent])
        return written

    def _submit(self, ops: Sequence[Op]) -> Call:
        transaction = _transaction(
            sender=self._account,
            to=self._exchange,
            data="0x" + encode_submit(ops).hex(),
            gas=min(100_000 + GAS_PER_OP * len(ops), GAS_MOST),
        )
        # Given here: the chain would have to look up what waits for each.
        transaction["nonce"] = hex(self._nonce)
        self._nonce += 1
        return "eth_sendTransaction", [transaction]

    def _check(self, hashes: list[str]) -> None:
        receipts = self._chain.node.pipeline([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes])
        for tx_hash, receipt in zip(hashes, receipts, strict=True):
            if receipt is None or receipt["status"] != "0x1":
                raise TransactionFailedError(what="take a batch of orders", tx_hash=tx_hash)


def in_pieces(things: Iterable[T], most: int) -> Iterator[list[T]]:
    """Yield lists of up to `most` neighbours."""
    rest = iter(things)
    while piece := list(islice(rest, most)):
        yield piece


def encode_submit(ops: Sequence[Op]) -> bytes:
    """Return the calldata of `submit`: seven words an operation, by the contract ABI."""
    words = [_word(32), _word(len(ops))]
    for op in ops:
        words += [
            _word(op.kind), _word(op.market), _word(op.order), _word(int(op.owner, 16)),
            _word(op.is_bid), _word(op.price), _word(op.size),
        ]  # fmt: skip
    return _SUBMIT + b"".join(words)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _types(entry: dict[str, Any]) -> list[str]:
    return [argument["type"] for argument in entry["inputs"]]


def _calldata(name: str, function: str, args: Sequence[Any]) -> bytes:
    entry = next(entry for entry in artefact(name).abi if entry.get("name") == function)
    types = _types(entry)
    return keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, list(args))


def _transaction(*, sender: str, data: str, to: str | None = None, gas: int = 8_000_000) -> dict[str, str]:
    transaction = {"from": sender, "data": data, "gas": hex(gas), "gasPrice": hex(GAS_PRICE_WEI)}
    return transaction if to is None else {**transaction, "to": to}
