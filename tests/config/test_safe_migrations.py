"""New migrations may run while the release before still serves; what the policy forbids is found, and why."""

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState

from config import safe_migrations
from config.safe_migrations import migration_faults


def before() -> ProjectState:
    """A table that is large and one that is not."""
    state = ProjectState()
    for name in ("Block", "Note"):
        fields = [("id", models.BigAutoField(primary_key=True)), ("text", models.CharField(max_length=10))]
        state.add_model(ModelState("onchain", name, [*fields, ("extra", models.TextField(null=True))]))
    return state


def said(*operations, app: str = "onchain") -> list[str]:
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations)})("0999_new", app)
    return list(migration_faults(migration, state=before()))


def test_no_new_migration_of_ours_breaks_the_release_before():
    assert safe_migrations.faults() == []


def test_every_exception_is_of_a_migration_that_is_there_and_has_a_reason():
    found = safe_migrations.faults(allowed={})
    for exception, reason in safe_migrations.ALLOWED.items():
        assert any(fault.startswith(exception) for fault in found), exception
        assert len(reason) > 20, exception


def test_the_large_tables_are_models():
    assert safe_migrations.unknown_large_tables() == set()


def test_without_a_baseline_the_old_migrations_are_looked_at_too():
    found = safe_migrations.faults(released=dict.fromkeys(safe_migrations.APPS, 0))
    for known in ("rewards.0004_stretches: Delete model LiveState", "onchain.0004_head_and_backfill: Add field stops"):
        assert any(fault.startswith(known) for fault in found), known


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (migrations.RemoveField("note", "text"), "the release after"),
        (migrations.DeleteModel("Note"), "the release after"),
        (migrations.RenameField("note", "text", "words"), "the old name"),
        (migrations.RenameModel("Note", "Remark"), "the old name"),
        (migrations.AlterModelTable("note", "remark"), "the old name"),
        (migrations.AddField("note", "size", models.IntegerField(default=0)), "db_default"),
        (migrations.AddField("block", "size", models.IntegerField(null=True, db_index=True)), "AddIndexConcurrently"),
        (migrations.AlterField("note", "text", models.CharField(max_length=5)), "written anew"),
        (migrations.AlterField("note", "text", models.IntegerField()), "written anew"),
        (migrations.AlterField("note", "extra", models.TextField()), "written anew"),
        (migrations.AddIndex("block", models.Index(fields=["text"], name="block_text")), "AddIndexConcurrently"),
        (migrations.AlterUniqueTogether("note", {("text", "extra")}), "break it"),
        (
            migrations.AddConstraint("note", models.CheckConstraint(condition=~models.Q(text=""), name="has_text")),
            "break it",
        ),
        (migrations.RunSQL("ALTER TABLE onchain_block ALTER COLUMN text SET NOT NULL"), "tightens"),
        (migrations.RunSQL("alter table onchain_block drop column text"), "drops"),
        (migrations.RunSQL("CREATE INDEX block_text ON onchain_block (text)"), "an index under a lock"),
        (migrations.RunSQL(["LOCK TABLE onchain_block"]), "locks"),
        (migrations.RunSQL([("ALTER TABLE x ADD CONSTRAINT y CHECK (z > 0)", None)]), "every row"),
        (
            migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("note", "text")]),
            "the release after",
        ),
    ],
)
def test_what_the_release_before_would_mind_is_found(operation, words):
    (fault,) = said(operation)
    assert words in fault


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("block", "size", models.IntegerField(null=True)),
        migrations.AddField("block", "size", models.IntegerField(db_default=0)),
        migrations.AddField("note", "blocks", models.ManyToManyField("onchain.Block")),
        migrations.AlterField("note", "text", models.CharField(max_length=20, help_text="Longer.")),
        migrations.AlterField("note", "text", models.CharField(max_length=10, null=True)),
        migrations.AlterField("note", "text", models.CharField(max_length=10, choices=[("a", "A")])),
        migrations.AddIndex("note", models.Index(fields=["text"], name="note_text")),
        AddIndexConcurrently("block", models.Index(fields=["text"], name="block_text")),
        migrations.RunSQL("CREATE INDEX CONCURRENTLY block_text ON onchain_block (text)"),
        migrations.RunSQL("ALTER TABLE x ADD CONSTRAINT y CHECK (z > 0) NOT VALID"),
        migrations.RunSQL("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ TRUNCATE x $$"),
        migrations.RunSQL(migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("note", "text")]),
    ],
)
def test_what_the_release_before_does_not_mind_passes(operation):
    assert said(operation) == []


def test_a_table_of_the_same_migration_may_be_changed_as_it_likes():
    made = migrations.CreateModel("Fresh", [("id", models.BigAutoField(primary_key=True))])
    assert said(made, migrations.AddField("fresh", "size", models.IntegerField(default=0))) == []
