"""Pages of disputes: a maker's words reach those concerned and nobody else, and files leave as inert downloads."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rewards.models import Correction, Dispute, DisputeFile, Epoch, EpochRevision
from rewards.uploads import MOST_BYTES
from tests.pages.dispute_rows import CSV, TEXT, make_dispute, member_of, somebody
from tests.pages.factories import CLOCK, Scene, scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Scene:
    made = scene()
    Epoch.objects.filter(pk=made.waiting.pk).update(review_until_ms=CLOCK + 26 * 3_600_000)
    made.waiting.refresh_from_db()
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().replace("\xa0", " ").replace("&nbsp;", " ").split())


def form(epoch: Epoch, **changes) -> dict:
    return {
        "kind": "data", "market": "AAPL-PERP", "from_utc": "2025-11-18T14:30:00", "to_utc": "2025-11-18T15:00:00",
        "text": "Half an hour of our quotes is missing.", "refers_to": "block 4815162", **changes,
    }  # fmt: skip


def test_a_maker_goes_from_the_scorecard_to_a_dispute_that_points_at_the_place(stage):
    client = signed_in(member_of("meridian"))
    args = ["meridian", stage.program.slug, 2]
    card = text_of(client.get(reverse("scorecard", args=args)))
    assert "Makers can dispute this result until" in card
    assert "1 day 2 hours" in card
    link = card.split('href="')[1:]
    link = next(part.split('"')[0] for part in link if "/dispute/?market=" in part).replace("&amp;", "&")
    filled = text_of(client.get(link))
    assert '<option value="AAPL-PERP" selected>' in filled
    sent = client.post(
        reverse("dispute-new", args=args),
        {**form(stage.waiting), "attachments": [SimpleUploadedFile("../orders.csv", CSV)]},
    )
    dispute = Dispute.objects.get()
    assert sent.headers["Location"] == reverse("dispute", args=[dispute.pk])
    # 14:30 to 15:00 on 18 November 2025, UTC.
    assert (dispute.from_ms, dispute.to_ms) == (1_763_476_200_000, 1_763_478_000_000)
    assert (dispute.maker.slug, dispute.market, dispute.revision) == ("meridian", "AAPL-PERP", 1)
    assert [file.name for file in dispute.files.all()] == ["orders.csv"]


def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(stage):
    client = signed_in(member_of("aurora"))
    address = reverse("dispute-new", args=["aurora", stage.program.slug, 2])
    evil = SimpleUploadedFile("page.html", b"<script>alert(1)</script>")
    answer = text_of(client.post(address, {**form(stage.waiting), "attachments": [evil]}))
    assert "The file page.html was not attached: files that end in" in answer
    assert "Half an hour of our quotes is missing." in answer
    assert "lie inside the epoch" in text_of(client.post(address, form(stage.waiting, to_utc="2026-01-01T00:00:00")))
    assert not Dispute.objects.exists()
    Epoch.objects.update(review_until_ms=CLOCK)
    assert "has ended for this epoch; write to the operator" in text_of(client.post(address, form(stage.waiting)))
    assert "The time for disputes has ended" in text_of(client.get(address))


def test_an_upload_without_end_is_cut_off(stage):
    client = signed_in(member_of("aurora"))
    address = reverse("dispute-new", args=["aurora", stage.program.slug, 2])
    huge = SimpleUploadedFile("huge.txt", b"1" * (MOST_BYTES + 1))
    answer = client.post(address, {**form(stage.waiting), "attachments": [huge]})
    assert answer.status_code in (400, 413)
    assert not Dispute.objects.exists()


def test_a_message_with_more_files_than_are_taken_is_kept_not_even_in_part(stage):
    dispute = make_dispute(stage.waiting)
    files = [SimpleUploadedFile(f"{number}.txt", str(number).encode()) for number in range(10)]
    say = reverse("dispute-say", args=[dispute.pk])
    answer = signed_in(member_of("aurora")).post(say, {"text": "All of them.", "attachments": files}, follow=True)
    assert "10 files are attached already" in text_of(answer)
    assert (dispute.messages.count(), dispute.files.count()) == (1, 1)


def test_a_file_leaves_as_bytes_to_save_under_a_plain_name(stage):
    dispute = make_dispute(stage.waiting)
    file = dispute.files.get()
    answer = signed_in(member_of("aurora")).get(reverse("dispute-file", args=[dispute.pk, file.pk]))
    assert answer.content == CSV
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_another_maker_reaches_nothing_of_a_dispute_by_any_address(stage):
    dispute, other = make_dispute(stage.waiting), make_dispute(stage.waiting, maker="meridian", text="Ours.")
    client = signed_in(member_of("meridian"))
    file, own_file = dispute.files.get(), other.files.get()
    for name, args in (
        ("dispute", [dispute.pk]), ("dispute-file", [dispute.pk, file.pk]), ("maker-disputes", ["aurora"]),
        ("dispute-new", ["aurora", stage.program.slug, 2]), ("scorecard", ["aurora", stage.program.slug, 2]),
    ):  # fmt: skip
        assert client.get(reverse(name, args=args)).status_code == 403, name
    # Nor by its own dispute's address with the other's file.
    assert client.get(reverse("dispute-file", args=[other.pk, file.pk])).status_code == 404
    assert client.get(reverse("dispute-file", args=[other.pk, own_file.pk])).status_code == 200
    for name in ("dispute-say", "dispute-withdraw", "dispute-decide"):
        fields = {"text": "Me too.", "decision": "refused", "reason": "No."}
        assert client.post(reverse(name, args=[dispute.pk]), fields).status_code == 403, name
    assert client.post(
        reverse("dispute-new", args=["aurora", stage.program.slug, 2]), form(stage.waiting)
    ).status_code == 403  # fmt: skip
    dispute.refresh_from_db()
    assert (dispute.state, dispute.messages.count(), Dispute.objects.count()) == ("open", 1, 2)
    assert TEXT not in text_of(client.get(reverse("maker-disputes", args=["meridian"])))


def test_everybody_sees_that_there_are_disputes_and_how_they_ended_and_none_of_the_words(stage):
    make_dispute(stage.waiting)
    for address in (reverse("epoch", args=[stage.program.slug, 2]), reverse("revisions", args=[stage.program.slug, 2])):
        page = text_of(Client().get(address))
        assert "1 dispute: 1 open." in page
        assert TEXT not in page
        assert "orders.csv" not in page


def test_a_dispute_is_talked_about_corrected_by_two_people_and_decided(stage):
    dispute = make_dispute(stage.waiting)
    maker, tess, rex = member_of("aurora"), somebody("tess", "treasurer"), somebody("rex", "reviewer")
    at = reverse("dispute", args=[dispute.pk])
    signed_in(rex).post(reverse("dispute-say", args=[dispute.pk]), {"text": "Which <b>orders</b>?"})
    assert "Which &lt;b&gt;orders&lt;/b&gt;?" in text_of(signed_in(maker).get(at))
    inbox = text_of(signed_in(tess).get(reverse("treasury")))
    assert "A dispute to decide" in inbox
    assert f'href="{at}"' in inbox

    enter = reverse("treasury-corrections", args=[stage.program.slug, 2])
    fields = {
        "kind": "link",
        "addresses": "0x" + "ab" * 20,
        "maker": "aurora",
        "reason": "Proved.",
        "dispute": dispute.pk,
    }
    signed_in(tess).post(enter, fields)
    row = Correction.objects.get()
    assert (row.state, row.dispute, row.entered_by) == ("entered", dispute, tess)
    confirm = reverse("correction-confirm", args=[row.pk])
    assert confirm not in text_of(signed_in(tess).get(enter))
    assert confirm in text_of(signed_in(rex).get(enter))
    refused = text_of(signed_in(tess).post(confirm, follow=True))
    assert "you have entered it; a second person has to confirm it" in refused
    signed_in(rex).post(confirm)
    decided = signed_in(tess).post(
        reverse("dispute-decide", args=[dispute.pk]),
        {"decision": "upheld", "reason": "The desk is right."},
        follow=True,
    )
    assert "The desk is right." in text_of(decided)
    assert "The desk is right." in text_of(signed_in(maker).get(at))
    assert "The desk is right." not in text_of(Client().get(reverse("epoch", args=[stage.program.slug, 2])))
    page = text_of(signed_in(tess).get(reverse("treasury-epoch", args=[stage.program.slug, 2])))
    assert "the epoch is scored again, and what was there before can't be approved" in page.replace("&#x27;", "'")


def test_former_results_are_shown_beside_the_current_with_exact_amounts(stage):
    epoch = stage.waiting
    pay = epoch.allocations.get(market="AAPL-PERP", maker="aurora").payout
    rows = [["AAPL-PERP", "aurora", "0", "0", "0", str(pay - 5)]]
    rows += [
        [row.market, row.maker, "0", "0", "0", str(row.payout)]
        for row in epoch.allocations.exclude(market="AAPL-PERP", maker="aurora")
    ]
    scores = epoch.scores.values_list("market", "maker", "kind", "credit", "present_ms", "live_ms")
    leaves = epoch.entitlements.values_list("account", "token", "cumulative", "increment")
    same = {
        name: [[str(value) for value in row] for row in rows]
        for name, rows in (("scores", scores), ("entitlements", leaves))
    }
    EpochRevision.objects.create(
        epoch=epoch, number=1, because="An address was linked to the wrong maker.", root="0x" + "11" * 32,
        digest="0x" + "22" * 32, manifest_hash="0x" + "33" * 32, evidence_name=epoch.evidence_name,
        paid_total=epoch.paid_total - 5, unspent=epoch.unspent + 5, carried_out_total=0,
        result={**same, "allocations": rows, "carries": [], "payments": []},
    )  # fmt: skip
    page = text_of(Client().get(reverse("revisions", args=[stage.program.slug, 2])))
    assert "From result 1 to result 2" in page
    assert "An address was linked to the wrong maker." in page
    assert "Aurora Liquidity" in page
    assert "+0.000000000000000005 LAMP" in page
    assert "−0.000000000000000005 LAMP" in page
    assert "0x" + "22" * 32 in page
    assert "withdrawn: it can never be approved" in page
    for number in (1, 2):
        tar = Client().get(reverse("revision-tar", args=[stage.program.slug, 2, number]))
        assert b"".join(tar).startswith(f"{stage.program.slug}-2-result-{number}/manifest.json".encode())
    assert Client().get(reverse("revision-tar", args=[stage.program.slug, 2, 3])).status_code == 404
    assert "This is result 2" in text_of(Client().get(reverse("epoch", args=[stage.program.slug, 2])))
    assert DisputeFile.objects.count() == 0
