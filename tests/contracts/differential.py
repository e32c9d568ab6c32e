"""Second opinions on trees and proofs: OpenZeppelin's library, snekmate's Vyper module and the engine, on random trees.

python -m tests.contracts.differential [--trees 10000]
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import snekmate
from eth_abi import decode, encode

from onchain.keccak import keccak256
from rewards.engine.merkle import Tree, verify
from tests.contracts.stage import DELAY_S, LEAF, NOBODY, Stage, boa, compiled, raw
from tests.contracts.world import function

ROOT_DIR = Path(__file__).resolve().parents[2]
SNEKMATE = Path(next(iter(snekmate.__path__))) / "utils" / "merkle_proof_verification.vy"
CLAIM = function("rewards_distributor", "claim")
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33)
WRONG_PROOF, NOT_FUNDED = b"wrong proof", b"not funded"


def random_tree(source: random.Random) -> Tree:
    """Make a tree of 1 to 33 leaves, in which amounts, accounts or whole leaves are often equal."""
    size = source.choice(SIZES)
    accounts = ["0x" + source.randbytes(20).hex() for _ in range(source.choice([size, size, max(1, size // 2)]))]
    tokens = ["0x" + source.randbytes(20).hex() for _ in range(source.choice([1, 1, 3]))]
    one_amount = source.choice([None, None, 1, 2**96 - 1])
    rows = [
        (source.choice(accounts), source.choice(tokens), one_amount or source.randrange(1, 2**96)) for _ in range(size)
    ]
    return Tree.from_leaves(rows, LEAF)


def openzeppelin_roots(trees: Sequence[Tree]) -> list[str]:
    """Return the roots that OpenZeppelin's JavaScript library builds of the same values."""
    jobs = [{"types": LEAF, "values": [[a, t, str(c)] for a, t, c in tree.values]} for tree in trees]
    script = ROOT_DIR / "tests" / "engine" / "openzeppelin.cjs"
    done = subprocess.run(
        ["node", str(script)], cwd=ROOT_DIR, input=json.dumps(jobs), capture_output=True, text=True,
        check=True, timeout=600,
    )  # fmt: skip
    return [answer["root"] for answer in json.loads(done.stdout)]


class Judges:
    """Three who say whether a proof leads from a leaf to a root: the distributor, snekmate, and the engine."""

    def __init__(self) -> None:
        self.distributor = Stage().contract
        self.snekmate = boa.loads(
            f"# pragma version 0.4.3\nfrom snekmate.utils import {SNEKMATE.stem} as it\n"
            "@external\n@pure\ndef verify(proof: DynArray[bytes32, 255], root: bytes32, leaf: bytes32) -> bool:\n"
            "    return it._verify(proof, root, leaf)\n"
        )
        layout = compiled(ROOT_DIR / "onchain" / "contracts" / "rewards_distributor.vy").compiler_data.storage_layout
        self._root_slot = layout["storage_layout"]["claimable_root"]["slot"]

    def opinions(self, root: str, leaf: tuple[str, str, int], proof: Sequence[str]) -> tuple[bool, bool, bool]:
        """Return what each says. No epoch pays this root, so the distributor refuses a good proof for want of money."""
        boa.env.set_storage(self.distributor.address, self._root_slot, int(root, 16))
        selector, types, _ = CLAIM
        nodes = [raw(node) for node in proof]
        reason = self._ask(self.distributor, selector + encode(types, [*leaf, nodes]))
        assert WRONG_PROOF in reason or NOT_FUNDED in reason, reason
        hashed = keccak256(keccak256(encode(LEAF, leaf)))
        call = keccak256(b"verify(bytes32[],bytes32,bytes32)")[:4] + encode(
            ["bytes32[]", "bytes32", "bytes32"], [nodes, raw(root), hashed]
        )
        (second,) = decode(["bool"], self._ask(self.snekmate, call))
        return NOT_FUNDED in reason, second, verify(root, LEAF, leaf, proof)

    @staticmethod
    def _ask(contract: Any, data: bytes) -> bytes:
        answer = boa.env.execute_code(to_address=contract.address, sender=NOBODY, data=data)
        return bytes(answer.output)


def spoiled(
    leaf: tuple[str, str, int], proof: list[str], source: random.Random
) -> tuple[tuple[str, str, int], list[str]]:
    """Return the leaf and its proof with one thing wrong in them."""
    account, token, amount = leaf
    kind = source.randrange(6)
    if kind == 0 or not proof:
        return (account, token, amount + source.choice([1, -1])), proof
    if kind == 1:
        return leaf, proof[:-1]
    if kind == 2:
        return leaf, [*proof, proof[-1]]
    if kind == 3:
        place = source.randrange(len(proof))
        other = f"0x{int(proof[place], 16) ^ (1 << source.randrange(256)):064x}"
        return leaf, [*proof[:place], other, *proof[place + 1 :]]
    if kind == 4:
        return (token, account, amount), proof
    return (account, token, amount ^ (1 << source.randrange(96))), proof


def compare(*, trees: int, judged: int, seed: int) -> tuple[int, int]:
    """Compare `trees` roots with OpenZeppelin's, and the judges on one good and one bad proof of `judged` of them.

    Returns (roots compared, proofs judged). Raises AssertionError at the first difference.
    """
    source, judges = random.Random(seed), Judges()
    made = [random_tree(source) for _ in range(trees)]
    for tree, root in zip(made, openzeppelin_roots(made), strict=True):
        assert tree.root == root
    for tree in source.sample(made, judged):
        index = source.randrange(len(tree))
        account, token, amount = tree.values[index]
        leaf = (str(account), str(token), int(str(amount)))
        assert judges.opinions(tree.root, leaf, tree.proof(index)) == (True, True, True)
        bad_leaf, bad_proof = spoiled(leaf, tree.proof(index), source)
        opinions = judges.opinions(tree.root, bad_leaf, bad_proof)
        assert len(set(opinions)) == 1, (bad_leaf, bad_proof, opinions)
    return trees, 2 * judged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=10_000)
    args = parser.parse_args()
    roots, proofs = compare(trees=args.trees, judged=args.trees, seed=DELAY_S)
    print(f"{roots} roots as OpenZeppelin's, {proofs} proofs judged alike by the distributor, snekmate and the engine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
