"""Notices of what people do: who else has to look is told once, whoever did it is not, and a dispute stays private."""

import json

import pytest

from accounts.models import User
from rewards.models import Delivery, Dispute, Notice
from rewards.selectors.notices import notices_of
from rewards.services.corrections import correction_enter
from rewards.services.disputes import dispute_decide, dispute_say
from rewards.services.notices.words import words_of
from rewards.services.review import epoch_lift, epoch_put_forward, epoch_send_back
from rewards.services.revisions import revision_keep
from tests.pages.dispute_rows import make_dispute, member_of
from tests.pages.factories import make_terms_version
from tests.reviewing import somebody
from tests.rewards.test_notices import NOW, look, stage, told

__all__ = ["stage"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _told_so_far(stage):
    """What the scene itself has for news is told."""
    member_of("aurora")
    somebody("reviewer", "rui")
    User.objects.filter(email="").update(email="somebody@people.example")
    look(stage, now=NOW)


def people(kind: str) -> set[str]:
    """Who gets mail of a kind, by role."""
    rows = Delivery.objects.filter(notice__kind=kind, person__isnull=False)
    return set(rows.values_list("person__role", flat=True))


def test_terms_that_were_handed_in_are_told_to_everybody_who_may_accept_them_but_their_author(stage):
    version = make_terms_version(stage.program)
    User.objects.filter(username="drafter").update(email="drafter@people.example")
    assert look(stage, now=NOW) == set()
    type(version).objects.filter(pk=version.pk).update(state="in_review", handed_in_at=NOW)
    assert look(stage, now=NOW) == {"terms.waiting"}
    assert look(stage, now=NOW) == set()
    assert people("terms.waiting") == {"treasurer", "reviewer"}
    assert "drafter" not in told("terms.waiting")
    words = words_of(notice=Notice.objects.get(kind="terms.waiting"))
    assert "drafter has handed in version" in words.text


def test_both_sides_of_a_dispute_are_told_and_neither_what_was_written_nor_another_maker_hears_of_it(stage):
    dispute = make_dispute(stage.waiting, text="Our secret quotes are missing.")
    assert look(stage, now=NOW) == {"dispute.opened", "dispute.answered"}
    assert people("dispute.opened") == {"maker", "treasurer", "reviewer", "operator"}
    assert "desk of aurora" not in told("dispute.opened")
    # The maker wrote: the treasury is told. The treasury writes: the maker is.
    assert people("dispute.answered") == {"treasurer", "reviewer", "operator"}
    dispute_say(by=somebody("reviewer", "rui"), dispute=dispute, text="Which orders?")
    assert look(stage, now=NOW) == {"dispute.answered"}
    answered = Notice.objects.filter(kind="dispute.answered").latest("pk")
    assert answered.maker.slug == "aurora"
    assert "The treasury has written in the dispute" in words_of(notice=answered).text

    dispute_decide(
        by=stage.people["treasurer"], dispute=dispute, decision=Dispute.State.REFUSED, reason="A secret reason."
    )
    assert look(stage, now=NOW) == {"dispute.closed"}
    assert people("dispute.closed") == {"maker", "reviewer", "operator"}
    closed = Notice.objects.get(kind="dispute.closed", maker__slug="aurora")
    assert "has ended: refused" in words_of(notice=closed).text
    every = json.dumps([notice.data for notice in Notice.objects.filter(kind__startswith="dispute.")])
    assert "secret" not in every
    assert not Notice.objects.filter(kind__startswith="dispute.", maker__slug="meridian").exists()
    others = {notice.kind for notice in notices_of(person=stage.people["other_maker"])}
    assert others
    assert not {kind for kind in others if kind.startswith("dispute.")}


def test_a_correction_is_told_to_everybody_who_may_confirm_it_but_whoever_entered_it(stage):
    correction_enter(by=stage.people["operator"], epoch=stage.waiting, kind="data", given={}, reason="Read it again.")
    assert look(stage, now=NOW) == {"correction.waiting"}
    assert people("correction.waiting") == {"treasurer", "reviewer"}


def test_an_epoch_that_is_scored_again_is_told_with_what_each_maker_had_before(stage):
    earned = {row.maker: row.payout for row in stage.waiting.allocations.filter(market="AAPL-PERP")}
    every = {}
    for row in stage.waiting.allocations.all():
        every[row.maker] = every.get(row.maker, 0) + row.payout
    revision_keep(epoch=stage.waiting, because="A halt was missing.")
    epochs = stage.program.epochs.filter(pk=stage.waiting.pk)
    for state in ("vetoed", "live"):
        epochs.update(state=state)
    stage.waiting.allocations.filter(market="AAPL-PERP", maker="aurora").update(payout=7)
    stage.waiting.allocations.filter(maker="nightowl").delete()
    epochs.update(state="scored", manifest_hash="0x" + "99" * 32, digest="")
    assert look(stage, now=NOW) >= {"epoch.rescored"}
    aurora = Notice.objects.get(kind="epoch.rescored", maker__slug="aurora")
    assert (aurora.data["earned_before"], aurora.data["earned"]) == (
        str(every["aurora"]), str(every["aurora"] - earned["aurora"] + 7),
    )  # fmt: skip
    gone = Notice.objects.get(kind="epoch.rescored", maker__slug="nightowl")
    assert (gone.data["earned_before"], gone.data["earned"]) == (str(every["nightowl"]), "0")
    assert words_of(notice=gone).text.endswith("Why: A halt was missing.")
    assert not Notice.objects.filter(kind="epoch.scored", key__contains="0x" + "99" * 32).exists()


def test_an_approval_is_asked_for_once_somebody_has_put_the_epoch_forward_and_not_of_them(stage):
    """Sent back and lifted, it is nobody's to sign; put forward again, treasurers are asked again."""
    epoch, treasurer = stage.waiting, stage.people["treasurer"]
    assert told("approval.needed") == {"treasurer"}
    epoch_send_back(by=treasurer, epoch=epoch, root=epoch.root, reason="Look at AAPL.")
    epoch_lift(by=somebody("reviewer", "rui"), epoch=epoch, root=epoch.root, reason="Looked.")
    assert look(stage, now=NOW) == set()
    other = User.objects.create_user(username="tom", role="treasurer", email="tom@people.example")
    epoch_put_forward(by=treasurer, epoch=epoch, root=epoch.root)
    assert look(stage, now=NOW) == {"approval.needed"}
    newest = Notice.objects.filter(kind="approval.needed").latest("pk")
    assert [row.person for row in newest.deliveries.all()] == [other]
