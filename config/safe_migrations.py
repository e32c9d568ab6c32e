"""Which migrations may run while the release before still serves: the written policy of docs/deployment.md, as code.

During an update the old release's processes go on until they are replaced, on tables that are already the new ones. So
a migration may add what the old code does not mind, and may not take away, rename or tighten what it uses; that is for
the release after, in which nothing uses it any more. And it may not hold a lock on a large table for long.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps as installed
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

APPS = ("accounts", "audit", "onchain", "rewards")
RELEASED = {"accounts": 8, "audit": 1, "onchain": 7, "rewards": 29}
"""The last migration's number of each app in the last release: those up to it have run everywhere, and are not looked
at. Raised when a release is made, and by nothing else. Until the first one is made nothing runs anywhere, and whatever
is there belongs to it."""
LARGE = frozenset(
    {
        *("onchain.marketevent", "onchain.rawlog", "onchain.block", "audit.auditentry"),
        *("rewards.score", "rewards.stretch", "rewards.entitlement", "rewards.allocation", "rewards.quotecells"),
        *("rewards.delivery", "rewards.notice"),
    }
)
"""Tables that grow with the chain, lower-case app.model: a lock on one for longer than a moment is felt."""
ALLOWED: dict[str, str] = {}
"""Exceptions, each `app.name: operation` as `faults` words it, with the reason why it is safe all the same."""
_DANGEROUS_SQL = {
    "drops or renames something": r"\bDROP\s+(TABLE|COLUMN|VIEW|SCHEMA)\b|\bRENAME\s+(TO|COLUMN)\b",
    "tightens or changes a column": r"\bSET\s+NOT\s+NULL\b|\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b",
    "builds an index under a lock": r"\bCREATE\s+(UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)",
    "checks every row under a lock": r"\bADD\s+CONSTRAINT\b(?![^;]*\bNOT\s+VALID\b)",
    "locks or empties a table": r"\bLOCK\s+TABLE\b|\bTRUNCATE\b|\bVACUUM\s+FULL\b|\bCLUSTER\b",
}


def faults(*, released: dict[str, int] | None = None, allowed: dict[str, str] | None = None) -> list[str]:
    """Return a sentence for every operation of a new migration that the policy forbids, exceptions left out."""
    loader = MigrationLoader(None)
    allowed = ALLOWED if allowed is None else allowed
    found = []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app not in APPS or int(name[:4]) <= (released or RELEASED).get(app, 0):
            continue
        state = loader.project_state((app, name), at_end=False)
        found += [
            f"{app}.{name}: {fault}"
            for fault in migration_faults(migration, state=state)
            if f"{app}.{name}: {fault.partition(' (')[0]}" not in allowed
        ]
    return found


def migration_faults(migration: migrations.Migration, *, state: ProjectState) -> Iterator[str]:
    """Yield what of one migration is forbidden. state: of the models before it; changed on the way."""
    new: set[str] = set()
    for operation in _of_database(migration.operations):
        app = migration.app_label
        if isinstance(operation, migrations.CreateModel):
            new.add(operation.name_lower)
        elif _model_of(operation) not in new and (why := _fault(operation, app=app, state=state)) is not None:
            yield f"{operation.describe()} ({why})"
        operation.state_forwards(app, state)


def _of_database(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from _of_database(operation.database_operations)
        else:
            yield operation


def _model_of(operation: Operation) -> str:
    return str(getattr(operation, "model_name_lower", "") or getattr(operation, "name_lower", ""))


def _fault(operation: Operation, *, app: str, state: ProjectState) -> str | None:
    """Return why the old release or its users would mind; None when they would not."""
    large = f"{app}.{_model_of(operation)}" in LARGE
    if isinstance(operation, migrations.RemoveField | migrations.DeleteModel):
        return "the release before still uses it: take it away in the release after the one that stops using it"
    if isinstance(operation, migrations.RenameField | migrations.RenameModel | migrations.AlterModelTable):
        return "the release before knows the old name: add the new one, copy, and take the old one away later"
    if isinstance(operation, migrations.AddField):
        return _fault_of_new_field(operation.field, large=large)
    if isinstance(operation, migrations.AlterField):
        before = state.models[app, operation.model_name_lower].fields[operation.name]
        return _fault_of_change(before, operation.field)
    if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
        return None
    if isinstance(operation, migrations.AddIndex | migrations.RemoveIndex):
        return "the table is large: use AddIndexConcurrently or RemoveIndexConcurrently" if large else None
    if isinstance(operation, migrations.AddConstraint | migrations.AlterUniqueTogether):
        return "the release before may write rows that break it, and every row is checked under a lock"
    if isinstance(operation, migrations.RunSQL):
        return _fault_of_sql(operation.sql)
    return None


def _fault_of_new_field(field: Any, *, large: bool) -> str | None:
    if field.many_to_many:
        return None
    if not field.null and field.db_default is models.NOT_PROVIDED:
        return "the release before writes rows without it: let it be null, or give it a db_default"
    if large and (field.unique or field.db_index or field.remote_field):
        return "the table is large: add the field without an index, and that with AddIndexConcurrently"
    return None


def _fault_of_change(before: Any, after: Any) -> str | None:
    """A change of what only Django knows is none; a column may become longer or get to be null."""
    old, new = _in_database(before), _in_database(after)
    if old[0] == new[0]:
        options = {name for name in {*old[1], *new[1]} if old[1].get(name) != new[1].get(name)}
        longer = (new[1].get("max_length") or 0) >= (old[1].get("max_length") or 0)
        if options <= {"max_length", "null", "default"} and longer and (new[1].get("null") or not old[1].get("null")):
            return None
    return "the release before writes what was allowed before, and the table may be written anew under a lock"


def _in_database(field: Any) -> tuple[str, dict[str, Any]]:
    _, path, _, options = field.deconstruct()
    return path, {name: value for name, value in options.items() if name not in field.non_db_attrs}


def _fault_of_sql(given: Any) -> str | None:
    if given == migrations.RunSQL.noop:
        return None
    parts = [given] if isinstance(given, str) else [part if isinstance(part, str) else part[0] for part in given]
    for part in parts:
        # What a function's body says is done when it is called, not now.
        text = re.sub(r"\$(\w*)\$.*?\$\1\$", "", part, flags=re.DOTALL)
        for what, pattern in _DANGEROUS_SQL.items():
            if re.search(pattern, text, re.IGNORECASE):
                return f"it {what}"
    return None


def unknown_large_tables() -> set[str]:
    """Return those of LARGE that are no model."""
    return {name for name in LARGE if name not in {model._meta.label_lower for model in installed.get_models()}}
