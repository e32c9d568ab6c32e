"""Who is at work: a person's request, a task of the queue, a command at the server; the log says which."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Maker, User
from audit.context import at_work
from audit.models import AuditEntry
from audit.selectors import entries, head
from config.celery import app

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]


def newest() -> tuple[AuditEntry, dict]:
    entry = AuditEntry.objects.latest("sequence")
    facts = json.loads(entry.context)
    assert facts.pop("database_role") == "lamplight"
    return entry, facts


def test_a_request_names_its_person_and_its_id_and_no_address_of_the_caller():
    operator = User.objects.create_user(username="olga", role="operator")
    ada = User.objects.create_user(username="ada", role="provider")
    Maker.objects.create(slug="aurora", name="Aurora")
    client = Client()
    client.force_login(operator)
    answer = client.post(reverse("accounts:members", args=["aurora"]), {"person": "ada", "action": "add"})
    entry, facts = newest()
    assert answer.status_code == 302
    assert facts == {
        "request": answer.headers["X-Request-ID"], "path": "POST /makers/aurora/members/", "user": operator.pk,
        "username": "olga", "role": "operator",
    }  # fmt: skip
    found = entries(who="olga").filter(context__contains=facts["request"])
    changed = {each.table_name: json.loads(each.after) for each in found}
    assert changed["accounts_user"] == {"role": "maker"}
    assert changed["accounts_maker_members"]["user_id"] == ada.pk
    assert found.first() == entry


def test_what_comes_after_a_request_is_not_put_down_to_it():
    operator = User.objects.create_user(username="olga", role="operator")
    client = Client()
    client.force_login(operator)
    Maker.objects.create(slug="aurora", name="Aurora")
    client.post(reverse("accounts:members", args=["aurora"]), {"person": "olga", "action": "add"})
    Maker.objects.create(slug="later", name="Later")
    assert newest()[1] == {}


@app.task(name="tests.audit.make_maker")
def make_maker() -> None:
    Maker.objects.create(slug="task", name="By a task")


def test_a_task_of_the_queue_names_itself():
    done = make_maker.apply(task_id="f00d")
    done.get()
    assert newest()[1] == {"task": "tests.audit.make_maker", "task_id": "f00d"}
    assert entries(who="tests.audit.make_maker").count() == 1


def test_a_command_names_itself():
    with at_work(command="accept_outliers"):
        Maker.objects.create(slug="command", name="By a command")
    assert newest()[1] == {"command": "accept_outliers"}
    source = (REPOSITORY / "manage.py").read_text()
    assert "with at_work(command=" in source


def test_a_session_that_sets_nonsense_still_has_its_writes_logged(connect):
    start = head()
    application = connect("application")
    for text in ("{", "[1]", "null", '{"database_role":"postgres"}'):
        application.execute("SELECT set_config('audit.context', %s, false)", [text])
        application.execute(
            "INSERT INTO accounts_maker (slug, name, created_at) VALUES (%s, 'X', now())", [f"m{len(text)}"]
        )
    found = AuditEntry.objects.filter(sequence__gt=start.sequence)
    assert {each.context for each in found} == {'{"database_role":"lamplight"}'}
    assert found.count() == 4


def test_entries_are_found_by_what_and_when():
    start = head()
    maker = Maker.objects.create(slug="a", name="A")
    maker.name = "B"
    maker.save()
    made, named = AuditEntry.objects.filter(sequence__gt=start.sequence)
    assert list(entries(table="accounts_maker", subject=str(maker.pk))[:2]) == [named, made]
    assert made not in entries(since=named.at)
    assert named not in entries(until=named.at)
    assert entries(who="nobody of that name").count() == 0


def test_python_without_django_reads_an_export():
    command = [sys.executable, "-X", "importtime", "-m", "audit", "/dev/null"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout == f"Unbroken up to entry 0, head 0x{'0' * 64}\n"
    assert "django" not in done.stderr
