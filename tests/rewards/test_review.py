"""Four eyes on an epoch: what people may decide, in what order, and what the database itself refuses."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.errors import NotPermittedError
from rewards.errors import ReviewRefusedError
from rewards.models import Epoch, EpochStatistics, EpochVerdict, Flag, Program
from rewards.selectors.review import approval_hindrance, flag_rows, put_forward_hindrance, review_state
from rewards.services.review import (
    epoch_approve,
    epoch_comment,
    epoch_lift,
    epoch_put_forward,
    epoch_send_back,
    flag_judge,
)
from tests.reviewing import ann, somebody

pytestmark = pytest.mark.django_db
ROOT, OTHER_ROOT = "0x" + "a" * 64, "0x" + "b" * 64
EVIDENCE = "0x" + "e" * 64


def make_epoch(**changes: object) -> Epoch:
    program, _ = Program.objects.get_or_create(
        slug="perps",
        defaults={"name": "Perps", "chain_id": 1, "distributor": "0x" + "d" * 40, "token": "0x" + "7" * 40},
    )
    fields = {"state": "proposed", "root": ROOT, "manifest_hash": EVIDENCE, "budget": 5, "number": 4} | changes
    epoch = Epoch.objects.create(
        program=program, start_ms=0, end_ms=1000, terms_json="{}", terms_sha256="0" * 64, **fields
    )
    EpochStatistics.objects.create(epoch=epoch, root=epoch.root, manifest_hash=epoch.manifest_hash, document={})
    return epoch


@pytest.fixture
def epoch() -> Epoch:
    return make_epoch()


def make_flag(epoch: Epoch, *, level: str = "serious", **changes: object) -> Flag:
    fields = {"manifest_hash": epoch.manifest_hash, "code": "own_fills", "key": "M|ann"} | changes
    return Flag.objects.create(
        epoch=epoch, root=epoch.root, level=level, subjects=["ann"], figures={"fills": 20}, sentence="20 fills.",
        evidence=[{"block": 1}], **fields,
    )  # fmt: skip


def tess():
    return somebody("treasurer", "tess")


def forward(epoch: Epoch, by=None) -> EpochVerdict:
    return epoch_put_forward(by=by or ann(), epoch=epoch, root=epoch.root)


# --- the way --------------------------------------------------------------------------------------------------------


def test_a_reviewer_puts_forward_and_a_treasurer_approves_what_is_then_theirs(epoch):
    assert "nobody has put it forward" in approval_hindrance(epoch=epoch)
    forward(epoch)
    assert approval_hindrance(epoch=epoch, person_id=tess().pk) is None
    first = epoch_approve(by=tess(), epoch=epoch)
    assert epoch_approve(by=tess(), epoch=epoch) == first
    state = review_state(epoch=epoch)
    assert (state.put_forward.person, [said.person for said in state.approvals]) == ("Ann", ["tess"])


def test_a_treasurer_who_puts_forward_leaves_the_approval_to_another(epoch):
    forward(epoch, tess())
    with pytest.raises(ReviewRefusedError, match="you have put it forward yourself"):
        epoch_approve(by=tess(), epoch=epoch)
    epoch_approve(by=somebody("treasurer", "theo"), epoch=epoch)


def test_an_epoch_is_put_forward_once(epoch):
    forward(epoch)
    with pytest.raises(ReviewRefusedError, match="Ann has put it forward already"):
        forward(epoch, tess())


def test_what_was_looked_at_is_what_counts(epoch):
    with pytest.raises(ReviewRefusedError, match="scored again since you opened the page"):
        epoch_put_forward(by=ann(), epoch=epoch, root=OTHER_ROOT)


@pytest.mark.parametrize("state", sorted(set(Epoch.State.values) - {"proposed"}))
def test_only_what_is_proposed_is_put_forward(state):
    with pytest.raises(ReviewRefusedError, match="does not wait for the treasury"):
        forward(make_epoch(state=state))


def test_a_send_back_stops_the_approval_until_somebody_else_lifts_it_and_it_is_put_forward_anew(epoch):
    forward(epoch)
    epoch_send_back(by=tess(), epoch=epoch, root=ROOT, reason="Tuesday's halt is missing.")
    assert "tess has sent it back: Tuesday's halt is missing." in approval_hindrance(epoch=epoch)
    for attempt in (lambda: epoch_approve(by=somebody("treasurer", "theo"), epoch=epoch), lambda: forward(epoch)):
        with pytest.raises(ReviewRefusedError, match="sent it back"):
            attempt()
    with pytest.raises(ReviewRefusedError, match="another person has to lift that"):
        epoch_lift(by=tess(), epoch=epoch, root=ROOT, reason="I was wrong.")
    epoch_lift(by=ann(), epoch=epoch, root=ROOT, reason="The halt was on Monday, and it is in.")
    assert "nobody has put it forward" in approval_hindrance(epoch=epoch)
    forward(epoch)
    epoch_approve(by=tess(), epoch=epoch)
    assert [said.kind for said in review_state(epoch=epoch).past] == [
        "put_forward", "send_back", "lift", "put_forward", "approve",
    ]  # fmt: skip


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 4_001])
def test_a_send_back_says_in_so_many_words_what_is_to_be_done(epoch, reason):
    with pytest.raises(ReviewRefusedError, match=r"what is to be done|4000 fit"):
        epoch_send_back(by=ann(), epoch=epoch, root=ROOT, reason=reason)


def test_what_the_chain_has_approved_is_the_guardians_to_stop():
    with pytest.raises(ReviewRefusedError, match="only the guardian can stop it"):
        epoch_send_back(by=ann(), epoch=make_epoch(state="approved"), root=ROOT, reason="Stop.")


def test_scored_again_to_another_root_everything_begins_anew(epoch):
    forward(epoch)
    epoch_send_back(by=ann(), epoch=epoch, root=ROOT, reason="A wrong link.")
    Epoch.objects.filter(pk=epoch.pk).update(root=OTHER_ROOT, manifest_hash="0x" + "f" * 64)
    epoch.refresh_from_db()
    state = review_state(epoch=epoch)
    assert (state.sent_back, state.put_forward, len(state.past)) == (None, None, 2)
    assert "still being worked out" in put_forward_hindrance(epoch=epoch)


def test_a_comment_stays_and_has_a_text(epoch):
    assert epoch_comment(by=somebody("guardian"), epoch=epoch, text=" Looks right. ").text == "Looks right."
    with pytest.raises(ReviewRefusedError):
        epoch_comment(by=ann(), epoch=epoch, text="  ")


def test_who_can_not_be_named_decides_nothing(epoch):
    from accounts.models import User

    with pytest.raises(NotPermittedError):
        epoch_put_forward(by=User(role="reviewer"), epoch=epoch, root=ROOT)


# --- flags ----------------------------------------------------------------------------------------------------------


def test_a_serious_flag_waits_for_a_persons_word_and_a_note_does_not(epoch):
    make_flag(epoch, level="note", key="M|ben")
    serious = make_flag(epoch)
    with pytest.raises(ReviewRefusedError, match="one serious flag waits for a person’s word, first: Trades with"):
        forward(epoch)
    flag_judge(by=ann(), flag=serious, verdict="harmless", why="Two desks met by accident.")
    forward(epoch)


def test_a_flag_that_is_to_be_put_right_holds_until_somebody_says_otherwise(epoch):
    flag = make_flag(epoch)
    flag_judge(by=ann(), flag=flag, verdict="act", why="The two are one firm.")
    with pytest.raises(ReviewRefusedError, match="Ann wants this put right first"):
        forward(epoch)
    flag_judge(by=tess(), flag=flag, verdict="watch", why="They are linked from the next epoch on.")
    forward(epoch)
    (row,) = flag_rows(epoch=epoch)
    assert [said.kind for said in row.verdicts] == ["act", "watch"]


def test_a_flag_that_somebody_wants_put_right_stops_an_epoch_that_is_put_forward_already(epoch):
    flag = make_flag(epoch, level="note")
    forward(epoch)
    flag_judge(by=tess(), flag=flag, verdict="act", why="The accounts are one firm's.")
    assert approval_hindrance(epoch=epoch) == "tess wants this put right first: Trades with itself"
    with pytest.raises(ReviewRefusedError, match="wants this put right first"):
        epoch_approve(by=somebody("treasurer", "theo"), epoch=epoch)
    flag_judge(by=ann(), flag=flag, verdict="harmless", why="They are not.")
    epoch_approve(by=tess(), epoch=epoch)


@pytest.mark.parametrize(("verdict", "why"), [("nonsense", "x"), ("harmless", " ")])
def test_a_word_on_a_flag_is_one_of_three_and_has_a_reason(epoch, verdict, why):
    with pytest.raises(ReviewRefusedError):
        flag_judge(by=ann(), flag=make_flag(epoch), verdict=verdict, why=why)


def test_flags_of_an_earlier_evidence_hold_nothing_up(epoch):
    make_flag(epoch, manifest_hash="0x" + "f" * 64)
    assert forward(epoch).root == epoch.root


def test_without_its_flags_worked_out_nothing_is_put_forward(epoch):
    EpochStatistics.objects.update(
        document=None, note="The disk is gone.", retry_at=timezone.now() + timedelta(hours=1)
    )
    with pytest.raises(ReviewRefusedError, match="flags are still being worked out"):
        forward(epoch)


# --- what the database itself refuses -------------------------------------------------------------------------------

INSERT = (
    "INSERT INTO rewards_epochverdict (epoch_id, root, manifest_hash, person_id, kind, reason, at)"
    " VALUES (%s, %s, %s, %s, %s, %s, now())"
)


def insert(epoch: Epoch, person, kind: str, *, root: str = ROOT, reason: str = "why") -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [epoch.pk, root, epoch.manifest_hash, person.pk, kind, reason])


def refused(message: str):
    return pytest.raises(DatabaseError, match=message)


def test_the_database_takes_no_approval_from_whoever_put_forward(epoch):
    insert(epoch, tess(), "put_forward")
    with refused("the same person has put it forward"):
        insert(epoch, tess(), "approve")
    insert(epoch, ann(), "approve")
    with refused("approves_once_a_person"):
        insert(epoch, ann(), "approve")


def test_nor_does_a_send_back_and_a_lift_in_between_make_the_same_person_two(epoch):
    """Tess put it forward, Ann sent it back, Tess lifted that, Ann put it forward: neither has seen it as a second."""
    for person, kind in ((tess(), "put_forward"), (ann(), "send_back"), (tess(), "lift"), (ann(), "put_forward")):
        insert(epoch, person, kind)
    for person in (tess(), ann()):
        with refused("the same person has put it forward"):
            insert(epoch, person, "approve")


def test_nor_can_whoever_approved_put_it_forward_later(epoch):
    for person, kind in ((ann(), "put_forward"), (tess(), "approve"), (ann(), "send_back"), (tess(), "lift")):
        insert(epoch, person, kind)
    with refused("the same person has approved it"):
        insert(epoch, tess(), "put_forward")


@pytest.mark.parametrize(
    ("before", "kind", "message"),
    [
        ([], "approve", "nobody has put it forward"),
        ([], "lift", "it was not sent back"),
        (["put_forward", "send_back"], "approve", "nobody has put it forward"),
        (["send_back"], "put_forward", "it was sent back"),
        (["send_back"], "send_back", "it was sent back already"),
        (["send_back"], "lift", "the same person has sent it back"),
        (["put_forward"], "put_forward", "it is put forward already"),
        ([], "nonsense", "verdict_kind_known"),
    ],
)
def test_the_database_takes_no_verdict_that_does_not_follow(epoch, before, kind, message):
    for each in before:
        insert(epoch, ann(), each)
    with refused(message):
        insert(epoch, ann(), kind)


def test_the_database_takes_no_verdict_about_another_root_and_none_without_its_reason(epoch):
    with refused("scored again"):
        insert(epoch, ann(), "put_forward", root=OTHER_ROOT)
    with refused("verdict_against_has_a_reason"):
        insert(epoch, ann(), "send_back", reason="")


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_what_people_said_and_what_was_flagged_can_not_be_changed_or_taken_away(epoch, statement):
    flag = make_flag(epoch)
    flag_judge(by=ann(), flag=flag, verdict="harmless", why="Looked.")
    epoch_comment(by=ann(), epoch=epoch, text="Fine.")
    forward(epoch)
    for table in ("epochverdict", "epochcomment", "flagverdict", "flag"):
        with refused("is only added to"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(f"rewards_{table}"))


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_the_same_moment_the_second_sees_the_first():
    """Ann's send-back is not committed yet when Tess puts forward: Tess waits for it, and is refused."""
    epoch, people = make_epoch(), (ann(), tess())
    said: list[str] = []

    def second() -> None:
        try:
            insert(epoch, people[1], "put_forward")
        except DatabaseError as error:
            said.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        insert(epoch, people[0], "send_back")
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
    thread.join(timeout=20)
    assert len(said) == 1
    assert "it was sent back" in said[0]
    assert EpochVerdict.objects.get().kind == "send_back"
