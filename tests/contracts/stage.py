"""A distributor on an EVM with its people, and tokens of which the treasury holds plenty."""

import functools
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # titanoboa warns of what the tests do not use
    import boa

from onchain.contracts.build import SOURCES
from rewards.engine.merkle import Tree

HOSTILE = Path(__file__).with_name("hostile")
DELAY_S = 600
DAY_S = 86_400
NOBODY = "0x" + "00" * 20
MANIFEST = b"\x02" * 32
LEAF = ("address", "address", "uint256")
PLENTY = 10**26
Leaf = tuple[str, str, int]
altered: str | None = None
"""The source of the distributor that is tested; None for ours (see mutate.py)."""


@functools.cache
def compiled(path: Path) -> Any:
    """Return a contract's deployer; each source is compiled once a run."""
    return boa.load_partial(str(path))


def deploy(name: str, *args: Any, folder: Path = SOURCES) -> Any:
    """Deploy a contract of ours or a hostile one."""
    if name == "rewards_distributor" and altered is not None:
        return _compiled_text(altered).deploy(*args)
    return compiled(folder / f"{name}.vy").deploy(*args)


@functools.lru_cache(maxsize=1)
def _compiled_text(source: str) -> Any:
    return boa.loads_partial(source)


def raw(node: str) -> bytes:
    return bytes.fromhex(node.removeprefix("0x"))


def low(address: Any) -> str:
    return str(address).lower()


class Stage:
    """Roles are accounts; `token` is the programme's, `other` a second one."""

    def __init__(self, *, attestors: int = 0, quorum: int = 0) -> None:
        self.treasury, self.proposer, self.guardian, self.anyone, self.sink = (
            boa.env.generate_address(name) for name in ("treasury", "proposer", "guardian", "anyone", "sink")
        )
        self.people = sorted((boa.env.generate_address(f"provider {number}") for number in range(8)), key=low)
        self.attestors = sorted(
            (boa.env.generate_address(f"attestor {number}") for number in range(attestors)), key=low
        )
        self.events: list[Any] = []
        self.token = deploy("reward_token", "Lamp", "LAMP")
        self.other = deploy("reward_token", "Wick", "WICK")
        self.contract = deploy(
            "rewards_distributor",
            *(self.treasury, self.proposer, self.guardian, self.attestors, quorum, DELAY_S, self.token.address),
        )
        for each in (self.token, self.other):
            each.mint(self.treasury, PLENTY)
            with boa.env.prank(self.treasury):
                each.approve(self.contract.address, PLENTY)

    # --- epochs

    def tree(self, leaves: Iterable[Leaf]) -> Tree:
        return Tree.from_leaves([(low(who), low(token), amount) for who, token, amount in leaves], LEAF)

    def fields(
        self, *, root: bytes, money: dict[str, int], epoch: int | None = None, manifest: bytes = MANIFEST
    ) -> tuple[Any, ...]:
        """Return propose's arguments for the next epoch; money: token -> increment."""
        tokens = sorted(money, key=low)
        number = self.contract.active_epoch() + 1 if epoch is None else epoch
        parent = self.contract.active_root()
        return number, root, parent, manifest, tokens, [money[token] for token in tokens]

    def propose(self, *, root: bytes, money: dict[str, int], manifest: bytes = MANIFEST) -> tuple[int, bytes]:
        """Propose and return (epoch, digest)."""
        fields = self.fields(root=root, money=money, manifest=manifest)
        self.as_(self.proposer).propose(*fields)
        return fields[0], self.contract.epoch_info(fields[0])[4]

    def approve(self, epoch: int, digest: bytes) -> None:
        self.as_(self.treasury).approve(epoch, digest)

    def approved(self, *, root: bytes, money: dict[str, int], manifest: bytes = MANIFEST) -> tuple[int, bytes]:
        epoch, digest = self.propose(root=root, money=money, manifest=manifest)
        self.approve(epoch, digest)
        return epoch, digest

    def activated(self, leaves: Sequence[Leaf], money: dict[str, int]) -> Tree:
        """Bring the next epoch with these leaves and this money all the way to active."""
        tree = self.tree(leaves)
        epoch, _ = self.approved(root=raw(tree.root), money=money)
        boa.env.time_travel(seconds=DELAY_S)
        self.as_(self.anyone).activate(epoch)
        return tree

    def paying(self, amounts: Sequence[int]) -> Tree:
        """Activate an epoch in which person number n has earned amounts[n] of the programme's token in all."""
        rows = [(who, self.token.address, amount) for who, amount in zip(self.people, amounts, strict=False)]
        new = sum(amounts) - sum(self.contract.claimed(who, self.token.address) for who, _, _ in rows)
        return self.activated(rows, {self.token.address: new})

    # --- claims

    def proof(self, tree: Tree, leaf: Leaf) -> list[bytes]:
        who, token, amount = leaf
        return [raw(node) for node in tree.proof_of((low(who), low(token), amount))]

    def claim(self, tree: Tree, who: str, amount: int, *, token: Any = None, sender: str | None = None) -> None:
        address = (token or self.token).address
        proof = self.proof(tree, (who, address, amount))
        self.as_(sender or self.anyone).claim(who, address, amount, proof)

    def claim_many(self, tree: Tree, items: Sequence[tuple[str, int]], *, token: Any = None) -> None:
        address = (token or self.token).address
        nodes = [node for who, amount in items for node in self.proof(tree, (who, address, amount))]
        self.as_(self.anyone).claim_many(address, items, nodes)

    # --- whoever acts

    def as_(self, sender: str) -> "Actor":
        return Actor(self, sender)

    def event(self, name: str) -> Any:
        """Return the only event of this name that the last call made."""
        (found,) = [event for event in self.events if type(event).__name__ == name]
        return found


class Actor:
    """The distributor's functions, called by one account; the stage keeps the events of the last one."""

    def __init__(self, stage: Stage, sender: str) -> None:
        self._stage, self._sender = stage, sender

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            answer = getattr(self._stage.contract, name)(*args, sender=self._sender)
            self._stage.events = self._stage.contract.get_logs()
            return answer

        return call


def refused(reason: str | None = None) -> Any:
    """Expect the distributor's refusal with this error string (None: any revert)."""
    return boa.reverts(reason) if reason is not None else boa.reverts()
