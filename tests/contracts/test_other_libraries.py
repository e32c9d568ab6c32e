"""Libraries that are not ours agree: OpenZeppelin's proves our tree.json, snekmate judges alike, ethers claims."""

import json
import subprocess
from pathlib import Path

import pytest

from config import embedded
from onchain.contracts import ARTEFACTS
from rewards.engine.merkle import Tree
from tests.contracts.differential import compare
from tests.contracts.gas import chain
from tests.contracts.world import DELAY_S, OUTSIDER, PEOPLE, PROPOSER, TREASURY, Node, World

ROOT_DIR = Path(__file__).resolve().parents[2]


def node_script(name: str, given: object) -> object:
    done = subprocess.run(
        ["node", str(ROOT_DIR / "tests" / name)], cwd=ROOT_DIR, input=json.dumps(given), capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture
def world():
    """A chain on which an epoch is active: four people have earned 100 to 103 of two tokens."""
    with chain(mining=True) as anvil:
        world = World(Node(anvil.url))
        world.url = anvil.url
        leaves = [(who, token, 100 + number) for number, who in enumerate(PEOPLE[:4]) for token in (0, 1)]
        world.propose(leaves, {0: 406, 1: 406}, salt=1, sender=PROPOSER)
        assert world.call("approve", 1, world.after["flight"]["digest"], sender=TREASURY)
        world.besides(wait_s=DELAY_S)
        assert world.call("activate", 1, sender=OUTSIDER)
        yield world
        world.node.close()


def test_openzeppelins_library_loads_our_tree_and_the_contract_accepts_its_proofs(world, tmp_path):
    (tmp_path / "tree.json").write_text(json.dumps(world.trees[0].dump()), "utf-8")
    dump = json.loads((tmp_path / "tree.json").read_text("utf-8"))
    (answer,) = node_script("engine/openzeppelin.cjs", [{"load": dump}])
    assert answer["root"] == "0x" + world.after["active_root"].hex()
    for entry, proof in zip(dump["values"], answer["proofs"], strict=True):
        account, token, cumulative = entry["value"]
        nodes = [bytes.fromhex(node[2:]) for node in proof]
        assert world.call("claim", account, token, int(cumulative), nodes, sender=OUTSIDER)
    assert [token["paid"] for token in world.after["tokens"]] == [406, 406, 0]


def test_ethers_claims_with_nothing_of_ours_but_the_abi_and_a_proof_pack(world):
    tree: Tree = world.trees[0]
    account, token, cumulative = (world.accounts[PEOPLE[0]], world.tokens[0], 100)
    pack = {
        "chain_id": 31337, "distributor": world.distributor, "account": account, "token": token,
        "cumulative": str(cumulative), "root": tree.root, "proof": tree.proof_of((account, token, cumulative)),
    }  # fmt: skip
    abi = json.loads((ARTEFACTS / "rewards_distributor.json").read_text("utf-8"))["abi"]
    given = {"url": world.url, "key": embedded.test_key("relayer"), "abi": abi, "pack": pack}
    answer = node_script("contracts/claim.cjs", given)
    claimed = answer["claimed"]
    assert answer["status"] == 1
    assert (claimed["account"].lower(), claimed["recipient"].lower()) == (account, account)
    assert (claimed["amount"], claimed["cumulative"], claimed["epoch"]) == ("100", "100", "1")
    assert answer["again"] == "nothing to claim"
    world.besides()
    assert world.after["tokens"][0]["balances"][PEOPLE[0]] == 100


def test_roots_and_proofs_of_random_trees_are_judged_alike():
    # make bench-contracts compares 10,000 trees.
    assert compare(trees=200, judged=60, seed=11) == (200, 120)
