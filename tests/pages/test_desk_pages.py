"""The treasury's desk: what each person's inbox asks of them, the rooms, and pages that ask the database no more for
more rows."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rewards.analysis.compared import summed_up
from rewards.models import Epoch, WhatIfJob
from rewards.selectors.desk import desk
from rewards.selectors.spend import program_spends
from rewards.services.terms_versions import terms_hand_in
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import CLOCK, HOUR_MS, TOKEN, Scene, make_terms_version, make_what_if, scene
from tests.reviewing import somebody

pytestmark = pytest.mark.django_db
PAGES = ("treasury", "treasury-epochs", "treasury-disputes", "treasury-actions", "treasury-spend", "what-ifs")


@pytest.fixture
def stage() -> Scene:
    return scene()


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(somebody(role))
    return client


def kinds(role: str) -> list[str]:
    return [task.kind for task in desk(person=somebody(role), now_ms=CLOCK).tasks]


def test_each_role_is_asked_for_what_it_can_do_and_for_nothing_else(stage):
    version = make_terms_version(stage.program)
    terms_hand_in(by=version.author, version=version, sha256=version.terms_sha256, now=timezone.now(), now_ms=CLOCK)
    # Ann has put the waiting epoch forward, so a treasurer approves it; anybody but the drafter looks at the terms.
    expected = {"treasurer": ["approve", "terms"], "reviewer": ["terms"], "operator": [], "guardian": [], "auditor": []}
    assert {role: kinds(role) for role in expected} == expected
    (approve, terms) = desk(person=somebody("treasurer"), now_ms=CLOCK).tasks
    assert approve.title == "Epoch 2 of US equity perpetuals needs you: 1 of 2 approvals"
    assert terms.due_ms == stage.live.end_ms
    make_correction(stage.waiting, dispute=make_dispute(stage.waiting))
    # A dispute holds the epoch, so nobody is asked to approve it before that is decided.
    assert set(kinds("treasurer")) == {"dispute", "correction", "terms"}
    assert "approve" not in kinds("treasurer")
    text = client_of("treasurer").get(reverse("treasury")).content.decode()
    assert "3 things need you" in text
    assert '<span class="count">3<span class="sr"> for you</span></span>' in text


def test_a_guardian_is_told_how_long_an_approved_epoch_can_be_stopped(stage):
    Epoch.objects.filter(pk=stage.waiting.pk).update(state="approved", activatable_at_s=(CLOCK + 6 * HOUR_MS) // 1000)
    (task,) = desk(person=somebody("guardian"), now_ms=CLOCK).tasks
    assert (task.kind, task.due_ms) == ("stop", CLOCK + 6 * HOUR_MS)
    assert "6&nbsp;hours left" in client_of("guardian").get(reverse("treasury")).content.decode().replace(
        "\xa0", "&nbsp;"
    )


def test_every_room_marks_itself_and_roles_are_for_operators(stage):
    for name in (*PAGES, "treasury-programmes", "enrolments", "audit"):
        text = client_of("operator").get(reverse(name)).content.decode()
        rooms = text[text.index('class="rooms"') : text.index("</nav>", text.index('class="rooms"'))]
        assert rooms.count('aria-current="page"') == 1, name
        assert f'href="{reverse(name)}" aria-current="page"' in rooms
        assert reverse("accounts:roles") in rooms
    assert reverse("accounts:roles") not in client_of("auditor").get(reverse("treasury")).content.decode()


def test_a_desk_is_one_query_with_something_of_everything_on_it(stage, django_assert_num_queries):
    make_correction(stage.waiting, dispute=make_dispute(stage.waiting))
    make_terms_version(stage.program)
    treasurer = somebody("treasurer")
    with django_assert_num_queries(1):
        found = desk(person=treasurer, now_ms=CLOCK)
    assert found.tasks
    (row,) = [each.row for each in found.under_way if each.row.epoch.number == 2]
    assert row.epoch.paid_total == stage.waiting.paid_total
    assert row.people.put_forward.person == "Ann"


def test_more_rows_cost_no_more_queries(stage):
    client = client_of("treasurer")

    def counts() -> list[int]:
        found = []
        for name in PAGES:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(reverse(name)).status_code == 200
            found.append(len(captured))
        return found

    make_dispute(stage.waiting)
    make_what_if(stage.program)
    make_terms_version(stage.program)
    counts()
    few = counts()
    for maker in ("meridian", "nightowl"):
        make_correction(stage.waiting, dispute=make_dispute(stage.waiting, maker=maker))
        make_terms_version(stage.program)
        make_what_if(stage.program, by=somebody("reviewer", maker))
    assert counts() == few


def test_the_spend_adds_up_and_goes_on_at_the_rate_of_the_last_epochs(stage):
    (spend,) = program_spends()
    paid = [epoch.paid_total for epoch in Epoch.objects.order_by("number")[:2]]
    first, second, live = spend.rows
    assert (second.budget_so_far, second.earned_so_far) == (500_000 * TOKEN, sum(paid))
    assert second.unspent_so_far == 500_000 * TOKEN - sum(paid)
    assert spend.paying == paid[0]
    assert not live.is_scored
    assert live.earned == 250_000 * TOKEN * (sum(paid) * 10_000 // (500_000 * TOKEN)) // 10_000
    lines = client_of("auditor").get(reverse("treasury-spend-csv", args=[stage.program.slug])).content
    assert len(lines.decode().splitlines()) == 1 + 3
    assert first.earned == paid[0]


def test_an_answer_is_shown_side_by_side_and_as_csv(stage):
    job = make_what_if(stage.program)
    row = {"maker": "aurora", "market": "AAPL-PERP", "before": "5", "after": "3", "difference": "-2"}
    pair = {"before": "5", "after": "3", "difference": "-2"}
    totals = dict.fromkeys(("budget", "earned", "unspent", "paid", "carried_out"), pair)
    document = {
        "epoch": 1, "rows": [row], "makers": [{"maker": "aurora"} | pair], "totals": totals,
        "sessions": {"weekend": pair}, "absent": ["ZZZ-PERP"],
    }  # fmt: skip
    progress = client_of("auditor").get(reverse("what-if-progress", args=[job.pk]))
    assert "HX-Refresh" not in progress.headers
    assert "0 of 2 epochs, 0 of 8 markets done" in progress.content.decode()
    WhatIfJob.objects.update(
        state="done", ended_at=timezone.now(), summary=summed_up([document]), result={"epochs": [document]}
    )
    assert client_of("auditor").get(reverse("what-if-progress", args=[job.pk])).headers["HX-Refresh"] == "true"
    text = client_of("auditor").get(reverse("what-if", args=[job.pk])).content.decode()
    for shown in ("It would have cost less", "Aurora Liquidity", "−40%", "Epoch 1 did not have ZZZ-PERP", "Weekend"):
        assert shown in text, shown
    lines = b"".join(client_of("auditor").get(reverse("what-if-csv", args=[job.pk]))).decode().splitlines()
    assert lines[:2] == ["epoch,maker,market,before,after,difference", "1,aurora,AAPL-PERP,5,3,-2"]


def test_a_draft_asks_for_the_last_epochs_by_its_terms(stage):
    version = make_terms_version(stage.program, budget=str(100 * TOKEN))
    client = client_of("treasurer")
    text = client.get(reverse("treasury-draft", args=[stage.program.slug, version.number])).content.decode()
    assert "What would the last two epochs have cost by these terms?" in text
    fields = {"program": stage.program.slug, "epochs": "last-four", "before": "as-it-was", "after": "version-1"}
    answer = client.post(reverse("what-ifs"), fields)
    job = WhatIfJob.objects.get()
    assert answer["Location"] == reverse("what-if", args=[job.pk])
    assert [epoch["number"] for epoch in job.epochs] == [1, 2]
    assert json.loads(job.after_json)["budget"] == str(100 * TOKEN)
    refused = client.post(reverse("what-ifs"), fields | {"after": "as-it-was"}, follow=True).content.decode()
    assert "both sets of terms are the same" in refused
