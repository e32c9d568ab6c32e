"""A distributor on a real chain for random play: every call is a transaction, and after each all sums are read."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi import decode, encode

from onchain.contracts import artefact
from onchain.keccak import keccak256
from rewards.engine.merkle import Tree

HERE = Path(__file__).parent
DELAY_S = 600
SUPPLY = 10**30
LEAF = ("address", "address", "uint256")
TREASURY, PROPOSER, GUARDIAN, FIRST_ATTESTOR, SECOND_ATTESTOR, *PEOPLE = range(1, 10)
OUTSIDER = 9
GAS = {"gas": "0x989680", "gasPrice": "0x77359400"}


@cache
def built(name: str) -> tuple[str, list[dict[str, Any]]]:
    """Return (bytecode, ABI) of one of our contracts, or of those for tests only."""
    for folder in (HERE, HERE / "hostile"):
        if (folder / f"{name}.vy").exists():
            from vyper.compiler import compile_code

            output = compile_code((folder / f"{name}.vy").read_text("utf-8"), output_formats=["abi", "bytecode"])
            return output["bytecode"], output["abi"]
    return artefact(name).bytecode, artefact(name).abi


def abi_type(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return entry["type"]
    return f"({','.join(abi_type(part) for part in entry['components'])}){entry['type'][5:]}"


def named(entry: dict[str, Any], value: Any) -> Any:
    """Give a decoded tuple its field names."""
    if entry["type"] == "tuple":
        return {part["name"]: named(part, item) for part, item in zip(entry["components"], value, strict=True)}
    if entry["type"].startswith("tuple"):
        return [named(entry | {"type": "tuple"}, item) for item in value]
    return value


@cache
def function(contract: str, name: str) -> tuple[bytes, list[str], list[dict[str, Any]]]:
    """Return (selector, argument types, outputs)."""
    entry = next(e for e in built(contract)[1] if e.get("name") == name and e["type"] == "function")
    types = [abi_type(part) for part in entry["inputs"]]
    return keccak256(f"{name}({','.join(types)})".encode())[:4], types, entry["outputs"]


class Node:
    """One kept connection to anvil, on which requests are sent together and answered one after the other."""

    def __init__(self, url: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self.accounts = [account.lower() for account in self.rpc("eth_accounts")]

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def rpc(self, method: str, *params: Any) -> Any:
        return self.all([(method, params)])[0]

    def all(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the results in order. The requests go in one piece: a batch of JSON-RPC has no order in anvil."""
        self._socket.sendall(b"".join(self._request(method, params) for method, params in calls))
        return [self._result(method) for method, _ in calls]

    @staticmethod
    def _request(method: str, params: Sequence[Any]) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: chain\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _result(self, method: str) -> Any:
        # Else the kernel waits 40 ms with its acknowledgement, and anvil with its second answer.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        size = 0
        self._answers.readline()
        while (line := self._answers.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        answer = json.loads(self._answers.read(size))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the distributor: who (account number) called what, and whether it went through."""

    name: str
    sender: int
    args: tuple[Any, ...]
    succeeded: bool


@dataclass
class World:
    """The chain, three tokens (the programme's, a second, a hostile one), and what was seen before and after a step."""

    node: Node
    calls: int = 0
    passed: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self.accounts = self.node.accounts
        self.tokens = [
            self.deploy("reward_token", "Lamp", "LAMP"),
            self.deploy("reward_token", "Wick", "WICK"),
            self.deploy("hostile_token"),
        ]
        self.lens = self.deploy("lens")
        roles = [self.accounts[number] for number in (TREASURY, PROPOSER, GUARDIAN)]
        self.attestors = sorted(self.accounts[number] for number in (FIRST_ATTESTOR, SECOND_ATTESTOR))
        self.distributor = self.deploy("rewards_distributor", *roles, self.attestors, 0, DELAY_S, self.tokens[0])
        for token in self.tokens:
            for holder in (TREASURY, 0):
                self.send(token, "hostile_token", "mint", self.accounts[holder], SUPPLY)
                self.send(token, "hostile_token", "approve", self.distributor, SUPPLY, sender=holder)
        self._clean = self.node.rpc("evm_snapshot")
        self.begin()

    def begin(self) -> None:
        """Go back to the fresh contracts."""
        self.node.rpc("evm_revert", self._clean)
        self._clean = self.node.rpc("evm_snapshot")
        self.trees: list[Tree] = []
        self.proposals: dict[bytes, tuple[Any, ...]] = {}
        self.approvals: dict[bytes, int] = {}
        self.step = Step("", 0, (), False)
        self.after = self.look()
        self.before = self.after

    def deploy(self, name: str, *args: Any) -> str:
        code, abi = built(name)
        types = next(([abi_type(i) for i in e["inputs"]] for e in abi if e["type"] == "constructor"), [])
        fields = {"from": self.accounts[0], "data": code + encode(types, args).hex()}
        receipt = self.node.rpc("eth_sendTransactionSync", fields | GAS)
        assert receipt["status"] == "0x1", name
        return receipt["contractAddress"].lower()

    def send(self, to: str, contract: str, name: str, *args: Any, sender: int = 0) -> bool:
        """Call any contract; returns whether it went through."""
        (receipt,) = self.node.all([self._transaction(to, contract, name, args, sender)])
        return receipt["status"] == "0x1"

    def look(self) -> dict[str, Any]:
        """Read everything, by the contract's own views."""
        return self._seen(self.node.all([self._looking()])[0])

    def call(self, name: str, *args: Any, sender: int) -> bool:
        """Send one transaction to the distributor and look again."""
        sent = self._transaction(self.distributor, "rewards_distributor", name, args, sender)
        receipt, answer = self.node.all([sent, self._looking()])
        succeeded = receipt["status"] == "0x1"
        self.calls += 1
        if succeeded:
            self.passed[name] = self.passed.get(name, 0) + 1
        self.step = Step(name, sender, args, succeeded)
        self.before, self.after = self.after, self._seen(answer)
        # The answer is of the block that the transaction made.
        assert self.after["number"] == int(receipt["blockNumber"], 16)
        return succeeded

    def _transaction(
        self, to: str, contract: str, name: str, args: Sequence[Any], sender: int
    ) -> tuple[str, list[Any]]:
        selector, types, _ = function(contract, name)
        fields = {"from": self.accounts[sender], "to": to, "data": "0x" + (selector + encode(types, args)).hex()}
        return "eth_sendTransactionSync", [fields | GAS]

    def _looking(self) -> tuple[str, list[Any]]:
        selector, types, _ = function("lens", "look")
        data = "0x" + (selector + encode(types, [self.distributor, self.tokens, self.accounts])).hex()
        return "eth_call", [{"to": self.lens, "data": data}, "latest"]

    @staticmethod
    def _seen(answer: str) -> dict[str, Any]:
        outputs = function("lens", "look")[2]
        return named(outputs[0], decode([abi_type(outputs[0])], bytes.fromhex(answer[2:]))[0])

    def payload(self, name: str, *args: Any) -> bytes:
        """Return a call of the distributor as bytes, for a token to make."""
        selector, types, _ = function("rewards_distributor", name)
        return selector + encode(types, args)

    def besides(self, *, wait_s: int = 0) -> None:
        """Look again after something that was not a call of the distributor, so that no step is blamed for it."""
        if wait_s:
            self.node.rpc("evm_increaseTime", wait_s)
            self.node.rpc("evm_mine")
        self.step = Step("", 0, (), False)
        self.after = self.look()
        self.before = self.after

    def holder(self, role: str) -> int:
        """Return which account holds a role."""
        return self.accounts.index(self.after["roles"][role])

    def propose(
        self, leaves: Sequence[tuple[int, int, int]], increments: dict[int, int], *, salt: int, sender: int
    ) -> None:
        """Propose a tree of (account number, token number, cumulative)."""
        tree = Tree.from_leaves([(self.accounts[a], self.tokens[t], c) for a, t, c in leaves], LEAF)
        money = sorted((self.tokens[t], amount) for t, amount in increments.items())
        epoch, root = self.after["active_epoch"] + 1, bytes.fromhex(tree.root[2:])
        fields = (
            epoch,
            root,
            self.after["active_root"],
            salt.to_bytes(32),
            [t for t, _ in money],
            [m for _, m in money],
        )
        if self.call("propose", *fields, sender=sender):
            self.trees.append(tree)
            self.proposals[self.after["flight"]["digest"]] = fields

    def leaf(self, tree: Tree, index: int) -> tuple[str, str, int, list[bytes]]:
        """Return (account, token, cumulative, proof) of one leaf."""
        place = index % len(tree)
        account, token, cumulative = tree.values[place]
        return str(account), str(token), int(str(cumulative)), [bytes.fromhex(n[2:]) for n in tree.proof(place)]
