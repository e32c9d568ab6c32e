"""An epoch's flags and statistics as the task works them out, and the whole review on a chain."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from onchain.indexer import node
from onchain.models_tx import ChainDistributor, ChainRecipient
from onchain.services import contract_watch
from rewards import tasks
from rewards.errors import ApprovalRefusedError, ReviewRefusedError
from rewards.models import Alarm, Epoch, EpochStatistics, EpochVerdict, Flag
from rewards.selectors.desk_inbox import inbox_rows
from rewards.selectors.desk_rows import desk_rows
from rewards.selectors.epoch_review import epoch_facts
from rewards.selectors.treasury import treasury_epoch
from rewards.services.approval import approve_with_local_node
from rewards.services.review import epoch_lift, epoch_put_forward, epoch_send_back
from rewards.services.review_facts import review_facts_compute, review_facts_due
from tests.chain import calldata
from tests.reviewing import ann, put_forward, somebody
from tests.rewards.conftest import ALICE_LP, ALICE_PAY, BOB, BOB_PAY, DELAY_S, GUARDIAN, house, one_process
from tests.rewards.test_publishing import END_S, approve, poke, proposed

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db


def test_the_facts_of_a_scored_epoch_are_those_that_one_can_work_out(proposed):
    """Alice quotes alone for the first hour and both for the second: 833,333, 166,666 and one unit for rounding."""
    facts = epoch_facts(epoch=proposed)
    assert facts.note == ""
    assert facts.unspent == {"rounding": 1}
    assert [(row.name, row.now, row.before) for row in facts.makers] == [
        ("alice", 833_333, None),
        ("bob", 166_666, None),
    ]
    assert sum(row.pay for row in facts.markets_bought) == 999_999
    document = facts.document
    # Alice's accounts get 583,334 and 249,999, Bob's 166,666.
    assert (document["accounts"], document["largest"], document["top5"]) == (3, "583334", "999999")
    assert document["lorenz"] == [[0, 0], [1, 166_666], [2, 416_665], [3, 1_000_000]]
    assert not document["transfers_read"]


def test_worked_out_twice_or_at_once_or_after_a_death_it_is_the_same(proposed, monkeypatch):
    def rows() -> list:
        return [*Flag.objects.order_by("pk").values(), *EpochStatistics.objects.values("pk", "document", "root")]

    ChainRecipient.objects.create(
        distributor=ChainDistributor.objects.get(), account=BOB_PAY, recipient=ALICE_PAY, last_block=1
    )
    now = timezone.now()
    assert review_facts_due(now=now) == []
    EpochStatistics.objects.all().delete()
    assert review_facts_due(now=now) == [proposed.pk]

    def die(name: str) -> None:
        raise SystemExit(name)

    with monkeypatch.context() as patch:
        patch.setattr("config.failpoints.hit", die)
        with pytest.raises(SystemExit):
            review_facts_compute(epoch_id=proposed.pk, now=now)
    assert EpochStatistics.objects.count() == Flag.objects.count() == 0
    assert review_facts_compute(epoch_id=proposed.pk, now=now)
    (flag,) = Flag.objects.all()
    assert (flag.code, flag.level, flag.subjects) == ("shared_recipient", "serious", ["alice", "bob"])
    once = rows()
    assert review_facts_compute(epoch_id=proposed.pk, now=now)
    assert rows() == once


def test_evidence_that_can_not_be_read_becomes_a_note_and_is_tried_again_later(proposed, settings, tmp_path):
    EpochStatistics.objects.all().delete()
    settings.EVIDENCE_DIR = tmp_path / "nowhere"
    now = timezone.now()
    assert not review_facts_compute(epoch_id=proposed.pk, now=now)
    row = EpochStatistics.objects.get()
    assert (row.document, bool(row.note)) == (None, True)
    assert review_facts_due(now=now) == []
    assert review_facts_due(now=now + timedelta(minutes=11)) == [proposed.pk]


def test_before_it_is_put_forward_nothing_is_offered_and_nothing_can_be_approved(house, proposed):
    epoch_send_back(by=ann(), epoch=proposed, root=proposed.root, reason="Look at Bob.")
    page = treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000)
    assert (page.is_ready, page.approval) == (True, None)
    (row,) = inbox_rows(rows=desk_rows(person=ann(), now_ms=END_S * 1000), now_ms=END_S * 1000)
    assert (row.needs_decision, row.people.sent_back.text) == (False, "Look at Bob.")
    client = node()
    with pytest.raises(ApprovalRefusedError, match="Ann has sent it back: Look at Bob"):
        approve_with_local_node(client, epoch=proposed, by=somebody("treasurer"))
    client.close()
    assert EpochVerdict.objects.filter(kind="approve").count() == 0


def test_an_approval_that_the_node_refuses_leaves_no_approval_here(house, proposed):
    """The treasury's role has gone to an account whose key the node does not hold."""
    strange = "0x" + "5a" * 20
    move = calldata("transfer(address,uint256)", ("address", "uint256"), (strange, 10**9))
    house.treasury_sends(to=house.token, data=move)
    house.treasury_sends(to=house.distributor, data=calldata("offer_treasury(address)", ("address",), (strange,)))
    house.anvil.rpc("anvil_impersonateAccount", strange)
    house.anvil.rpc("anvil_setBalance", strange, hex(10**18))
    accept = {"from": strange, "to": house.distributor, "data": calldata("accept_treasury()"), "gas": hex(200_000)}
    house.anvil.mine()
    house.anvil.rpc("eth_sendTransaction", accept)
    house.anvil.mine()
    house.anvil.rpc("anvil_stopImpersonatingAccount", strange)
    with pytest.raises(ApprovalRefusedError, match="No Signer"):
        approve(house, proposed)
    assert EpochVerdict.objects.filter(kind="approve").count() == 0


def test_the_approval_is_noted_with_the_person_who_gave_it(house, proposed):
    approve(house, proposed)
    assert EpochVerdict.objects.get(kind="approve").person.username == "the treasurer"


def act(house, who: int, signature: str, types=(), values=()) -> None:
    house.anvil.send(data=calldata(signature, types, values), to=house.distributor, sender=who)
    house.anvil.mine()
    poke(house)


def test_an_approval_on_the_chain_that_nobody_put_forward_here_is_an_alarm_until_it_is_vetoed(house, proposed):
    def alarms() -> list[str]:
        rows = Alarm.objects.filter(code="unreviewed_approval", cleared_at=None)
        return list(rows.values_list("message", flat=True))

    assert alarms() == []
    epoch_send_back(by=ann(), epoch=proposed, root=proposed.root, reason="Not yet.")
    allow = calldata("approve(address,uint256)", ("address", "uint256"), (house.distributor, 10**9))
    house.treasury_sends(to=house.token, data=allow)
    digest = bytes.fromhex(proposed.digest[2:])
    house.treasury_sends(
        to=house.distributor, data=calldata("approve(uint256,bytes32)", ("uint256", "bytes32"), (1, digest))
    )
    house.anvil.mine()
    poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.APPROVED
    (message,) = alarms()
    assert "Epoch 1 was approved on the chain without having been put forward here" in message
    act(house, GUARDIAN, "veto(uint256,string)", ("uint256", "string"), (1, "not ours"))
    assert alarms() == []


def test_it_stays_an_alarm_while_it_pays_and_is_none_where_it_was_put_forward(house, proposed):
    approve(house, proposed)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    for _ in range(2):
        poke(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.ACTIVE
    assert not Alarm.objects.filter(code="unreviewed_approval").exists()


def test_a_scored_epoch_that_was_sent_back_is_not_proposed(house, proposed):
    Epoch.objects.filter(pk=proposed.pk).update(state=Epoch.State.SCORED)
    proposed.refresh_from_db()
    rui = somebody("reviewer", "rui@treasury.example")
    epoch_send_back(by=rui, epoch=proposed, root=proposed.root, reason="A halt is missing.")
    tasks.advance_epochs()
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.SCORED
    everybodys = Client().get(reverse("epoch", args=[house.program.slug, proposed.number])).content.decode()
    assert "It was sent back and is being looked at." in everybodys
    assert "rui@" not in everybodys
    assert "A halt is missing." not in everybodys
    treasury = Client()
    treasury.force_login(somebody("auditor"))
    page = treasury.get(reverse("treasury-epoch", args=[house.program.slug, proposed.number])).content.decode()
    assert f"Sent back by number {rui.pk}" in page
    assert "A halt is missing." in page


def test_what_another_worker_has_done_meanwhile_is_not_worked_out_again(proposed, monkeypatch):
    EpochStatistics.objects.all().delete()
    times = []

    @contextmanager
    def after_another(name: str) -> Iterator[bool]:
        review_facts_compute(epoch_id=proposed.pk, now=timezone.now())
        yield True

    monkeypatch.setattr(tasks, "try_lock", after_another)
    monkeypatch.setattr(tasks, "review_facts_compute", lambda **given: times.append(given))
    tasks.review_epochs()
    assert EpochStatistics.objects.count() == 1
    assert times == []


def test_a_shared_recipient_has_to_be_judged_before_the_epoch_goes_on(house, proposed):
    """The chain says that Bob's claims go to Alice's account: both are then looked at, and neither is paid less."""
    EpochStatistics.objects.all().delete()
    ChainRecipient.objects.create(
        distributor=ChainDistributor.objects.get(), account=BOB_PAY, recipient=ALICE_LP, last_block=1
    )
    tasks.review_epochs()
    assert "go to the same recipient" in Flag.objects.get().sentence
    before = treasury_epoch(epoch_id=proposed.pk, now_ms=0).recipients
    epoch_send_back(by=ann(), epoch=proposed, root=proposed.root, reason="See the flag.")
    epoch_lift(by=somebody("treasurer"), epoch=proposed, root=proposed.root, reason="Looked at together.")
    with pytest.raises(ReviewRefusedError, match="serious flag"):
        epoch_put_forward(by=ann(), epoch=proposed, root=proposed.root)
    put_forward(proposed)
    assert treasury_epoch(epoch_id=proposed.pk, now_ms=0).recipients == before


@pytest.fixture
def moved(house):
    """The indexer follows the reward token, and Alice's account sends 700 of it to Bob's address."""
    contract_watch(address=house.token, start_block=house.exchange.start_block)
    send = calldata("transfer(address,uint256)", ("address", "uint256"), (ALICE_PAY, 1_000))
    house.treasury_sends(to=house.token, data=send)
    house.anvil.rpc("anvil_impersonateAccount", ALICE_PAY)
    house.anvil.rpc("anvil_setBalance", ALICE_PAY, hex(10**18))
    house.anvil.mine()
    for receiver, amount in ((BOB, 700), ("0x" + "9" * 40, 300)):
        data = calldata("transfer(address,uint256)", ("address", "uint256"), (receiver, amount))
        house.anvil.rpc(
            "eth_sendTransaction", {"from": ALICE_PAY, "to": house.token, "data": data, "gas": hex(100_000)}
        )
    house.anvil.mine()
    house.anvil.rpc("anvil_stopImpersonatingAccount", ALICE_PAY)


def test_where_the_token_is_followed_what_went_between_two_makers_is_a_flag(moved, house, proposed):
    flag = Flag.objects.get(code="token_transfers")
    assert (flag.level, flag.subjects) == ("serious", ["alice", "bob"])
    assert flag.figures == {"transfers": 1, "amount": "700"}
    assert (flag.evidence[0]["from"], flag.evidence[0]["to"]) == (ALICE_PAY, BOB)
    assert EpochStatistics.objects.get().document["transfers_read"]
