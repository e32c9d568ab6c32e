"""Tokens that take a fee, answer false or nothing, block people or call back harm nobody but those who hold them."""

import pytest

from tests.contracts.stage import DELAY_S, HOSTILE, PLENTY, Stage, boa, deploy, raw, refused

ROOT = b"\x01" * 32


@pytest.fixture
def bad(stage):
    """A hostile token, of which the treasury has plenty, as the programme's second token."""
    token = deploy("hostile_token", folder=HOSTILE)
    token.mint(stage.treasury, PLENTY)
    token.approve(stage.contract.address, PLENTY, sender=stage.treasury)
    return token


def activated(stage: Stage, bad, amount: int = 100):
    leaves = [(who, token.address, amount) for who in stage.people[:3] for token in (bad, stage.token)]
    return stage.activated(leaves, {bad.address: 3 * amount, stage.token.address: 3 * amount})


def test_an_approval_refuses_a_token_that_takes_a_fee(stage, bad):
    bad.set_fee(1)
    epoch, digest = stage.propose(root=ROOT, money={bad.address: 10_000})
    with refused("token took a fee"):
        stage.approve(epoch, digest)
    assert stage.contract.approved(bad.address) == 0


@pytest.mark.parametrize("answer", [1, 3])
def test_an_approval_refuses_a_token_that_does_not_answer_true(stage, bad, answer):
    bad.set_answer(answer)
    epoch, digest = stage.propose(root=ROOT, money={bad.address: 100})
    with refused("pull failed" if answer == 1 else None):
        stage.approve(epoch, digest)


def test_a_token_that_answers_nothing_works(stage, bad):
    bad.set_answer(2)
    tree = activated(stage, bad)
    stage.claim(tree, stage.people[0], 100, token=bad)
    stage.claim_many(tree, [(who, 100) for who in stage.people[:3]], token=bad)
    assert [bad.balanceOf(who) for who in stage.people[:3]] == [100] * 3


def test_a_claim_that_the_token_does_not_pay_is_not_written(stage, bad):
    tree = activated(stage, bad)
    bad.set_answer(1)
    with refused("transfer failed"):
        stage.claim(tree, stage.people[0], 100, token=bad)
    with refused("transfer failed"):
        stage.claim_many(tree, [(stage.people[0], 100)], token=bad)
    assert stage.contract.claimed(stage.people[0], bad.address) == 0
    bad.set_answer(0)
    stage.claim(tree, stage.people[0], 100, token=bad)


def test_a_blocked_account_collects_through_another_recipient(stage, bad):
    tree = activated(stage, bad)
    bad.set_blocked(stage.people[0], True)
    with refused("blocked"):
        stage.claim(tree, stage.people[0], 100, token=bad)
    with refused("blocked"):
        stage.claim_many(tree, [(who, 100) for who in stage.people[:3]], token=bad)
    stage.as_(stage.people[0]).set_recipient(stage.sink)
    stage.claim_many(tree, [(who, 100) for who in stage.people[:3]], token=bad)
    assert bad.balanceOf(stage.sink) == 100


def test_a_fee_that_is_switched_on_later_is_paid_by_the_accounts_and_by_no_other_token(stage, bad):
    tree = activated(stage, bad)
    bad.set_fee(100)
    stage.claim(tree, stage.people[0], 100, token=bad)
    assert bad.balanceOf(stage.people[0]) == 99
    assert stage.contract.paid(bad.address) == 100
    stage.claim_many(tree, [(who, 100) for who in stage.people[:3]])
    assert [stage.token.balanceOf(who) for who in stage.people[:3]] == [100] * 3


def calls_back(stage: Stage, tree, bad) -> dict[str, bytes]:
    """Return every function that changes something, as calldata that would succeed outside a callback or do harm."""
    contract, people = stage.contract, stage.people
    proof = stage.proof(tree, (people[0], bad.address, 100))
    second = stage.proof(tree, (people[1], bad.address, 100))
    arguments = {
        "claim": (people[1], bad.address, 100, second),
        "claim_many": (bad.address, [(people[0], 100)], proof),
        "propose": (2, ROOT, contract.active_root(), ROOT, [], []),
        "withdraw": (2,),
        "attest": (2, ROOT),
        "approve": (2, ROOT),
        "veto": (2, ""),
        "activate": (2,),
        "set_recipient": (stage.sink,),
        "set_recipient_with_sig": (bad.address, stage.sink, 2**60, b""),
        "pause": (),
        "unpause": (),
        "offer_treasury": (stage.sink,),
        "accept_treasury": (),
        "appoint": (stage.proposer, stage.guardian, [], 0),
        "sweep": (bad.address, stage.sink),
        "announce_wind_down": (),
        "wind_down": (bad.address, stage.sink),
    }
    changing = {e["name"] for e in contract.abi if e["type"] == "function" and e["stateMutability"] == "nonpayable"}
    assert changing == set(arguments)
    return {name: getattr(contract, name).prepare_calldata(*values) for name, values in arguments.items()}


def test_no_function_can_be_entered_from_a_tokens_callback(stage, bad):
    tree = activated(stage, bad)
    for name, payload in calls_back(stage, tree, bad).items():
        with boa.env.anchor():
            bad.set_reentry(stage.contract.address, payload)
            stage.claim(tree, stage.people[0], 100, token=bad)
            assert bad.balanceOf(stage.people[0]) == 100, name
            # The lock, not the role or the arguments, has refused it: it reverts without a word.
            assert (bad.reentered(), bad.reentry_answer()) == (False, b""), name


def test_a_callback_during_an_approval_books_no_claim_or_sweep_as_the_treasurys_money(stage, bad):
    tree = activated(stage, bad)
    proof = stage.proof(tree, (stage.people[0], bad.address, 100))
    bad.set_reentry(
        stage.contract.address,
        stage.contract.claim.prepare_calldata(stage.people[0], bad.address, 100, proof),
    )
    stage.approved(root=ROOT, money={bad.address: 50})
    assert not bad.reentered()
    assert stage.contract.paid(bad.address) == 0
    assert stage.contract.approved(bad.address) == 350 == bad.balanceOf(stage.contract.address)


def test_a_treasury_that_is_a_contract_can_not_sweep_in_the_middle_of_a_claim():
    with boa.env.anchor():
        wallet, bad = deploy("hostile_wallet", folder=HOSTILE), deploy("hostile_token", folder=HOSTILE)
        stage = Stage()
        stage.as_(stage.treasury).offer_treasury(wallet.address)
        wallet.execute(stage.contract.address, stage.contract.accept_treasury.prepare_calldata())
        bad.mint(wallet.address, 300)
        wallet.execute(bad.address, bad.approve.prepare_calldata(stage.contract.address, 300))
        tree = stage.tree([(who, bad.address, 100) for who in stage.people[:3]])
        epoch, digest = stage.propose(root=raw(tree.root), money={bad.address: 300})
        wallet.execute(stage.contract.address, stage.contract.approve.prepare_calldata(epoch, digest))
        boa.env.time_travel(seconds=DELAY_S)
        stage.contract.activate(epoch)
        # The claim is written before the token moves: in between 100 units look as if nobody owned them.
        sweep = stage.contract.sweep.prepare_calldata(bad.address, wallet.address)
        bad.set_reentry(wallet.address, wallet.execute.prepare_calldata(stage.contract.address, sweep))
        stage.claim(tree, stage.people[0], 100, token=bad)
        assert bad.balanceOf(wallet.address) == 0
        assert bad.balanceOf(stage.contract.address) == 200
