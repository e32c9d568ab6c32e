"""A real chain for the tests: anvil on a free port with our contracts on it, and a sequencer to drive them."""

import itertools
import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_abi import encode

from config import embedded
from config.embedded import chain as embedded_chain
from config.embedded import processes
from config.embedded.chain import CHAIN_ID
from config.embedded.layout import free_port
from onchain.contracts import artefact
from onchain.keccak import keccak256

PLACE, CANCEL, FILL, MARK, HALT, RESUME = 1, 2, 3, 4, 5, 6
NOBODY = "0x" + "0" * 40
SUBMIT = "submit((uint8,uint32,uint64,address,bool,uint64,uint64)[])"


@dataclass
class Anvil:
    """A running anvil; its ten accounts are unlocked. Blocks are mined when the test says so."""

    url: str
    accounts: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=itertools.count)

    def rpc(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)})
        request = urllib.request.Request(self.url, body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            decoded = json.load(answer)
        if "error" in decoded:
            raise RuntimeError(f"{method}: {decoded['error']}")
        return decoded["result"]

    def mine(self, *, time_s: int | None = None, blocks: int = 1) -> int:
        """Mine `blocks` blocks, the first at `time_s`; returns the head's number."""
        for index in range(blocks):
            if time_s is not None and index == 0:
                self.rpc("evm_setNextBlockTimestamp", time_s)
            self.rpc("evm_mine")
        return int(self.rpc("eth_blockNumber"), 16)

    def send(self, *, data: str, to: str | None = None, sender: int = 0) -> str:
        """Queue a transaction from account number `sender`; it goes into the next mined block."""
        # Fees are given: the node's own suggestion remembers branches that a snapshot has undone.
        fees = {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1"}
        fields = {"from": self.accounts[sender], "data": data, "gas": hex(200_000_000), **fees}
        return self.rpc("eth_sendTransaction", fields | ({"to": to} if to else {}))

    def call(self, *, to: str, signature: str, types: tuple[str, ...] = (), values: tuple[Any, ...] = ()) -> str:
        return self.rpc("eth_call", {"to": to, "data": calldata(signature, types, values)}, "latest")

    def deploy(self, name: str, types: tuple[str, ...] = (), values: tuple[Any, ...] = (), *, sender: int = 0) -> str:
        """Deploy one of our contracts in a block of its own; returns its address."""
        sent = self.send(data=artefact(name).bytecode + encode(types, values).hex(), sender=sender)
        self.mine()
        receipt = self.rpc("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1", f"{name} was not deployed"
        return receipt["contractAddress"].lower()


def calldata(signature: str, types: tuple[str, ...] = (), values: tuple[Any, ...] = ()) -> str:
    return "0x" + keccak256(signature.encode())[:4].hex() + encode(types, values).hex()


@dataclass
class Exchange:
    """The demo exchange as its sequencer uses it; operations wait until `submit`."""

    anvil: Anvil
    address: str
    start_block: int
    ops: list[tuple[int, int, int, str, bool, int, int]] = field(default_factory=list)

    def place(self, order: int, *, owner: str, side: str, price: int, size: int, market: int = 1) -> None:
        self.ops.append((PLACE, market, order, owner, side == "bid", price, size))

    def cancel(self, order: int, size: int = 0, *, market: int = 1) -> None:
        self.ops.append((CANCEL, market, order, NOBODY, False, 0, size))

    def fill(self, order: int, size: int, *, taker: str, market: int = 1) -> None:
        self.ops.append((FILL, market, order, taker, False, 0, size))

    def mark(self, price2: int, *, market: int = 1) -> None:
        self.ops.append((MARK, market, 0, NOBODY, False, price2, 0))

    def send(self) -> str:
        """Send what waits; it goes into the next mined block."""
        data = calldata(SUBMIT, ("(uint8,uint32,uint64,address,bool,uint64,uint64)[]",), (self.ops,))
        self.ops = []
        return self.anvil.send(data=data, to=self.address)

    def submit(self, *, time_s: int | None = None) -> int:
        """Send what waits and mine it; returns the block's number."""
        sent = self.send()
        number = self.anvil.mine(time_s=time_s)
        assert self.anvil.rpc("eth_getTransactionReceipt", sent)["status"] == "0x1"
        return number


@pytest.fixture(scope="session")
def anvil_process(tmp_path_factory):
    root = tmp_path_factory.mktemp("anvil")
    (root / "run").mkdir()
    (root / "run" / "chain-port").write_text(str(free_port()))
    url = embedded.ensure_chain(root, extra=["--timestamp", "1790000000", "--no-mining"])
    yield url
    embedded.stop_chain(root)
    assert processes.load(root, name="chain") is None


@pytest.fixture
def anvil(anvil_process, settings):
    """A chain that is as new for every test: what a test did is undone by a snapshot."""
    settings.RPC_URLS = [anvil_process]
    node = Anvil(url=anvil_process)
    assert embedded_chain.chain_id(anvil_process) == CHAIN_ID
    node.accounts = [account.lower() for account in node.rpc("eth_accounts")]
    snapshot = node.rpc("evm_snapshot")
    yield node
    node.rpc("evm_revert", snapshot)


@pytest.fixture
def exchange(anvil) -> Exchange:
    """The demo exchange with one market, AAPL-PERP (number 1)."""
    return deploy_exchange(anvil)


def deploy_exchange(anvil: Anvil) -> Exchange:
    """Deploy it."""
    address = anvil.deploy("demo_exchange")
    start = int(anvil.rpc("eth_blockNumber"), 16)
    anvil.send(data=calldata("add_market(string)", ("string",), ("AAPL-PERP",)), to=address)
    anvil.mine()
    return Exchange(anvil=anvil, address=address, start_block=start)
