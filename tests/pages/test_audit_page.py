"""The auditors' page: entries in words, filters, pages, the state of the chain, and the log to take away."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.members import role_set
from accounts.models import Maker, User
from audit.chain import verify
from audit.context import at_work
from audit.selectors import head
from rewards.views import audit as page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def auditor() -> Client:
    client = Client()
    client.force_login(User.objects.create_user(username="vera", role="auditor"))
    return client


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())


def test_a_change_is_said_in_words_with_who_made_it(auditor):
    ada = User.objects.create_user(username="ada")
    with at_work(user=1, username="olga", role="operator"):
        role_set(by=User.objects.create_user(username="olga", role="operator"), person=ada, role="treasurer")
    text = text_of(auditor.get(reverse("audit")))
    assert f"<strong>olga, operator</strong> changed user <code>{ada.pk}</code>" in text
    assert "<dt>role</dt><dd><del>provider</del> → <ins>treasurer</ins></dd>" in text
    assert f'Unbroken up to entry {head().sequence:,}, head <code class="hex">0x{head().hash}</code>' in text


def test_filters_leave_the_rest_out_and_a_wrong_one_is_said_at_its_field(auditor):
    with at_work(command="accept_outliers"):
        maker = Maker.objects.create(slug="aurora", name="Aurora")
    found = auditor.get(reverse("audit"), {"who": "accept_outliers", "what": "accounts_maker", "subject": maker.pk})
    assert [row.what for row in found.context["rows"]] == ["maker"]
    assert found.context["rows"][0].who == "a person at the server (manage.py accept_outliers)"
    assert auditor.get(reverse("audit"), {"until": "2001-01-01"}).context["rows"] == []
    assert "Enter a valid date" in text_of(auditor.get(reverse("audit"), {"since": "yesterday"}))
    assert "No entry matches" in text_of(auditor.get(reverse("audit"), {"who": "<script>"}))


def test_long_logs_come_in_pages_that_lose_and_repeat_nothing(auditor, monkeypatch):
    monkeypatch.setattr(page, "PAGE", 4)
    for number in range(9):
        Maker.objects.create(slug=f"m{number}", name="M")
    seen, address = [], "?what=accounts_maker"
    while address:
        answer = auditor.get(reverse("audit") + address)
        seen += [row.changes[-1].after for row in answer.context["rows"]]
        address = f"?{answer.context['older']}" if answer.context["older"] else ""
    made = Maker.objects.filter(slug__startswith="m").values_list("slug", flat=True).order_by("-pk")
    assert seen[: len(made)] == list(made)


def test_the_whole_log_to_take_away_holds(auditor):
    answer = auditor.get(reverse("audit-export"))
    lines = b"".join(answer).decode().splitlines(keepends=True)
    verdict = verify(lines)
    assert (verdict.broken, verdict.head) == (None, head())
    some = b"".join(auditor.get(reverse("audit-export"), {"what": "accounts_user"})).decode().splitlines()
    assert {json.loads(line)["table"] for line in some} == {"accounts_user"}


def test_a_broken_chain_is_said_on_the_page(auditor, connect_owner):
    Maker.objects.create(slug="aurora", name="Aurora")
    number = head().sequence
    Maker.objects.create(slug="later", name="Later")
    page._Checked.head = page.NOTHING
    with connect_owner(number):
        text = text_of(auditor.get(reverse("audit")))
    assert "The chain is broken" in text
    assert f"Entry {number} has the hash" in text


@pytest.fixture
def connect_owner():
    """Change an entry as only the owner can, after taking the guard away; put everything back at the end."""
    from contextlib import contextmanager

    from django.db import connection

    from audit.owner import as_owner

    def run(*statements: str) -> None:
        with as_owner(), connection.cursor() as cursor:
            for statement in ("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_guard", *statements):
                cursor.execute(statement)
            cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_guard")

    @contextmanager
    def broken(number: int):
        run(f"UPDATE audit_auditentry SET after = after || ' ' WHERE sequence = {number}")
        try:
            yield
        finally:
            run(f"UPDATE audit_auditentry SET after = rtrim(after) WHERE sequence = {number}")
            page._Checked.head = page.NOTHING

    return broken
