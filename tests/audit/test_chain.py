"""The chain: made in the database, recomputed by Python from the export, and found broken wherever it was changed."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.members import role_set
from accounts.models import Maker, User
from accounts.services import maker_enrol, maker_payouts_set
from audit.chain import Head, verify
from audit.models import AuditEntry
from audit.selectors import export_line, export_lines, head
from tests.operators import OPERATOR

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]
# Worked out with sha256sum (docs/audit.md shows how).
EXAMPLE_HASH = "d41bf62848ee2eba7eb56ecb116587f9f1d779a451e35a17fb164d72fd2cda21"
EXAMPLE = {
    "sequence": 1, "at_us": 1764183720000000, "table": "accounts_user", "action": "update", "subject": "7",
    "context": '{"database_role":"lamplight"}', "before": '{"role":"provider"}', "after": '{"role":"auditor"}',
    "previous_hash": "0" * 64,
}  # fmt: skip


def new_since(sequence: int) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(sequence__gt=sequence).order_by("sequence"))


def by_place(entry: AuditEntry) -> int:
    return entry.sequence


def content(entry: AuditEntry) -> tuple[str, str, dict | None, dict | None]:
    before, after = (json.loads(text) if text else None for text in (entry.before, entry.after))
    return entry.table_name, entry.action, before, after


def test_a_role_that_is_given_leaves_who_what_and_when_in_the_log():
    operator = User.objects.create_user(username="olga", role="operator")
    person = User.objects.create_user(username="ada")
    start = head()
    role_set(by=operator, person=person, role="treasurer")
    change, entry = sorted(new_since(start.sequence), key=lambda each: each.table_name)
    assert change.table_name == "accounts_rolechange"
    assert content(entry) == ("accounts_user", "update", {"role": "provider"}, {"role": "treasurer"})
    assert entry.subject == str(person.pk)
    assert {change.previous_hash, entry.previous_hash} == {start.hash, min(change, entry, key=by_place).hash}
    assert json.loads(entry.context) == {"database_role": connection.settings_dict["USER"]}


def test_what_a_transaction_takes_back_leaves_nothing_and_no_gap():
    start = head()
    with transaction.atomic():
        User.objects.create_user(username="ada")
        transaction.set_rollback(True)
    with transaction.atomic():
        Maker.objects.create(slug="a", name="A")
        try:
            with transaction.atomic():
                Maker.objects.create(slug="b", name="B")
                raise LookupError
        except LookupError:
            pass
    assert [(each.sequence, each.table_name) for each in new_since(start.sequence)] == [
        (start.sequence + 1, "accounts_maker")
    ]
    with connection.cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("SELECT count(*) FROM audit_pending")


def test_several_rows_of_one_transaction_stand_in_their_order():
    start = head()
    with transaction.atomic():
        maker = maker_enrol(by=OPERATOR, slug="alice", name="Alice", addresses=["0x" + "a" * 40], since_ms=0)
        shares = [("0x" + "1" * 40, 600_000), ("0x" + "2" * 40, 400_000)]
        maker_payouts_set(by=OPERATOR, maker=maker, shares=shares, since_ms=0)
        maker.members.add(User.objects.create_user(username="ada"))
    kept = [(each.table_name, each.action) for each in new_since(start.sequence)]
    assert [row for row in kept if row[0] != "accounts_makerchange"] == [
        ("accounts_maker", "insert"), ("accounts_makeraddress", "insert"), ("accounts_payoutplan", "insert"),
        ("accounts_payoutaccount", "insert"), ("accounts_payoutaccount", "insert"), ("accounts_user", "insert"),
        ("accounts_maker_members", "insert"),
    ]  # fmt: skip


def test_a_password_shows_that_it_changed_and_nothing_of_it_and_signing_in_is_no_change():
    person = User.objects.create_user(username="ada", password="first")
    start = head()
    person.set_password("second")
    person.save()
    User.objects.update(last_login="2025-11-26T14:02Z")
    (entry,) = new_since(start.sequence)
    assert content(entry)[2:] == ({"password": "(hidden)"}, {"password": "(hidden)"})
    assert person.password not in "".join(export_lines())


def test_texts_are_canonical_json():
    name = 'Ünïcode "quoted" \\ back\nline\ttab \x01 </script> 漢字 🕯'
    start = head()
    Maker.objects.create(slug="a", name=name)
    (entry,) = new_since(start.sequence)
    for text in (entry.after, entry.context):
        assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert json.loads(entry.after)["name"] == name


def test_the_hash_is_that_of_the_documented_bytes():
    line = json.dumps(EXAMPLE | {"hash": EXAMPLE_HASH})
    assert verify([line]).head == Head(1, EXAMPLE_HASH)
    assert EXAMPLE_HASH in (REPOSITORY / "docs/audit.md").read_text()


def three_entries() -> list[str]:
    """An export of its own, so that a test may break each entry."""
    Maker.objects.create(slug="a", name="A")
    Maker.objects.create(slug="b", name="B")
    Maker.objects.create(slug="c", name="C")
    return list(export_lines())


def test_python_recomputes_what_the_database_made():
    lines = three_entries()
    verdict = verify(lines)
    assert verdict.broken is None
    assert verdict.head == head()
    assert verdict.head.sequence == len(lines) == AuditEntry.objects.count()


def changed(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda lines: [*lines[:-2], changed(lines[-2], after='{"name":"X"}'), lines[-1]], "it was changed"),
        (lambda lines: [*lines[:-2], changed(lines[-2], at_us=1), lines[-1]], "it was changed"),
        (lambda lines: [*lines[:-2], changed(lines[-2], context="{}"), lines[-1]], "it was changed"),
        (lambda lines: [*lines[:-2], lines[-1]], "an entry is missing, doubled or out of order"),
        (lambda lines: [*lines[:-2], lines[-1], lines[-2]], "an entry is missing, doubled or out of order"),
        (lambda lines: [*lines[:-2], "{", lines[-1]], "is not JSON"),
        (lambda lines: [*lines[:-2], changed(lines[-2], note=1), lines[-1]], "does not have the fields"),
        (lambda lines: [*lines[:-2], changed(lines[-2], sequence=True), lines[-1]], "wrong type at sequence"),
        (lambda lines: [*lines[:-2], changed(lines[-2], subject="1\n2"), lines[-1]], "a line end within subject"),
    ],
)
def test_the_first_broken_entry_is_named(damage, reason):
    lines = three_entries()
    verdict = verify(damage(lines))
    assert verdict.head.sequence == len(lines) - 2
    assert verdict.broken.startswith(f"Entry {len(lines) - 1} ")
    assert reason in verdict.broken


def test_an_entry_that_is_rewritten_with_its_hash_breaks_the_link_after_it():
    lines = three_entries()
    entry = json.loads(lines[-2]) | {"after": '{"name":"X"}'}
    fields = ["lamplight audit 1", *("" if value is None else str(value) for value in list(entry.values())[:-1])]
    entry["hash"] = hashlib.sha256("\n".join(fields).encode()).hexdigest()
    verdict = verify([*lines[:-2], json.dumps(entry), lines[-1]])
    assert verdict.broken.startswith(f"Entry {len(lines)} names ")


def test_the_command_line_checks_a_file_and_an_epochs_evidence(tmp_path):
    three_entries()
    file = tmp_path / "audit.jsonl"
    call_command("audit_export", out=file)
    end = head()
    for name, audit in (
        ("good", {"sequence": end.sequence, "hash": f"0x{end.hash}"}),
        ("bad", {"sequence": 1, "hash": "0x" + "1" * 64}),
        ("old", None),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"version": 1} | ({"audit": audit} if audit else {})))

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "audit", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    status, said = run(str(file), "--evidence", str(tmp_path / "good"), "--evidence", str(tmp_path / "old"))
    assert (status, said.splitlines()[-1]) == (0, f"Unbroken up to entry {end.sequence}, head 0x{end.hash}")
    assert run(str(file), "--evidence", str(tmp_path / "bad"))[0] == 1
    assert run(str(tmp_path / "nowhere"))[0] == 2


def test_many_writers_at_once_make_one_chain_without_a_gap_and_none_waits_for_ever():
    maker = Maker.objects.create(slug="shared", name="0")
    each, writers = 12, 6
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(each):
                with transaction.atomic():
                    # The row that all fight for comes first in half of the transactions and last in the others.
                    steps = [
                        lambda name=f"{number}-{turn}": Maker.objects.filter(pk=maker.pk).update(name=name),
                        lambda slug=f"m-{number}-{turn}": Maker.objects.create(slug=slug, name=slug).members.add(
                            person
                        ),
                    ]
                    for step in steps if (number + turn) % 2 else reversed(steps):
                        step()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    person = User.objects.create_user(username="ada")
    start = head()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert head().sequence - start.sequence == writers * each * 3
    assert verify(export_lines()).broken is None
    times = [entry.at for entry in AuditEntry.objects.order_by("sequence")]
    assert times == sorted(times)


def test_foreign_keys_that_are_checked_at_the_end_cause_no_deadlock(connect):
    """One holds a row that the other's foreign key needs, and both write to the log: the log is waited for last."""
    maker = Maker.objects.create(slug="a", name="A")
    holder, adder = connect("application"), connect("application")
    holder.autocommit = adder.autocommit = False
    holder.execute("SELECT 1 FROM accounts_maker WHERE id = %s FOR UPDATE", [maker.pk])
    holder.execute("UPDATE accounts_maker SET name = 'B' WHERE id = %s", [maker.pk])
    adder.execute("INSERT INTO accounts_maker (slug, name, created_at) VALUES ('b', 'B', now())")
    adder.execute(
        "INSERT INTO accounts_makeraddress (maker_id, address, since_ms) VALUES (%s, %s, 0)",
        [maker.pk, "0x" + "1" * 40],
    )
    failures: list[BaseException] = []

    def commit() -> None:
        try:
            adder.commit()
        except BaseException as error:
            failures.append(error)

    waiting = threading.Thread(target=commit)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    holder.commit()
    waiting.join(30)
    assert not waiting.is_alive()
    assert failures == []
    assert verify(export_lines()).broken is None


def test_an_entry_says_the_same_on_its_line_and_in_its_row():
    three_entries()
    entry = AuditEntry.objects.latest("sequence")
    line = json.loads(export_line(entry))
    assert (line["sequence"], line["table"], line["after"]) == (entry.sequence, "accounts_maker", entry.after)
