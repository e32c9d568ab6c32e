"""The contracts on an EVM: artefacts that follow from their sources, and what each role can't do."""

import boa
import pytest
from eth_abi import encode

from onchain.contracts import NAMES, artefact
from onchain.contracts.build import SOURCES, compiled
from onchain.keccak import keccak256
from rewards.engine.merkle import Tree

DELAY_S = 600
ROOT, PARENT, MANIFEST = b"\x01" * 32, bytes(32), b"\x02" * 32
NOBODY = "0x" + "0" * 40
LEAF = ("address", "address", "uint256")


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_artefact_is_what_its_source_compiles_to(name):
    assert compiled(name=name) == artefact(name)


class Stage:
    """A distributor with its people, and a token of which the treasury holds plenty."""

    def __init__(self) -> None:
        self.deployer, self.treasury, self.proposer, self.guardian, self.anyone = (
            boa.env.generate_address(name) for name in ("deployer", "treasury", "proposer", "guardian", "anyone")
        )
        with boa.env.prank(self.deployer):
            self.token = boa.load(str(SOURCES / "reward_token.vy"), "Lamp", "LAMP")
            self.token.mint(self.treasury, 10**24)
            self.contract = boa.load(
                str(SOURCES / "rewards_distributor.vy"), self.treasury, self.proposer, self.guardian, [], 0, DELAY_S
            )

    def leaves(self, amounts: dict[str, int]) -> Tree:
        token = str(self.token.address).lower()
        return Tree.from_leaves(sorted((who.lower(), token, amount) for who, amount in amounts.items()), LEAF)

    def propose(self, *, root: bytes = ROOT, parent: bytes = PARENT, epoch: int = 1, increment: int = 1000) -> bytes:
        tokens = [self.token.address]
        with boa.env.prank(self.proposer):
            self.contract.propose(epoch, root, parent, MANIFEST, tokens, [increment])
        return self.contract.digest_of(epoch, root, parent, MANIFEST, tokens, [increment])

    def approve(self, digest: bytes, *, epoch: int = 1, increment: int = 1000) -> None:
        with boa.env.prank(self.treasury):
            self.token.approve(self.contract.address, increment)
            self.contract.approve(epoch, digest)

    def activated(self, amounts: dict[str, int]) -> Tree:
        tree, total = self.leaves(amounts), sum(amounts.values())
        self.approve(self.propose(root=bytes.fromhex(tree.root[2:]), increment=total), increment=total)
        boa.env.time_travel(seconds=DELAY_S)
        self.contract.activate(1)
        return tree

    def claim(self, tree: Tree, who: str, amount: int) -> None:
        leaf = (who.lower(), str(self.token.address).lower(), amount)
        proof = [bytes.fromhex(node[2:]) for node in tree.proof_of(leaf)]
        with boa.env.prank(self.anyone):
            self.contract.claim(who, self.token.address, amount, proof)


@pytest.fixture
def stage():
    with boa.env.anchor():
        yield Stage()


@pytest.fixture
def people():
    return [boa.env.generate_address(f"person {number}") for number in range(5)]


def test_the_digest_is_the_one_of_the_specification(stage):
    types = ("uint256", "address", "uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]")
    chain_id = boa.env.evm.patch.chain_id
    values = (chain_id, str(stage.contract.address), 1, ROOT, PARENT, MANIFEST, [str(stage.token.address)], [1000])
    assert stage.propose() == keccak256(encode(types, values))


def test_only_the_proposer_proposes_and_only_the_treasury_approves(stage):
    with boa.env.prank(stage.anyone), boa.reverts("not the proposer"):
        stage.contract.propose(1, ROOT, PARENT, MANIFEST, [stage.token.address], [1000])
    digest = stage.propose()
    for who in (stage.anyone, stage.proposer, stage.guardian):
        with boa.env.prank(who), boa.reverts("not the treasury"):
            stage.contract.approve(1, digest)


def test_nothing_but_the_proposed_digest_can_be_approved(stage):
    stage.propose()
    with boa.env.prank(stage.treasury), boa.reverts("wrong digest"):
        stage.contract.approve(1, b"\x09" * 32)


def test_no_root_pays_before_its_delay_is_over(stage, people):
    tree = stage.leaves({people[0]: 1000})
    stage.approve(stage.propose(root=bytes.fromhex(tree.root[2:])))
    with boa.reverts("wrong proof"):
        stage.claim(tree, people[0], 1000)
    with boa.reverts("delay not over"):
        stage.contract.activate(1)
    boa.env.time_travel(seconds=DELAY_S)
    stage.contract.activate(1)
    stage.claim(tree, people[0], 1000)
    assert stage.token.balanceOf(people[0]) == 1000


def test_a_claim_pays_once_alone_and_inside_one_batch(stage, people):
    tree = stage.activated({people[0]: 600, people[1]: 400})
    leaf = (people[0].lower(), str(stage.token.address).lower(), 600)
    proof = [bytes.fromhex(node[2:]) for node in tree.proof_of(leaf)]
    same = [people[0]] * 3, [stage.token.address] * 3, [600] * 3, [proof] * 3
    stage.contract.claim_many(*same)
    assert stage.token.balanceOf(people[0]) == 600
    assert stage.contract.paid(stage.token.address) == 600
    with boa.reverts("nothing to claim"):
        stage.claim(tree, people[0], 600)


def test_a_root_that_promises_more_than_was_approved_pays_no_more_than_was_approved(stage, people):
    tree = stage.leaves({people[0]: 900, people[1]: 900})
    stage.approve(stage.propose(root=bytes.fromhex(tree.root[2:]), increment=1000))
    boa.env.time_travel(seconds=DELAY_S)
    stage.contract.activate(1)
    stage.claim(tree, people[0], 900)
    with boa.reverts("not funded"):
        stage.claim(tree, people[1], 900)
    assert stage.contract.paid(stage.token.address) <= stage.contract.approved(stage.token.address)


def test_a_veto_gives_the_money_back_and_the_digest_never_returns(stage):
    before = stage.token.balanceOf(stage.treasury)
    digest = stage.propose()
    stage.approve(digest)
    with boa.env.prank(stage.guardian):
        stage.contract.veto(1, "a wrong link")
    assert stage.token.balanceOf(stage.treasury) == before
    assert stage.contract.approved(stage.token.address) == 0
    with boa.reverts("digest was used"):
        stage.propose()


def test_a_pending_epoch_is_not_overwritten(stage):
    stage.propose()
    with boa.reverts("epoch in flight"):
        stage.propose(root=b"\x05" * 32)


def test_the_treasury_can_not_sweep_what_people_have_not_collected(stage, people):
    stage.activated({people[0]: 1000})
    with boa.env.prank(stage.treasury), boa.reverts("nothing to sweep"):
        stage.contract.sweep(stage.token.address, stage.treasury)


def test_no_two_roles_are_one_account(stage):
    with boa.env.prank(stage.treasury), boa.reverts("roles must differ"):
        stage.contract.set_proposer(stage.guardian)


class Market:
    def __init__(self) -> None:
        self.exchange = boa.load(str(SOURCES / "demo_exchange.vy"))
        self.exchange.add_market("AAPL-PERP")
        self.owner = boa.env.generate_address("owner")

    def submit(self, *ops: tuple) -> None:
        self.exchange.submit(list(ops))

    def place(self, order: int, *, price: int = 100, size: int = 10) -> tuple:
        return (1, 1, order, self.owner, True, price, size)


@pytest.mark.parametrize(
    "ops",
    [
        [("place", 1), ("place", 1)],
        [(2, 1, 9, NOBODY, False, 0, 1)],
        [("place", 1), (3, 1, 1, "taker", False, 0, 11)],
        [("place", 1), (2, 1, 1, NOBODY, False, 0, 11)],
        [(1, 1, 1, "taker", True, 0, 5)],
        [(1, 1, 1, "taker", True, 5, 0)],
        [(1, 2, 1, "taker", True, 5, 5)],
        [(5, 1, 0, NOBODY, False, 0, 0), (5, 1, 0, NOBODY, False, 0, 0)],
        [(9, 1, 0, NOBODY, False, 0, 0)],
    ],
    ids=["placed twice", "unknown order", "filled too much", "cancelled too much", "no price", "no size",
         "no such market", "halted twice", "no such kind"],
)  # fmt: skip
def test_input_that_no_order_book_could_have_produced_reverts(ops):
    with boa.env.anchor():
        market = Market()
        taker = boa.env.generate_address("taker")
        batch = [
            market.place(op[1]) if op[0] == "place" else tuple(taker if part == "taker" else part for part in op)
            for op in ops
        ]
        with boa.reverts():
            market.submit(*batch)
