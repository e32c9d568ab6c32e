"""The pages of versions: four eyes on every button, what the public is told, and no query too many."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from rewards.models import Epoch, TermsVersion
from tests.pages.factories import (
    BOOSTS,
    CLOCK,
    WEEKS,
    clock,
    make_live_epoch,
    make_program,
    make_terms_version,
    template,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(settings):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    clock(CLOCK)
    program = make_program()
    make_live_epoch(program, 3, WEEKS[2], WEEKS[3])
    return program


@pytest.fixture
def version(program) -> TermsVersion:
    return make_terms_version(program, boosts={**BOOSTS, "weekend": 400})


def client_of(name: str, role: str) -> Client:
    person, _ = User.objects.get_or_create(username=name, defaults={"role": role})
    client = Client()
    client.force_login(person)
    return client


def press(client: Client, version: TermsVersion, button: str, **fields: object) -> str:
    """Post a step and return what the page then says."""
    address = reverse(f"treasury-draft-{button}", args=[version.program.slug, version.number])
    text = client.post(address, fields, follow=True).content.decode()
    version.refresh_from_db()
    return text


def page_of(client: Client, version: TermsVersion) -> str:
    return client.get(reverse("treasury-draft", args=[version.program.slug, version.number])).content.decode()


def test_the_author_is_offered_no_acceptance_and_gets_none_by_posting(version):
    author, other = client_of("drafter", "treasurer"), client_of("tom", "treasurer")
    assert "Hand it in" in page_of(author, version)
    assert "Hand it in" not in page_of(other, version)
    press(other, version, "hand-in", sha256=version.terms_sha256)
    assert version.state == "draft"
    press(author, version, "hand-in", sha256=version.terms_sha256)
    assert version.state == "in_review"
    assert 'value="accept"' not in page_of(author, version)
    said = press(author, version, "review", do="accept", sha256=version.terms_sha256, from_epoch=4)
    assert "another person than their author reviews terms" in said
    assert version.state == "in_review"
    assert 'value="accept"' in page_of(other, version)
    press(other, version, "review", do="accept", sha256=version.terms_sha256, from_epoch=4)
    assert (version.state, version.reviewer.username) == ("scheduled", "tom")


def test_a_reviewer_sends_back_with_a_comment_and_the_next_version_begins_with_it(version):
    author, reviewer = client_of("drafter", "treasurer"), client_of("rui", "reviewer")
    press(author, version, "hand-in", sha256=version.terms_sha256)
    assert "say in a comment" in press(reviewer, version, "review", do="send-back")
    said = press(reviewer, version, "review", do="send-back", comment="<b>Too</b> high")
    assert version.state == "sent_back"
    assert "&lt;b&gt;Too&lt;/b&gt; high" in said
    form = author.get(reverse("treasury-draft-new", args=["us-equity-perps"]) + "?from=version-1").content.decode()
    assert 'name="boosts.weekend" value="400"' in form


@pytest.mark.parametrize("number", ["", "x", "3", "99", "9" * 30])
def test_no_number_that_is_posted_schedules_terms_for_the_past(version, number):
    press(client_of("drafter", "treasurer"), version, "hand-in", sha256=version.terms_sha256)
    reviewer = client_of("rui", "reviewer")
    press(reviewer, version, "review", do="accept", sha256=version.terms_sha256, from_epoch=number)
    assert version.state == "in_review"


def test_the_public_is_told_what_changes_from_when_until_it_is_withdrawn(version):
    author, reviewer, anybody = client_of("drafter", "treasurer"), client_of("rui", "reviewer"), Client()
    press(author, version, "hand-in", sha256=version.terms_sha256)
    assert "From epoch 4" not in anybody.get("/").content.decode()
    press(reviewer, version, "review", do="accept", sha256=version.terms_sha256, from_epoch=4)
    told = anybody.get("/").content.decode()
    assert "From epoch 4, 1 December 2025" in told
    assert "<s>300%</s>" in told
    assert "<b>400%</b>" in told
    press(reviewer, version, "withdraw", reason="The budget was cut.")
    assert version.state == "withdrawn"
    assert "From epoch 4" not in anybody.get("/").content.decode()
    assert "The budget was cut." in page_of(author, version)
    # The epoch that had been made from it alone is gone: nothing else rules it.
    assert not Epoch.objects.filter(number=4).exists()


def test_any_two_terms_are_compared_in_words(version):
    client = client_of("ada", "auditor")
    address = reverse("treasury-programme", args=["us-equity-perps"])
    text = client.get(address, {"before": "epoch-3", "after": "version-1"}).content.decode()
    assert "Weekend boost" in text
    text = client.get(address, {"before": "version-1", "after": "version-1"}).content.decode()
    assert "both say the same" in text
    assert (
        "There is no set of terms called epoch-77"
        in client.get(address, {"before": "epoch-77", "after": "version-1"}).content.decode()
    )


def test_the_page_of_a_programme_asks_no_more_of_the_database_for_more_versions(
    program, version, django_assert_max_num_queries
):
    client = client_of("tess", "treasurer")
    for weekend in range(301, 321):
        make_terms_version(program, boosts={**BOOSTS, "weekend": weekend})
    with django_assert_max_num_queries(16):
        client.get(reverse("treasury-programme", args=[program.slug]))


def test_a_draft_is_changed_on_its_page_by_its_author(version):
    author = client_of("drafter", "treasurer")
    edit = reverse("treasury-draft-edit", args=["us-equity-perps", 1])
    assert 'name="boosts.weekend" value="400"' in author.get(edit).content.decode()
    press(author, version, "hand-in", sha256=version.terms_sha256)
    assert author.get(edit).status_code == 302
    assert json.loads(version.terms_json) == template(version.program, boosts={**BOOSTS, "weekend": 400})
