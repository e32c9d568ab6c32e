"""What the database itself refuses, whichever program or person asks: changed terms, skipped states, rewritten pay."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import Maker, PayoutAccount, PayoutPlan, User
from accounts.services import maker_payouts_set
from rewards.models import (
    Allocation,
    CheckWaiver,
    Entitlement,
    Epoch,
    EpochSession,
    EvidenceHead,
    Program,
    Withholding,
)

pytestmark = pytest.mark.django_db
STATE = Epoch.State


@pytest.fixture
def epoch() -> Epoch:
    program = Program.objects.create(
        slug="perps", name="Perps", chain_id=1, distributor="0x" + "d" * 40, token="0x" + "7" * 40, token_symbol="LAMP"
    )
    epoch = Epoch.objects.create(
        program=program, number=1, start_ms=0, end_ms=1000, terms_json="{}", terms_sha256="0" * 64, budget=5
    )
    EpochSession.objects.create(epoch=epoch, start_ms=0, end_ms=1000, kind="regular")
    return epoch


def put(epoch: Epoch, *states: str) -> None:
    for state in states:
        Epoch.objects.filter(pk=epoch.pk).update(state=state)


def refused(message: str):
    return pytest.raises(DatabaseError, match=message)


@pytest.mark.parametrize(
    "change", [{"terms_json": "[]"}, {"budget": 6}, {"end_ms": 2000}, {"start_ms": -1}, {"number": 2}], ids=str
)
def test_terms_change_until_the_epoch_begins_and_never_after(epoch, change):
    with transaction.atomic():
        Epoch.objects.filter(pk=epoch.pk).update(**change)
        transaction.set_rollback(True)
    put(epoch, STATE.LIVE)
    with refused("has begun; its terms can't be changed"), transaction.atomic():
        Epoch.objects.filter(pk=epoch.pk).update(**change)
    with refused("terms can't be changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_epoch SET terms_json = '[]' WHERE id = %s", [epoch.pk])


def test_sessions_are_fixed_once_the_epoch_has_begun(epoch):
    put(epoch, STATE.LIVE)
    for attempt in (lambda: EpochSession.objects.update(kind="weekend"), lambda: EpochSession.objects.all().delete()):
        with refused("epoch that is live can't be changed"), transaction.atomic():
            attempt()


def test_an_epoch_that_has_begun_can_not_be_deleted(epoch):
    put(epoch, STATE.LIVE)
    with refused("it can't be deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM rewards_epoch WHERE id = %s", [epoch.pk])


@pytest.mark.parametrize(
    ("way", "next_state"),
    [
        ((), STATE.SCORED),
        ((), STATE.ACTIVE),
        ((STATE.LIVE,), STATE.ACTIVE),
        ((STATE.LIVE,), STATE.SCHEDULED),
        ((STATE.LIVE, STATE.EMPTY), STATE.PROPOSED),
        ((STATE.LIVE, STATE.SCORED, STATE.PROPOSED), STATE.LIVE),
        ((STATE.LIVE, STATE.SCORED, STATE.PROPOSED, STATE.APPROVED, STATE.ACTIVE), STATE.LIVE),
        ((STATE.LIVE, STATE.SCORED, STATE.PROPOSED, STATE.APPROVED, STATE.ACTIVE), STATE.VETOED),
    ],
)
def test_an_epoch_takes_no_state_that_does_not_follow(epoch, way, next_state):
    put(epoch, *way)
    with refused("it can't become"), transaction.atomic():
        put(epoch, next_state)


def test_an_epoch_goes_the_whole_way_and_back_over_a_veto(epoch):
    put(epoch, STATE.LIVE, STATE.SCORED, STATE.PROPOSED, STATE.VETOED, STATE.LIVE, STATE.SCORED, STATE.PROPOSED)
    put(epoch, STATE.APPROVED, STATE.ACTIVE)
    epoch.refresh_from_db()
    assert epoch.state == STATE.ACTIVE


def test_what_was_scored_can_not_be_rewritten(epoch):
    put(epoch, STATE.LIVE)
    Allocation.objects.create(epoch=epoch, market="A", maker="m", quoting=1, fills=0, stress=0, payout=1)
    Entitlement.objects.create(
        epoch=epoch, account="0x" + "1" * 40, token="0x" + "7" * 40, cumulative=1, increment=1, proof=[]
    )
    put(epoch, STATE.SCORED)
    for attempt in (
        lambda: Allocation.objects.update(payout=2),
        lambda: Entitlement.objects.update(cumulative=2),
        lambda: Entitlement.objects.all().delete(),
    ):
        with refused("epoch that is scored can't be changed"), transaction.atomic():
            attempt()


def test_a_scored_epoch_gets_no_more_rows_neither_new_ones_nor_those_of_another(epoch):
    later = Epoch.objects.create(
        program=epoch.program, number=2, start_ms=1000, end_ms=2000, terms_json="{}", terms_sha256="0" * 64, budget=5
    )
    put(epoch, STATE.LIVE, STATE.SCORED)
    put(later, STATE.LIVE)
    row = {"market": "A", "maker": "m", "quoting": 1, "fills": 0, "stress": 0, "payout": 1}
    Allocation.objects.create(epoch=later, **row)
    for attempt in (
        lambda: Allocation.objects.create(epoch=epoch, **row),
        lambda: Allocation.objects.update(epoch=epoch),
    ):
        with refused("rewards_allocation of an epoch that is scored can't be added to"), transaction.atomic():
            attempt()


def test_a_payout_plan_is_replaced_and_never_rewritten_and_its_accounts_stay():
    maker = Maker.objects.create(slug="ann", name="Ann")
    plan = maker_payouts_set(
        by=User.objects.create(username="olga", role="operator"),
        maker=maker, shares=[("0x" + "a" * 40, 1_000_000)], since_ms=0,
    )  # fmt: skip
    plans, accounts = PayoutPlan.objects.filter(pk=plan.pk), PayoutAccount.objects.filter(plan=plan)
    for attempt in (
        lambda: plans.update(since_ms=5),
        lambda: plans.delete(),
        lambda: accounts.update(account="0x" + "e" * 40),
        lambda: accounts.update(share_ppm=1),
    ):
        with refused("is kept as it was written"), transaction.atomic():
            attempt()
    plans.update(replaced_at=timezone.now())
    with refused("that can't be undone"), transaction.atomic():
        plans.update(replaced_at=None)


def test_a_decision_about_an_epochs_money_stays_and_the_head_that_its_evidence_names(epoch):
    CheckWaiver.objects.create(epoch=epoch, code="outliers", root="0x" + "1" * 64, reason="Alone.", given_by="rui")
    Withholding.objects.create(epoch=epoch, maker="ann", account="0x" + "7" * 40, reason="By law.", decided_by="tess")
    EvidenceHead.objects.create(epoch=epoch, content="0x" + "2" * 64, sequence=1, hash="0x" + "3" * 64)
    for model, message, change in (
        (CheckWaiver, "is kept; its reason", {"root": "0x" + "9" * 64}),
        (Withholding, "is kept; its reason", {"maker": "bob"}),
        (EvidenceHead, "is kept as it was written", {"sequence": 2}),
    ):
        for attempt in (lambda m=model, c=change: m.objects.update(**c), lambda m=model: m.objects.all().delete()):
            with refused(message), transaction.atomic():
                attempt()
