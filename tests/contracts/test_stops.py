"""Pause, sweep and wind-down: what stops, what goes on, and what nobody can take from the people."""

import pytest

from tests.contracts.stage import DAY_S, DELAY_S, MANIFEST, PLENTY, boa, refused

ROOT = b"\x01" * 32
NOTICE_S = 90 * DAY_S


@pytest.mark.parametrize("who", ["guardian", "treasury"])
def test_a_pause_stops_claims_proposals_approvals_and_activations(stage, who):
    tree = stage.paying([600, 400])
    stage.as_(getattr(stage, who)).pause()
    assert stage.event("Paused").by == getattr(stage, who)
    assert stage.contract.paused()
    with refused("paused"):
        stage.claim(tree, stage.people[0], 600)
    with refused("paused"):
        stage.claim_many(tree, [(stage.people[0], 600)])
    with refused("paused"):
        stage.as_(stage.proposer).propose(2, ROOT, stage.contract.active_root(), MANIFEST, [], [])
    with refused("paused"):
        stage.as_(stage.treasury).approve(2, ROOT)
    with refused("paused"):
        stage.contract.activate(2)
    with refused("paused"):
        stage.as_(stage.guardian).pause()
    with refused("paused"):
        stage.as_(stage.treasury).announce_wind_down()
    with refused("paused"):
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)


def test_the_treasury_ends_a_pause_and_everything_is_as_before(stage):
    tree = stage.paying([600, 400])
    root = stage.contract.active_root()
    with refused("not paused"):
        stage.as_(stage.treasury).unpause()
    stage.as_(stage.guardian).pause()
    assert (stage.contract.active_root(), stage.contract.active_epoch()) == (root, 1)
    stage.as_(stage.treasury).unpause()
    assert stage.event("Unpaused").by == stage.treasury
    assert not stage.contract.paused()
    stage.claim(tree, stage.people[0], 600)
    assert stage.event("Claimed").epoch == 1
    stage.paying([600, 401])
    assert stage.contract.active_epoch() == 2


def test_a_pause_before_the_first_epoch_ends_without_a_root(stage):
    stage.as_(stage.guardian).pause()
    stage.as_(stage.treasury).unpause()
    with refused("wrong proof"):
        stage.as_(stage.anyone).claim(stage.people[0], stage.token.address, 1, [])
    stage.paying([5])


def test_recipients_are_set_and_proposals_taken_back_while_paused(stage):
    stage.propose(root=ROOT, money={stage.token.address: 1})
    stage.as_(stage.guardian).pause()
    stage.as_(stage.people[0]).set_recipient(stage.sink)
    stage.as_(stage.proposer).withdraw(1)


def test_the_treasury_can_not_sweep_what_people_have_not_collected(stage):
    tree = stage.paying([600, 400])
    with refused("nothing to take"):
        stage.as_(stage.treasury).sweep(stage.token.address, stage.treasury)
    stage.claim(tree, stage.people[0], 600)
    with refused("nothing to take"):
        stage.as_(stage.treasury).sweep(stage.token.address, stage.treasury)


def test_the_treasury_can_not_sweep_what_an_epoch_in_flight_was_paid(stage):
    stage.approved(root=ROOT, money={stage.token.address: 1000})
    with refused("nothing to take"):
        stage.as_(stage.treasury).sweep(stage.token.address, stage.treasury)


def test_a_sweep_takes_exactly_what_was_sent_by_mistake(stage):
    tree = stage.paying([600, 400])
    stage.approved(root=ROOT, money={stage.token.address: 50})
    for token, amount in ((stage.token, 33), (stage.other, 44)):
        token.transfer(stage.contract.address, amount, sender=stage.treasury)
        stage.as_(stage.treasury).sweep(token.address, stage.sink)
        event = stage.event("Swept")
        assert (event.token, event.to, event.amount) == (token.address, stage.sink, amount)
        assert token.balanceOf(stage.sink) == amount
    stage.claim_many(tree, [(stage.people[0], 600), (stage.people[1], 400)])
    assert stage.token.balanceOf(stage.contract.address) == 50


def test_a_wind_down_takes_ninety_days_in_which_people_collect(stage):
    tree = stage.paying([600, 400])
    with refused("notice not over"):
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
    stage.as_(stage.treasury).announce_wind_down()
    now = boa.env.evm.patch.timestamp
    assert stage.event("WindDownAnnounced").possible_at == now + NOTICE_S == stage.contract.wind_down_at()
    boa.env.time_travel(seconds=NOTICE_S - 1)
    with refused("notice not over"):
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
    stage.claim(tree, stage.people[0], 600)
    boa.env.time_travel(seconds=1)
    stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
    event = stage.event("WoundDown")
    assert (event.token, event.to, event.amount) == (stage.token.address, stage.sink, 400)
    assert stage.token.balanceOf(stage.sink) == 400
    assert stage.contract.paid(stage.token.address) == stage.contract.approved(stage.token.address) == 600
    stage.token.transfer(stage.contract.address, 400, sender=stage.treasury)
    with refused("not funded"):
        stage.claim(tree, stage.people[1], 400)


def test_nothing_new_begins_after_the_announcement(stage):
    epoch, digest = stage.propose(root=ROOT, money={stage.token.address: 1})
    stage.as_(stage.treasury).announce_wind_down()
    with refused("winding down"):
        stage.approve(epoch, digest)
    stage.as_(stage.proposer).withdraw(epoch)
    with refused("winding down"):
        stage.propose(root=ROOT, money={stage.token.address: 2})
    with refused("winding down"):
        stage.as_(stage.treasury).announce_wind_down()


def test_a_pause_makes_the_notice_longer_by_itself(stage):
    stage.as_(stage.treasury).announce_wind_down()
    possible_at = stage.contract.wind_down_at()
    boa.env.time_travel(seconds=NOTICE_S - 10)
    stage.as_(stage.guardian).pause()
    boa.env.time_travel(seconds=7 * DAY_S)
    stage.as_(stage.treasury).unpause()
    assert stage.event("WindDownAnnounced").possible_at == possible_at + 7 * DAY_S
    with refused("notice not over"):
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)


@pytest.mark.parametrize("how", ["veto", "activate"])
def test_an_epoch_in_flight_ends_before_a_wind_down(stage, how):
    stage.approved(root=ROOT, money={stage.token.address: 1000})
    stage.as_(stage.treasury).announce_wind_down()
    boa.env.time_travel(seconds=NOTICE_S)
    with refused("epoch in flight"):
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
    if how == "veto":
        stage.as_(stage.guardian).veto(1, "")
        assert stage.token.balanceOf(stage.treasury) == PLENTY
        with refused("nothing to take"):
            stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
    else:
        stage.contract.activate(1)
        stage.as_(stage.treasury).wind_down(stage.token.address, stage.sink)
        assert stage.token.balanceOf(stage.sink) == 1000
    assert stage.contract.epoch_info(1)[6] == stage.contract.epoch_info(1)[5] + DELAY_S
