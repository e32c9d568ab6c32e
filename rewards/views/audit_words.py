"""Entries of the audit log in words."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps

from audit.models import AuditEntry
from audit.tracked import tracked_models

LONGEST = 160
_ACTIONS: Final = {"insert": "added", "update": "changed", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Change:
    """One column of a changed row; None where there was no row."""

    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in words."""

    sequence: int
    at_ms: int
    who: str
    action: str
    what: str
    subject: str
    changes: tuple[Change, ...]
    context: tuple[tuple[str, str], ...]
    hash: str


def table_choices() -> list[tuple[str, str]]:
    """Return the tables that are logged with what they are called, for a list to choose from."""
    named = ((model._meta.db_table, _name(model._meta.db_table)) for model in tracked_models())
    return sorted(named, key=lambda choice: choice[1])


def _name(table: str) -> str:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == table:
            clash = "chain " if table.startswith("onchain") and model.__name__ == "Alarm" else ""
            return clash + str(model._meta.verbose_name).replace("-", " of a ").lower()
    return table


def row_of(entry: AuditEntry) -> Row:
    """Say an entry in words."""
    before, after = (json.loads(text) if text else None for text in (entry.before, entry.after))
    columns = sorted({*(before or {}), *(after or {})})
    facts = json.loads(entry.context)
    return Row(
        sequence=entry.sequence,
        at_ms=int(entry.at.timestamp() * 1000),
        who=_who(facts),
        action=_ACTIONS[entry.action],
        what=_name(entry.table_name),
        subject=str(json.loads(entry.subject)),
        changes=tuple(
            Change(column, _said(before, column), _said(after, column)) for column in columns if column != "id"
        ),
        context=tuple((name, str(value)) for name, value in sorted(facts.items())),
        hash=f"0x{entry.hash}",
    )


def _who(facts: dict[str, Any]) -> str:
    if name := facts.get("username"):
        role = facts.get("role")
        return f"{name}, {role}" if role else str(name)
    if task := facts.get("task"):
        return f"the service ({task})"
    if command := facts.get("command"):
        return f"a person at the server (manage.py {command})"
    if facts.get("request"):
        return "somebody who had not signed in"
    return f"the database role {facts.get('database_role', 'unknown')}"


def _said(row: dict[str, Any] | None, column: str) -> str | None:
    if row is None or column not in row:
        return None
    value = row[column]
    text = "nothing" if value in (None, "") else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
