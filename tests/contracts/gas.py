"""The gas of whole transactions on a local chain, as a table that a test compares with gas.json.

python -m tests.contracts.gas writes gas.json anew.
"""

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_abi import encode

from config import embedded
from config.embedded.layout import free_port
from onchain.contracts import artefact
from onchain.distributor import (
    ClaimItem,
    activate_calldata,
    allowance_calldata,
    approval_call,
    claim_calldata,
    claim_many_calldata,
    epoch_digest,
    propose_calldata,
)  # fmt: skip
from rewards.engine.merkle import Tree
from tests.chain import Anvil, calldata

SNAPSHOT = Path(__file__).with_name("gas.json")
OPENZEPPELIN = Path(__file__).resolve().parents[2] / "node_modules/@openzeppelin/contracts/build/contracts"
CHAIN_ID = 31337
LEAVES = 1024
"""A tree of depth 10, as the peers were measured with."""
BATCH = 100
DELAY_S = 600
EARNED = 10**18
NO_ROOT = "0x" + "00" * 32
DEPLOYER, TREASURY, PROPOSER, GUARDIAN, CALLER = range(5)
TARGETS = {
    "first claim": 97_000,
    "repeat claim": 63_000,
    "claim_many of 100, each, first": 60_000,
    "claim_many of 100, each, repeat": 27_000,
    "deploy": 1_200_000,
}


@contextmanager
def chain(*, mining: bool = False) -> Iterator[Anvil]:
    """Run an anvil of our own until the block ends; `mining`: every transaction is a block at once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "run").mkdir()
        (root / "run" / "chain-port").write_text(str(free_port()))
        node = Anvil(
            url=embedded.ensure_chain(root, extra=["--timestamp", "1790000000", *([] if mining else ["--no-mining"])])
        )
        node.accounts = [account.lower() for account in node.rpc("eth_accounts")]
        try:
            yield node
        finally:
            embedded.stop_chain(root)


class Bench:
    """A distributor whose programme pays in OpenZeppelin's ERC-20, with 1024 accounts that have nothing yet."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, self.gas = anvil, {}
        self.token, self.other = self._token(), self._token()
        roles = [anvil.accounts[number] for number in (TREASURY, PROPOSER, GUARDIAN)]
        types = ["address", "address", "address", "address[]", "uint256", "uint256", "address"]
        code = artefact("rewards_distributor").bytecode + encode(types, [*roles, [], 0, DELAY_S, self.token]).hex()
        receipt = self._mined(code)
        self.gas["deploy"] = int(receipt["gasUsed"], 16)
        self.distributor = receipt["contractAddress"].lower()
        source = random.Random(1)
        self.accounts = ["0x" + source.randbytes(20).hex() for _ in range(LEAVES)]
        self.root = NO_ROOT

    def epoch(self, number: int, *, kind: str, token: str, cumulative: int) -> None:
        """Take an epoch in which everybody earns the same to active, claim alone and in a batch; `kind` names it."""
        tree = Tree.from_leaves([(who, token, cumulative) for who in self.accounts], ("address",) * 2 + ("uint256",))
        fields: dict[str, Any] = {
            "epoch": number, "root": tree.root, "parent_root": self.root, "manifest_hash": "0x" + "01" * 32,
            "tokens": [token], "increments": [LEAVES * EARNED],
        }  # fmt: skip
        self.root = tree.root
        self._record(f"propose, {kind}", propose_calldata(**fields), sender=PROPOSER)
        allowance = allowance_calldata(spender=self.distributor, amount=LEAVES * EARNED)
        self._mined(allowance, to=token, sender=TREASURY)
        digest = epoch_digest(chain_id=CHAIN_ID, distributor=self.distributor, **fields)
        approval = approval_call(distributor=self.distributor, epoch=number, digest=digest)
        self._record(f"approve, {kind}", approval.calldata, sender=TREASURY)
        self.anvil.rpc("evm_increaseTime", DELAY_S)
        self._record(f"activate, {kind}", activate_calldata(epoch=number))
        proofs = tree.proofs()
        items = [
            ClaimItem(account=who, token=token, cumulative=cumulative, proof=tuple(proof))
            for who, proof in zip(self.accounts, proofs, strict=True)
        ]
        # The first claim of an epoch finds the distributor's slots as the activation left them; the second is typical.
        for item in items[-2:]:
            data = claim_calldata(account=item.account, token=item.token, cumulative=cumulative, proof=item.proof)
            self._record(f"{kind} claim", data)
        total = self._record(f"claim_many of {BATCH}, {kind}", claim_many_calldata(items=items[:BATCH]))
        self.gas[f"claim_many of {BATCH}, each, {kind}"] = -(-total // BATCH)

    def others(self) -> None:
        """Measure what people and the guardian do beside claims."""
        who = self.anvil.accounts[5]
        self._record("set_recipient", calldata("set_recipient(address)", ("address",), (who,)))
        fields: dict[str, Any] = {
            "epoch": 3, "root": "0x" + "05" * 32, "parent_root": self.root, "manifest_hash": "0x" + "01" * 32,
            "tokens": [self.token], "increments": [EARNED],
        }  # fmt: skip
        self._mined(propose_calldata(**fields), to=self.distributor, sender=PROPOSER)
        self._mined(allowance_calldata(spender=self.distributor, amount=EARNED), to=self.token, sender=TREASURY)
        digest = epoch_digest(chain_id=CHAIN_ID, distributor=self.distributor, **fields)
        approval = approval_call(distributor=self.distributor, epoch=3, digest=digest)
        self._mined(approval.calldata, to=self.distributor, sender=TREASURY)
        veto = calldata("veto(uint256,string)", ("uint256", "string"), (3, "a wrong link"))
        self._record("veto with one refund", veto, sender=GUARDIAN)
        self._record("pause", calldata("pause()"), sender=GUARDIAN)
        self._record("unpause", calldata("unpause()"), sender=TREASURY)

    def _token(self) -> str:
        preset = json.loads((OPENZEPPELIN / "ERC20PresetFixedSupply.json").read_text("utf-8"))["bytecode"]
        supply = ["Lamp", "LAMP", 10**30, self.anvil.accounts[TREASURY]]
        code = preset + encode(["string", "string", "uint256", "address"], supply).hex()
        return self._mined(code)["contractAddress"].lower()

    def _record(self, name: str, data: str, *, sender: int = CALLER) -> int:
        self.gas[name] = int(self._mined(data, to=self.distributor, sender=sender)["gasUsed"], 16)
        return self.gas[name]

    def _mined(self, data: str, *, to: str | None = None, sender: int = DEPLOYER) -> dict[str, Any]:
        sent = self.anvil.send(data=data, to=to, sender=sender)
        self.anvil.mine()
        receipt = self.anvil.rpc("eth_getTransactionReceipt", sent)
        if receipt["status"] != "0x1":
            raise RuntimeError(f"A measured transaction reverted: {data[:10]} from account {sender}.")
        return receipt


def measure(anvil: Anvil) -> dict[str, int]:
    """Return name -> gas of the whole transaction (or its share of one claim, rounded up)."""
    bench = Bench(anvil)
    bench.epoch(1, kind="first", token=bench.token, cumulative=EARNED)
    bench.epoch(2, kind="repeat", token=bench.token, cumulative=2 * EARNED)
    bench.others()
    bench.epoch(3, kind="first of another token", token=bench.other, cumulative=EARNED)
    return bench.gas


def main() -> int:
    with chain() as anvil:
        SNAPSHOT.write_text(json.dumps(measure(anvil), indent=1) + "\n", "utf-8")
    print(f"{SNAPSHOT.name} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
