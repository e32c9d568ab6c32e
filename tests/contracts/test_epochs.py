"""An epoch is proposed, attested, approved with its money, waited for, active; nothing is skipped or overwritten."""

import pytest
from eth_abi import encode

from onchain.keccak import keccak256
from tests.contracts.stage import DELAY_S, MANIFEST, Stage, boa, low, refused

ROOT, OTHER_ROOT = b"\x01" * 32, b"\x05" * 32
STATES = ("none", "proposed", "approved", "active", "vetoed", "withdrawn")


def state(stage: Stage, epoch: int = 1) -> str:
    return STATES[stage.contract.epoch_info(epoch)[0]]


def test_the_digest_is_the_one_of_the_specification(stage):
    types = ("uint256", "address", "uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]")
    money = {stage.token.address: 1000, stage.other.address: 7}
    _, digest = stage.propose(root=ROOT, money=money)
    tokens = sorted(money, key=low)
    amounts = [money[token] for token in tokens]
    chain_id = boa.env.evm.patch.chain_id
    values = (chain_id, str(stage.contract.address), 1, ROOT, bytes(32), MANIFEST, [str(t) for t in tokens], amounts)
    assert digest == keccak256(encode(types, values))
    assert stage.contract.epoch_info(1)[4] == digest


def test_an_epoch_walks_from_none_to_active_and_says_everything_about_itself(stage):
    assert state(stage) == "none"
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1000})
    proposed = stage.event("EpochProposed")
    assert (proposed.epoch, proposed.digest, proposed.root, proposed.parent_root) == (1, digest, ROOT, bytes(32))
    assert (proposed.manifest_hash, proposed.tokens) == (MANIFEST, [stage.token.address])
    assert (proposed.increments, proposed.proposer) == ([1000], stage.proposer)
    assert state(stage) == "proposed"
    stage.approve(epoch, digest)
    now = boa.env.evm.patch.timestamp
    approved = stage.event("EpochApproved")
    assert (approved.epoch, approved.digest, approved.activatable_at) == (1, digest, now + DELAY_S)
    assert stage.contract.epoch_info(1) == (2, ROOT, bytes(32), MANIFEST, digest, now, now + DELAY_S, 0)
    boa.env.time_travel(seconds=DELAY_S)
    stage.as_(stage.anyone).activate(1)
    active = stage.event("EpochActivated")
    assert (active.epoch, active.digest, active.root) == (1, digest, ROOT)
    assert (stage.contract.active_epoch(), stage.contract.active_root()) == (1, ROOT)
    assert state(stage) == "active"


def test_the_delay_counts_to_the_second(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1})
    boa.env.time_travel(seconds=DELAY_S - 1)
    with refused("delay not over"):
        stage.contract.activate(1)
    boa.env.time_travel(seconds=1)
    stage.contract.activate(1)


def test_nothing_but_an_approved_epoch_becomes_active_and_only_once(stage):
    for _ in range(2):
        with refused("wrong state"):
            stage.contract.activate(1)
        if state(stage) == "none":
            stage.propose(root=ROOT, money={stage.token.address: 1})
    stage.approve(1, stage.contract.epoch_info(1)[4])
    boa.env.time_travel(seconds=DELAY_S)
    stage.contract.activate(1)
    with refused("wrong state"):
        stage.contract.activate(1)


def test_nothing_but_the_proposed_digest_can_be_approved_and_only_once(stage):
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1})
    with refused("wrong digest"):
        stage.approve(epoch, b"\x09" * 32)
    with refused("wrong digest"):
        stage.approve(epoch + 1, digest)
    stage.approve(epoch, digest)
    with refused("wrong state"):
        stage.approve(epoch, digest)


@pytest.mark.parametrize("approved", [False, True])
def test_an_epoch_in_flight_is_not_overwritten(stage, approved):
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1})
    if approved:
        stage.approve(epoch, digest)
    with refused("epoch in flight"):
        stage.propose(root=OTHER_ROOT, money={stage.token.address: 1})
    with refused("not the next epoch"):
        stage.as_(stage.proposer).propose(2, OTHER_ROOT, bytes(32), MANIFEST, [], [])


def test_a_withdrawn_number_is_proposed_again_under_another_digest_only(stage):
    money = {stage.token.address: 1}
    stage.propose(root=ROOT, money=money)
    stage.as_(stage.proposer).withdraw(1)
    assert stage.event("EpochWithdrawn").epoch == 1
    assert state(stage) == "withdrawn"
    with refused("digest was used"):
        stage.propose(root=ROOT, money=money)
    stage.propose(root=ROOT, money=money, manifest=b"\x07" * 32)
    assert state(stage) == "proposed"


def test_an_approved_epoch_is_not_the_proposers_to_withdraw(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1})
    with refused("wrong state"):
        stage.as_(stage.proposer).withdraw(1)


def test_a_root_is_computed_on_the_active_one(stage):
    stage.paying([5])
    with refused("not the active root"):
        stage.as_(stage.proposer).propose(2, OTHER_ROOT, bytes(32), MANIFEST, [], [])


def test_a_proposal_is_well_formed(stage):
    token, other = sorted((stage.token.address, stage.other.address), key=low)
    for tokens, increments, reason in (
        ([token], [], "lengths differ"),
        ([token], [0], "increment out of range"),
        ([token], [2**96], "increment out of range"),
        ([other, token], [1, 1], "tokens not ascending"),
        ([token, token], [1, 1], "tokens not ascending"),
        ([stage.anyone], [1], "not a token"),
    ):
        with refused(reason):
            stage.as_(stage.proposer).propose(1, ROOT, bytes(32), MANIFEST, tokens, increments)
    with refused("no root"):
        stage.as_(stage.proposer).propose(1, bytes(32), bytes(32), MANIFEST, [token], [1])


def test_an_approval_pulls_exactly_the_increments_and_raises_approved(stage):
    money = {stage.token.address: 1000, stage.other.address: 7}
    before = {token: contract.balanceOf(stage.treasury) for token, contract in tokens_of(stage).items()}
    stage.approved(root=ROOT, money=money)
    for token, contract in tokens_of(stage).items():
        assert contract.balanceOf(stage.treasury) == before[token] - money[token]
        assert contract.balanceOf(stage.contract.address) == money[token]
        assert stage.contract.approved(token) == money[token]


def test_an_approval_without_the_money_changes_nothing(stage):
    stage.token.approve(stage.contract.address, 999, sender=stage.treasury)
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1000})
    with refused("allowance too small"):
        stage.approve(epoch, digest)
    assert state(stage) == "proposed"
    assert stage.contract.approved(stage.token.address) == 0


def test_the_sum_of_all_epochs_stays_inside_96_bits(stage):
    stage.token.mint(stage.treasury, 2**97)
    stage.token.approve(stage.contract.address, 2**97, sender=stage.treasury)
    stage.activated([(stage.people[0], stage.token.address, 1)], {stage.token.address: 2**96 - 1})
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1})
    with refused("sum out of range"):
        stage.approve(epoch, digest)


def test_an_approval_waits_for_the_quorum_of_todays_attestors(attested_stage):
    stage = attested_stage
    first, second, third = stage.attestors
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1})
    with refused("wrong digest"):
        stage.as_(first).attest(epoch, b"\x03" * 32)
    stage.as_(first).attest(epoch, digest)
    event = stage.event("EpochAttested")
    assert (event.epoch, event.digest, event.attestor, event.count) == (1, digest, first, 1)
    with refused("attested already"):
        stage.as_(first).attest(epoch, digest)
    with refused("too few attestations"):
        stage.approve(epoch, digest)
    stage.as_(second).attest(epoch, digest)
    assert stage.contract.epoch_info(1)[7] == 2
    stage.as_(stage.treasury).appoint(stage.proposer, stage.guardian, [second, third], 2)
    with refused("too few attestations"):
        stage.approve(epoch, digest)
    stage.as_(third).attest(epoch, digest)
    stage.approve(epoch, digest)
    with refused("wrong state"):
        stage.as_(second).attest(epoch, digest)


def tokens_of(stage: Stage) -> dict[str, object]:
    return {stage.token.address: stage.token, stage.other.address: stage.other}
