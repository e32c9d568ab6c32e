"""A batch pays what its single claims would pay, skips what is already paid, and never pays a duplicate."""

import pytest

from tests.contracts.stage import boa, refused


def claims(stage) -> list[tuple[str, int]]:
    return [(log.account, log.amount) for log in stage.events if type(log).__name__ == "Claimed"]


def test_a_batch_pays_everybody_in_it(stage):
    amounts = [100 + number for number in range(7)]
    tree = stage.paying(amounts)
    stage.claim_many(tree, list(zip(stage.people, amounts, strict=False)))
    assert claims(stage) == list(zip(stage.people, amounts, strict=False))
    assert [stage.token.balanceOf(who) for who in stage.people[:7]] == amounts
    assert stage.contract.paid(stage.token.address) == sum(amounts)


def test_a_duplicate_in_one_batch_pays_once(stage):
    tree = stage.paying([600, 400])
    stage.claim_many(tree, [(stage.people[0], 600)] * 3 + [(stage.people[1], 400)] * 2)
    assert claims(stage) == [(stage.people[0], 600), (stage.people[1], 400)]
    assert stage.token.balanceOf(stage.people[0]) == 600
    assert stage.contract.paid(stage.token.address) == 1000


def test_a_claim_that_was_faster_spoils_no_batch(stage):
    tree = stage.paying([600, 400, 300])
    stage.claim(tree, stage.people[1], 400, sender=stage.sink)
    stage.claim_many(tree, [(stage.people[0], 600), (stage.people[1], 400), (stage.people[2], 300)])
    assert claims(stage) == [(stage.people[0], 600), (stage.people[2], 300)]
    assert [stage.token.balanceOf(who) for who in stage.people[:3]] == [600, 400, 300]


def test_a_batch_in_which_nothing_is_left_is_no_error(stage):
    tree = stage.paying([600, 400])
    stage.claim_many(tree, [(stage.people[0], 600)])
    stage.claim_many(tree, [(stage.people[0], 600)])
    assert claims(stage) == []


def test_two_leaves_of_one_account_pay_the_larger_in_either_order(stage):
    for first, second in ((100, 250), (250, 100)):
        with boa.env.anchor():
            who, token = stage.people[0], stage.token.address
            tree = stage.activated([(who, token, 100), (who, token, 250)], {token: 250})
            stage.claim_many(tree, [(who, first), (who, second)])
            assert stage.token.balanceOf(who) == 250 == stage.contract.claimed(who, token)


def test_a_wrong_item_stops_the_whole_batch(stage):
    tree = stage.paying([600, 400, 300])
    token = stage.token.address
    proofs = [
        stage.proof(tree, (who, token, amount)) for who, amount in zip(stage.people, (600, 400, 300), strict=False)
    ]
    good = [(stage.people[0], 600), (stage.people[1], 400)]
    nodes = [*proofs[0], *proofs[1]]
    for items, path in (
        ([(stage.people[0], 601), good[1]], nodes),
        ([good[0], (stage.people[1], 401)], nodes),
        ([good[1], good[0]], nodes),
        (good, nodes[:-1]),
        (good, nodes[1:]),
        (good, []),
        ([*good, (stage.people[2], 300)], nodes),
    ):
        with refused("wrong proof"):
            stage.as_(stage.anyone).claim_many(token, items, path)
    with refused("wrong proof"):
        stage.as_(stage.anyone).claim_many(stage.other.address, good, nodes)
    with refused("nothing to claim"):
        stage.as_(stage.anyone).claim_many(token, [], nodes)
    assert stage.contract.paid(token) == 0


def test_a_batch_stops_at_the_cap_and_pays_nobody(stage):
    tree = stage.activated([(who, stage.token.address, 400) for who in stage.people[:3]], {stage.token.address: 1000})
    with refused("not funded"):
        stage.claim_many(tree, [(who, 400) for who in stage.people[:3]])
    assert stage.contract.paid(stage.token.address) == 0
    stage.claim_many(tree, [(who, 400) for who in stage.people[:2]])


def test_a_tree_of_one_leaf_is_collected_in_a_batch_too(stage):
    tree = stage.activated([(stage.people[0], stage.token.address, 9)], {stage.token.address: 9})
    stage.claim_many(tree, [(stage.people[0], 9)])
    assert stage.token.balanceOf(stage.people[0]) == 9


def test_a_token_beside_the_programmes_is_collected_in_a_batch_of_its_own(stage):
    leaves = [(who, token.address, 50) for who in stage.people[:4] for token in (stage.token, stage.other)]
    tree = stage.activated(leaves, {stage.token.address: 200, stage.other.address: 200})
    for token in (stage.token, stage.other):
        stage.claim_many(tree, [(who, 50) for who in stage.people[:4]] * 2, token=token)
        assert [token.balanceOf(who) for who in stage.people[:4]] == [50] * 4
        assert stage.contract.paid(token.address) == 200


@pytest.mark.parametrize("size", [100, 101])
def test_a_batch_has_at_most_a_hundred_claims(stage, size):
    tree = stage.paying([600, 400])
    items = [(stage.people[0], 600)] * size
    if size > 100:
        with refused():
            stage.claim_many(tree, items)
    else:
        stage.claim_many(tree, items)
        assert stage.token.balanceOf(stage.people[0]) == 600
