"""One claim: it pays the difference, once, to whom it belongs, from the money of its own token and of active epochs."""

import pytest

from tests.contracts.stage import DELAY_S, PLENTY, boa, raw, refused


def test_anyone_may_send_a_claim_and_only_the_account_gains(stage):
    tree = stage.paying([600, 400])
    account = stage.people[0]
    stage.claim(tree, account, 600, sender=stage.anyone)
    event = stage.event("Claimed")
    assert (event.account, event.token, event.epoch, event.recipient) == (account, stage.token.address, 1, account)
    assert (event.amount, event.cumulative, event.caller) == (600, 600, stage.anyone)
    assert stage.token.balanceOf(account) == 600
    assert stage.token.balanceOf(stage.anyone) == 0
    assert stage.contract.claimed(account, stage.token.address) == 600
    assert stage.contract.paid(stage.token.address) == 600


def test_a_second_epoch_pays_the_difference(stage):
    stage.claim(stage.paying([600, 400]), stage.people[0], 600)
    tree = stage.paying([900, 500])
    stage.claim(tree, stage.people[0], 900)
    stage.claim(tree, stage.people[1], 500)
    assert [stage.token.balanceOf(who) for who in stage.people[:2]] == [900, 500]
    assert stage.contract.paid(stage.token.address) == 1400


def test_claiming_twice_pays_once(stage):
    tree = stage.paying([600])
    stage.claim(tree, stage.people[0], 600)
    with refused("nothing to claim"):
        stage.claim(tree, stage.people[0], 600)
    assert stage.token.balanceOf(stage.people[0]) == 600


def test_a_root_that_promises_less_than_was_claimed_takes_nothing_back(stage):
    stage.claim(stage.paying([600, 400]), stage.people[0], 600)
    leaves = [(stage.people[0], stage.token.address, 100), (stage.people[1], stage.token.address, 400)]
    tree = stage.activated(leaves, {stage.token.address: 1})
    with refused("nothing to claim"):
        stage.claim(tree, stage.people[0], 100)
    assert stage.contract.claimed(stage.people[0], stage.token.address) == 600


def test_a_proof_of_another_root_account_token_or_amount_is_refused(stage):
    tree = stage.paying([600, 400, 300])
    account, token = stage.people[0], stage.token.address
    proof = stage.proof(tree, (account, token, 600))
    for arguments in (
        (account, token, 601, proof),
        (stage.people[1], token, 600, proof),
        (account, stage.other.address, 600, proof),
        (account, token, 600, proof[:-1]),
        (account, token, 600, [*proof, bytes(32)]),
        (account, token, 600, []),
    ):
        with refused("wrong proof"):
            stage.as_(account).claim(*arguments)
    stage.claim(stage.paying([600, 400, 301]), account, 600)
    with refused("wrong proof"):
        stage.claim(tree, stage.people[1], 400)


def test_an_inner_node_is_no_leaf(stage):
    # 64 bytes of two children can't be the 96 of a leaf, and a leaf is hashed twice.
    tree = stage.paying([600, 400])
    with refused("wrong proof"):
        stage.as_(stage.anyone).claim(stage.people[0], stage.token.address, int.from_bytes(raw(tree.root)), [])


def test_before_the_first_epoch_there_is_nothing_to_prove(stage):
    with refused("wrong proof"):
        stage.as_(stage.anyone).claim(stage.people[0], stage.token.address, 1, [])


def test_a_tree_of_one_leaf_has_an_empty_proof(stage):
    tree = stage.activated([(stage.people[0], stage.token.address, 9)], {stage.token.address: 9})
    assert tree.root == "0x" + tree.nodes[0].hex()
    stage.claim(tree, stage.people[0], 9)
    assert stage.token.balanceOf(stage.people[0]) == 9


def test_no_root_pays_before_its_delay_is_over(stage):
    tree = stage.tree([(stage.people[0], stage.token.address, 1000)])
    stage.approved(root=raw(tree.root), money={stage.token.address: 1000})
    boa.env.time_travel(seconds=DELAY_S)
    with refused("wrong proof"):
        stage.claim(tree, stage.people[0], 1000)
    stage.contract.activate(1)
    stage.claim(tree, stage.people[0], 1000)


def test_a_root_that_promises_more_than_was_approved_pays_no_more_than_was_approved(stage):
    leaves = [(who, stage.token.address, 900) for who in stage.people[:2]]
    tree = stage.activated(leaves, {stage.token.address: 1000})
    stage.claim(tree, stage.people[0], 900)
    with refused("not funded"):
        stage.claim(tree, stage.people[1], 900)
    assert stage.contract.paid(stage.token.address) == 900


def test_a_gift_of_tokens_funds_no_claim(stage):
    leaves = [(who, stage.token.address, 900) for who in stage.people[:2]]
    tree = stage.activated(leaves, {stage.token.address: 1000})
    stage.token.transfer(stage.contract.address, 5000, sender=stage.treasury)
    stage.claim(tree, stage.people[0], 900)
    with refused("not funded"):
        stage.claim(tree, stage.people[1], 900)


def test_the_money_of_a_waiting_epoch_pays_no_claim_of_the_active_one(stage):
    # The active root promises 1800 of 1000. The next epoch's 1000 lie in the contract and may still be vetoed.
    leaves = [(who, stage.token.address, 900) for who in stage.people[:2]]
    tree = stage.activated(leaves, {stage.token.address: 1000})
    stage.approved(root=b"\x01" * 32, money={stage.token.address: 1000})
    stage.claim(tree, stage.people[0], 900)
    with refused("not funded"):
        stage.claim(tree, stage.people[1], 900)
    stage.as_(stage.guardian).veto(2, "it pays what the first one owes")
    assert stage.token.balanceOf(stage.treasury) == PLENTY - 1000
    assert stage.contract.paid(stage.token.address) <= stage.contract.approved(stage.token.address) == 1000


@pytest.mark.parametrize("main", ["token", "other"])
def test_the_money_of_one_token_pays_no_claim_of_another(stage, main):
    paid, owed = (stage.token, stage.other) if main == "token" else (stage.other, stage.token)
    leaves = [(stage.people[0], paid.address, 100), (stage.people[1], owed.address, 100)]
    tree = stage.activated(leaves, {paid.address: 1000})
    owed.transfer(stage.contract.address, 1000, sender=stage.treasury)
    with refused("not funded"):
        stage.claim(tree, stage.people[1], 100, token=owed)
    stage.claim(tree, stage.people[0], 100, token=paid)


def test_an_account_claims_each_of_its_tokens_apart_and_the_active_epoch_is_named(stage):
    who = stage.people[0]
    stage.activated([(who, stage.token.address, 5)], {stage.token.address: 5})
    leaves = [(who, stage.token.address, 5), (who, stage.other.address, 7)]
    tree = stage.activated(leaves, {stage.other.address: 7})
    for token, amount in ((stage.token, 5), (stage.other, 7)):
        stage.claim(tree, who, amount, token=token)
        event = stage.event("Claimed")
        assert (event.epoch, event.amount) == (2, amount)
        assert token.balanceOf(who) == amount == stage.contract.claimed(who, token.address)


def test_the_largest_amount_is_paid_to_the_last_unit(stage):
    most = 2**96 - 1
    stage.token.mint(stage.treasury, most)
    stage.token.approve(stage.contract.address, most, sender=stage.treasury)
    tree = stage.activated([(stage.people[0], stage.token.address, most)], {stage.token.address: most})
    stage.as_(stage.people[0]).set_recipient(stage.sink)
    stage.claim(tree, stage.people[0], most)
    assert stage.token.balanceOf(stage.sink) == most
    assert stage.contract.recipient_of(stage.people[0]) == stage.sink
    assert stage.contract.paid(stage.token.address) == stage.contract.approved(stage.token.address) == most
    assert stage.contract.active_epoch() == 1
