"""Who can dispute what, until when, and how it ends; what the database itself refuses; what can't be attached."""

import hashlib

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import NotPermittedError
from accounts.models import Maker
from rewards.errors import CorrectionRefusedError, DisputeRefusedError, FileRefusedError, NotAllowedError
from rewards.models import Correction, Dispute, DisputeFile, DisputeMessage, Epoch, EpochRevision
from rewards.selectors.review_window import review_window
from rewards.services.attachments import MOST_BYTES, MOST_FILES, file_checked
from rewards.services.corrections import correction_confirm, correction_enter, correction_withdraw
from rewards.services.disputes import dispute_attach, dispute_decide, dispute_open, dispute_say, dispute_withdraw
from tests.pages.dispute_rows import make_correction, make_dispute, member_of, somebody
from tests.pages.factories import Scene, scene

STATE, DECISION = Dispute.State, Dispute.State
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def stage(db) -> Scene:
    """The second epoch waits for the treasury; it can be disputed for an hour after its end."""
    made = scene()
    Epoch.objects.filter(pk=made.waiting.pk).update(review_until_ms=made.waiting.end_ms + 3_600_000)
    made.waiting.refresh_from_db()
    return made


def opened(stage: Scene, **changes) -> Dispute:
    epoch = stage.waiting
    fields = {
        "by": member_of("aurora"), "epoch": epoch, "maker": Maker.objects.get(slug="aurora"), "market": "AAPL-PERP",
        "from_ms": epoch.start_ms, "to_ms": epoch.start_ms + 1, "kind": Dispute.Kind.HALT, "text": "A halt is missing.",
        "now_ms": epoch.end_ms,
    }  # fmt: skip
    return dispute_open(**fields | changes)


def test_a_maker_disputes_until_the_window_ends_and_is_then_told_whom_to_write_to(stage, settings):
    settings.DISPUTE_CONTACT = "rewards@lamplight.example"
    until_ms = stage.waiting.review_until_ms
    assert opened(stage, now_ms=until_ms - 1).state == STATE.OPEN
    with pytest.raises(DisputeRefusedError, match=r"has ended.*write to rewards@lamplight\.example"):
        opened(stage, now_ms=until_ms)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"market": "DOGE-PERP"}, "no market of epoch 2"),
        ({"from_ms": 0}, "lie inside the epoch"),
        ({"to_ms": 2**62}, "lie inside the epoch"),
        ({"from_ms": 2**40, "to_ms": 2**40}, "lie inside the epoch"),
        ({"text": " \0 "}, "write a sentence"),
        ({"text": "x" * 5_001}, "longer than 5,000"),
    ],
)
def test_a_dispute_that_points_nowhere_or_says_nothing_is_refused(stage, changes, says):
    with pytest.raises(DisputeRefusedError, match=says):
        opened(stage, **changes)
    assert not Dispute.objects.exists()


def test_a_maker_disputes_for_itself_and_only_epochs_it_took_part_in(stage):
    with pytest.raises(NotAllowedError, match="members of Aurora"):
        opened(stage, by=member_of("meridian"))
    late = Maker.objects.create(slug="late", name="Late Riser")
    with pytest.raises(DisputeRefusedError, match="took no part"):
        opened(stage, by=member_of("late"), maker=late)
    with pytest.raises(DisputeRefusedError, match="no result to dispute yet"):
        opened(stage, epoch=stage.live)


def test_an_open_dispute_holds_the_epoch_back_until_it_is_closed(stage):
    epoch, later_ms = stage.waiting, stage.waiting.review_until_ms
    assert review_window(epoch=epoch, now_ms=later_ms - 1).sentence == "Makers can still dispute the result."
    assert not review_window(epoch=epoch, now_ms=later_ms).holds
    dispute = opened(stage)
    assert review_window(epoch=epoch, now_ms=later_ms).sentence == "1 dispute waits for a decision."
    dispute_withdraw(by=member_of("aurora"), dispute=dispute)
    assert not review_window(epoch=epoch, now_ms=later_ms).holds


def test_a_dispute_of_an_epoch_that_pays_nobody_holds_back_the_one_after_it(stage):
    """Its tree continues the other's, which scoring again may change."""
    for state in ("vetoed", "live", "empty"):
        Epoch.objects.filter(pk=stage.waiting.pk).update(state=state)
    assert not review_window(epoch=stage.live, now_ms=2**60).holds
    opened(stage)
    assert review_window(epoch=stage.live, now_ms=2**60).open_disputes == 1


def test_a_treasurer_decides_once_with_a_reason_and_nobody_else(stage):
    dispute = opened(stage)
    treasurer = somebody("tess", "treasurer")
    with pytest.raises(NotPermittedError):
        dispute_decide(by=somebody("rex", "reviewer"), dispute=dispute, decision=DECISION.REFUSED, reason="No.")
    with pytest.raises(DisputeRefusedError, match="write a sentence"):
        dispute_decide(by=treasurer, dispute=dispute, decision=DECISION.REFUSED, reason="  ")
    for odd in (DECISION.OPEN, DECISION.WITHDRAWN):
        with pytest.raises(DisputeRefusedError, match="a decision is"):
            dispute_decide(by=treasurer, dispute=dispute, decision=odd, reason="Hm.")
    dispute_decide(by=treasurer, dispute=dispute, decision=DECISION.REFUSED, reason="There was no halt.")
    for again in (
        lambda: dispute_decide(by=treasurer, dispute=dispute, decision=DECISION.NO_EFFECT, reason="Well."),
        lambda: dispute_withdraw(by=member_of("aurora"), dispute=dispute),
        lambda: dispute_say(by=treasurer, dispute=dispute, text="One more thing."),
        lambda: dispute_attach(by=treasurer, dispute=dispute, file=file_checked(name="a.txt", content=b"a")),
    ):
        with pytest.raises(DisputeRefusedError, match="it is closed"):
            again()


def test_upheld_needs_a_correction_that_two_people_have_seen(stage):
    dispute, treasurer, reviewer = opened(stage), somebody("tess", "treasurer"), somebody("rex", "reviewer")

    def uphold() -> Dispute:
        return dispute_decide(by=treasurer, dispute=dispute, decision=DECISION.UPHELD, reason="Right.")

    with pytest.raises(DisputeRefusedError, match="enter a correction"):
        uphold()
    entered = correction_enter(
        by=treasurer, epoch=stage.waiting, kind="data", given={}, reason="Read again.", dispute=dispute
    )
    with pytest.raises(DisputeRefusedError, match="waits for a second person"):
        uphold()
    with pytest.raises(CorrectionRefusedError, match="a second person has to"):
        correction_confirm(by=treasurer, correction=entered)
    correction_confirm(by=reviewer, correction=entered)
    assert uphold().state == DECISION.UPHELD
    with pytest.raises(CorrectionRefusedError, match="past that"):
        correction_withdraw(by=reviewer, correction=entered)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("link", {}, "name 1 to 50 addresses"),
        ("link", {"addresses": "0x12"}, "0x12 is no address"),
        ("link", {"addresses": "0x" + "ab" * 20, "maker": "nobody-here"}, "no maker called nobody-here"),
        ("link", {"addresses": "0x" + "ab" * 20, "maker": "poor"}, "no payout account"),
        ("bribe", {}, "bribe is no kind"),
        ("data", {"reason": ""}, "say why"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(stage, kind, fields, says):
    Maker.objects.create(slug="poor", name="Poor")
    reason = fields.get("reason", "Because.")
    with pytest.raises(CorrectionRefusedError, match=says):
        correction_enter(by=somebody("tess", "treasurer"), epoch=stage.waiting, kind=kind, given=fields, reason=reason)


def test_a_paying_epoch_is_not_corrected_and_the_refusal_says_what_remains(stage):
    with pytest.raises(CorrectionRefusedError, match="in a later epoch, by the treasury's decision"):
        correction_enter(by=somebody("tess", "treasurer"), epoch=stage.paying, kind="data", given={}, reason="Oh.")


def refused(sql: str, *values: object, says: str) -> None:
    with pytest.raises(DatabaseError, match=says), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_what_was_filed_said_attached_or_replaced_can_not_be_changed_by_any_sql(stage):
    dispute = make_dispute(stage.waiting)
    EpochRevision.objects.create(epoch=stage.waiting, number=1, because="Once.", result={})
    for change in ("text = 'else'", "market = 'TSLA-PERP'", "opened_by_id = closed_by_id", "from_ms = from_ms - 1"):
        refused(f"UPDATE rewards_dispute SET {change}", says="can't be changed")
    for table in ("rewards_disputefile", "rewards_disputemessage", "rewards_epochrevision"):
        refused(f"DELETE FROM {table}", says="kept as it was written")
        refused(f"UPDATE {table} SET id = id", says="kept as it was written")
    refused("DELETE FROM rewards_dispute", says="can't be deleted")
    dispute_decide(by=somebody("tess", "treasurer"), dispute=dispute, decision=DECISION.REFUSED, reason="No.")
    refused("UPDATE rewards_dispute SET state = 'open', closed_by_id = NULL, closed_at = NULL", says="is refused")
    refused("UPDATE rewards_dispute SET reason = 'Yes.'", says="is refused")
    for model in (DisputeMessage, DisputeFile):
        row = model.objects.values().get()
        columns = {name: value for name, value in row.items() if name != "id"}
        columns |= {"sha256": "0" * 64} if model is DisputeFile else {}
        with pytest.raises(DatabaseError, match="nothing can be added"), transaction.atomic():
            model.objects.create(**columns)


def test_four_eyes_and_the_states_of_a_correction_are_held_by_the_database(stage):
    row = make_correction(stage.waiting)
    update = "UPDATE rewards_correction SET "
    refused(update + "state = 'applied'", says="can't become applied|four_eyes|somebody")
    refused(update + "state = 'confirmed'", says="correction_confirmed_by_somebody")
    same = "state = 'confirmed', confirmed_by_id = entered_by_id, confirmed_at = now()"
    refused(update + same, says="correction_four_eyes")
    for change in ("data = '{}'", "reason = 'else'", "kind = 'data'", "entered_by_id = entered_by_id + 1"):
        refused(update + change, says="can't be changed")
    correction_confirm(by=somebody("tess", "treasurer"), correction=row)
    refused(update + "state = 'applied'", says="correction_applied_replaced_something")
    refused(update + "state = 'entered'", says="can't become entered")
    refused(update + "state = 'too_late', confirmed_by_id = entered_by_id", says="Who confirmed|four_eyes")
    refused("DELETE FROM rewards_correction", says="can't be deleted")
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.create(epoch=stage.waiting, kind="data", reason="", entered_by=somebody("tess", "treasurer"))


def test_no_row_begins_as_confirmed_or_decided_whichever_program_writes_it(stage):
    tess, rea = somebody("tess", "treasurer"), somebody("rea", "reviewer")
    now = timezone.now()
    with pytest.raises(DatabaseError, match="entered first and confirmed later"), transaction.atomic():
        Correction.objects.create(
            epoch=stage.waiting, kind="data", reason="Oh.", entered_by=tess, state="confirmed", confirmed_by=rea,
            confirmed_at=now,
        )  # fmt: skip
    row = make_dispute(stage.waiting)
    row.pk, row.state, row.reason, row.closed_by, row.closed_at = None, "refused", "No.", tess, now
    with pytest.raises(DatabaseError, match="opened first and closed later"), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("page.html", b"<script>", "files that end in"),
        ("picture.svg", b"<svg onload=alert(1)>", "files that end in"),
        ("42.zip", b"PK\x03\x04", "no archives"),
        ("bundle.tar.gz", b"\x1f\x8b", "no archives"),
        ("noending", b"x", "files that end in"),
        ("empty.txt", b"", "it is empty"),
        ("huge.csv", b"1" * (MOST_BYTES + 1), "larger than 1 MiB"),
        ("page.png", b"<html>", "not what a file ending in png"),
        ("42.txt", b"PK\x03\x04\x00\x00", "not what a file ending in txt"),
        ("latin.txt", b"\xe9\xff", "not what a file ending in txt"),
        ("program.pdf", b"MZ\x90", "not what a file ending in pdf"),
    ],
)
def test_rubbish_is_not_attached(name, content, says):
    with pytest.raises(FileRefusedError, match=says):
        file_checked(name=name, content=content)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\windows\\system.txt", "system.txt"),
        ('a"; filename="evil.html\r\nX: y.txt', "a___filename__evil.html__X__y.txt"),
        ("....txt", "txt.txt"),
        ("Kurse März.csv", "Kurse_M_rz.csv"),
        ("page.html.png", "page.html.png"),
        ("n" * 300 + ".csv", "n" * 96 + ".csv"),
    ],
)
def test_a_name_of_any_kind_becomes_one_that_harms_nobody(name, kept):
    content = PNG if name.endswith("png") else b"a,b\n"
    if kept == "txt.txt":  # nothing is left before the ending
        with pytest.raises(FileRefusedError):
            file_checked(name=name, content=content)
        return
    assert file_checked(name=name, content=content).name == kept


@given(name=st.text(max_size=200), content=st.binary(max_size=64))
def test_whatever_is_attached_has_a_plain_name_and_the_right_hash(name, content):
    try:
        kept = file_checked(name=name + ".txt", content=content)
    except FileRefusedError as error:
        assert str(error).endswith(".")  # noqa: PT017 - most of what is made up is refused, each time with a sentence
        return
    assert set(kept.name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not kept.name.startswith((".", "-"))
    assert len(kept.name) <= 100
    assert (kept.content, kept.sha256) == (content, hashlib.sha256(content).hexdigest())


def test_the_same_bytes_are_kept_once_and_more_than_ten_files_are_not_taken(stage):
    dispute, by = opened(stage), member_of("aurora")
    for number in [0, 0, *range(MOST_FILES)]:
        dispute_attach(by=by, dispute=dispute, file=file_checked(name="a.txt", content=str(number).encode()))
    assert dispute.files.count() == MOST_FILES
    with pytest.raises(DisputeRefusedError, match="10 files are attached already"):
        dispute_attach(by=by, dispute=dispute, file=file_checked(name="a.txt", content=b"one more"))
