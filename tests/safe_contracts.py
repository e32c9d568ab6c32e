"""The real Safe 1.4.1 on a local chain, from the artefacts that its authors publish on npm (tests only: LGPL-3.0)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eth_abi import decode

from onchain.keccak import keccak256
from tests.chain import NOBODY, Anvil, calldata

BUILD = Path(__file__).resolve().parents[1] / "node_modules/@safe-global/safe-contracts/build/artifacts/contracts"
SETUP = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
SETUP_TYPES = ("address[]", "uint256", "address", "bytes", "address", "address", "uint256", "address")


@cache
def bytecode(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return json.loads((BUILD / f"{path}.sol" / f"{name}.json").read_text())["bytecode"]


@dataclass
class SafeKit:
    """The singletons that every Safe shares."""

    anvil: Anvil
    singleton: str
    factory: str
    multi_send: str
    handler: str

    def make(self, owners: list[str], threshold: int, *, salt: int = 1) -> str:
        """Deploy a Safe as Safe's own page does: a proxy of the factory, set up in the same transaction."""
        setup = calldata(SETUP, SETUP_TYPES, (owners, threshold, NOBODY, b"", self.handler, NOBODY, 0, NOBODY))
        create = calldata(
            "createProxyWithNonce(address,bytes,uint256)", ("address", "bytes", "uint256"),
            (self.singleton, bytes.fromhex(setup[2:]), salt),
        )  # fmt: skip
        sent = self.anvil.send(data=create, to=self.factory)
        self.anvil.mine()
        receipt = self.anvil.rpc("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1"
        topic = "0x" + keccak256(b"ProxyCreation(address,address)").hex()
        return next("0x" + log["topics"][1][-40:] for log in receipt["logs"] if log["topics"][0] == topic)

    def hash_of(self, safe: str, *, to: str, data: str, operation: int, nonce: int) -> str:
        """Ask the Safe for its own hash of a transaction."""
        return self.anvil.call(
            to=safe,
            signature="getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)",
            types=("address", "uint256", "bytes", "uint8", "uint256", "uint256", "uint256", "address", "address",
                   "uint256"),
            values=(to, 0, bytes.fromhex(data[2:]), operation, 0, 0, 0, NOBODY, NOBODY, nonce),
        )  # fmt: skip

    def message_hash(self, safe: str, message: bytes) -> bytes:
        """Ask a Safe what its owners sign for a message (ERC-1271, through its fallback handler)."""
        answer = self.anvil.call(to=safe, signature="getMessageHash(bytes)", types=("bytes",), values=(message,))
        return decode(["bytes32"], bytes.fromhex(answer[2:]))[0]


def safe_kit(anvil: Anvil) -> SafeKit:
    """Deploy the shared contracts."""
    names = ("Safe", "proxies/SafeProxyFactory", "libraries/MultiSendCallOnly", "handler/CompatibilityFallbackHandler")
    addresses = []
    for name in names:
        sent = anvil.send(data=bytecode(name))
        anvil.mine()
        addresses.append(anvil.rpc("eth_getTransactionReceipt", sent)["contractAddress"].lower())
    return SafeKit(anvil, *addresses)
