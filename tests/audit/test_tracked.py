"""The one list: every model stands in it, or in the list of exemptions with its reason."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from accounts.models import Maker
from audit.owner import as_owner
from audit.selectors import head
from audit.tracked import EXEMPT, TRACKED

OURS = ("audit", "accounts", "onchain", "rewards")


def test_every_model_of_ours_is_logged_or_says_why_not():
    models = {
        model._meta.label for name in OURS for model in apps.get_app_config(name).get_models(include_auto_created=True)
    }
    assert models - set(TRACKED) - set(EXEMPT) == set(), "Add a line to audit/tracked.py."
    assert set(TRACKED) & set(EXEMPT) == set()
    assert (set(TRACKED) | set(EXEMPT)) - models == set()
    assert all(reason.endswith(".") for reason in EXEMPT.values())


def test_what_is_hidden_or_left_out_is_a_column():
    for label, how in TRACKED.items():
        columns = {field.column for field in apps.get_model(label)._meta.fields}
        assert set(how.hidden) | set(how.left_out) <= columns, label
        assert apps.get_model(label)._meta.pk.column not in how.left_out


@pytest.mark.django_db
def test_every_listed_table_has_the_trigger_and_no_other_has():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'audit_record'::regproc AND tgenabled = 'O'"
        )
        found = [table for (table,) in cursor.fetchall()]
    assert sorted(found) == sorted(apps.get_model(label)._meta.db_table for label in TRACKED)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("harm", ["DISABLE TRIGGER {}", "DROP"])
def test_every_migrate_mends_a_trigger_that_was_switched_off_or_taken_away(harm):
    name = "pgtrigger_zz_audit_accounts_maker"
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            f"DROP TRIGGER {name} ON accounts_maker"
            if harm == "DROP"
            else f"ALTER TABLE accounts_maker {harm.format(name)}"
        )
    call_command("migrate", verbosity=0)
    start = head()
    Maker.objects.create(slug="a", name="A")
    assert head().sequence == start.sequence + 1
