"""The guardian stops an epoch for good, and every unit that was pulled goes back."""

import pytest

from tests.contracts.stage import DELAY_S, HOSTILE, PLENTY, Stage, boa, deploy, raw, refused

ROOT = b"\x01" * 32


def hostile_epoch(stage: Stage, *, increment: int = 1000) -> object:
    """Return a hostile token that the treasury has paid into the epoch in flight, beside the programme's."""
    bad = deploy("hostile_token", folder=HOSTILE)
    bad.mint(stage.treasury, increment)
    bad.approve(stage.contract.address, increment, sender=stage.treasury)
    stage.approved(root=ROOT, money={bad.address: increment, stage.token.address: 500})
    return bad


@pytest.mark.parametrize("approved", [False, True])
def test_a_vetoed_epoch_never_becomes_active_and_its_digest_never_returns(stage, approved):
    money = {stage.token.address: 1000, stage.other.address: 7}
    epoch, digest = stage.propose(root=ROOT, money=money)
    if approved:
        stage.approve(epoch, digest)
    stage.as_(stage.guardian).veto(epoch, "a wrong link")
    event = stage.event("EpochVetoed")
    assert (event.epoch, event.digest, event.reason) == (epoch, digest, "a wrong link")
    boa.env.time_travel(seconds=DELAY_S)
    with refused("wrong state"):
        stage.contract.activate(epoch)
    with refused("wrong state"):
        stage.approve(epoch, digest)
    with refused("wrong state"):
        stage.as_(stage.guardian).veto(epoch, "again")
    with refused("digest was used"):
        stage.propose(root=ROOT, money=money)
    stage.propose(root=ROOT, money=money, manifest=b"\x08" * 32)


def test_a_veto_gives_back_every_token_and_lowers_approved(stage):
    money = {stage.token.address: 1000, stage.other.address: 7}
    stage.approved(root=ROOT, money=money)
    stage.as_(stage.guardian).veto(1, "")
    for token in (stage.token, stage.other):
        assert token.balanceOf(stage.treasury) == PLENTY
        assert stage.contract.approved(token.address) == 0
    refunds = [event for event in stage.events if type(event).__name__ == "Refunded"]
    assert {(event.token, event.to, event.amount, event.sent) for event in refunds} == {
        (token, stage.treasury, amount, True) for token, amount in money.items()
    }


def test_a_refund_leaves_the_money_of_the_active_epoch(stage):
    tree = stage.paying([600, 400])
    stage.approved(root=ROOT, money={stage.token.address: 50})
    stage.as_(stage.guardian).veto(2, "")
    assert stage.contract.approved(stage.token.address) == 1000
    stage.claim_many(tree, [(stage.people[0], 600), (stage.people[1], 400)])


def test_an_active_epoch_is_beyond_a_veto(stage):
    stage.paying([5])
    with refused("wrong state"):
        stage.as_(stage.guardian).veto(1, "too late")


def test_a_veto_works_while_paused(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1000})
    stage.as_(stage.guardian).pause()
    stage.as_(stage.guardian).veto(1, "")
    assert stage.token.balanceOf(stage.treasury) == PLENTY


@pytest.mark.parametrize("how", ["blocks", "answers false", "answers two", "burns gas", "reenters"])
def test_a_token_that_refuses_its_refund_keeps_no_root_alive_and_no_other_token_back(stage, how):
    bad = hostile_epoch(stage)
    if how == "blocks":
        bad.set_blocked(stage.treasury, True)
    elif how == "answers false":
        bad.set_answer(1)
    elif how == "answers two":
        bad.set_answer(3)
    elif how == "burns gas":
        bad.set_burns_gas(True)
    else:
        bad.set_reentry(stage.contract.address, stage.contract.activate.prepare_calldata(1))
    # Less gas than a token could burn, more than two refunds may.
    stage.contract.veto(1, "", sender=stage.guardian, gas=2_000_000)
    stage.events = stage.contract.get_logs()
    refunds = {event.token: event.sent for event in stage.events if type(event).__name__ == "Refunded"}
    assert refunds == {bad.address: how == "reenters", stage.token.address: True}
    assert stage.token.balanceOf(stage.treasury) == PLENTY
    assert stage.contract.approved(bad.address) == 0
    if how == "reenters":
        assert not bad.reentered()


def test_the_treasury_sweeps_a_refund_that_was_refused(stage):
    bad = hostile_epoch(stage)
    bad.set_blocked(stage.treasury, True)
    stage.as_(stage.guardian).veto(1, "")
    stage.as_(stage.treasury).sweep(bad.address, stage.sink)
    assert bad.balanceOf(stage.sink) == 1000


def test_the_guardian_can_not_starve_a_refund_of_gas(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1000})
    stage.contract.veto(1, "", sender=stage.guardian, gas=600_000, simulate=True)
    for gas in (200_000, 300_000, 400_000):
        with refused():
            stage.contract.veto(1, "", sender=stage.guardian, gas=gas)
    assert stage.contract.epoch_info(1)[0] == 2


def test_a_new_treasury_gets_the_refund(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1000})
    stage.as_(stage.treasury).offer_treasury(stage.sink)
    stage.as_(stage.sink).accept_treasury()
    stage.as_(stage.guardian).veto(1, "")
    assert stage.token.balanceOf(stage.sink) == 1000


def test_the_guardian_can_stop_and_can_do_nothing_else(stage):
    tree = stage.tree([(stage.guardian, stage.token.address, 1000)])
    with refused("not your role"):
        stage.as_(stage.guardian).propose(*stage.fields(root=raw(tree.root), money={stage.token.address: 1000}))
    epoch, digest = stage.propose(root=raw(tree.root), money={stage.token.address: 1000})
    for name, arguments in (
        ("approve", (epoch, digest)),
        ("withdraw", (epoch,)),
        ("sweep", (stage.token.address, stage.guardian)),
        ("wind_down", (stage.token.address, stage.guardian)),
        ("unpause", ()),
    ):
        with refused("not your role"):
            getattr(stage.as_(stage.guardian), name)(*arguments)
    stage.as_(stage.guardian).veto(epoch, "")
    assert stage.token.balanceOf(stage.guardian) == 0
