"""Reads of the audit log: its head, its entries by who, what and when, and its export."""

import json
from collections.abc import Iterator
from datetime import datetime

from django.db.models import JSONField, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from audit.chain import NOTHING, Head, Verdict, verify
from audit.models import AuditEntry

CHUNK = 1_000


def head() -> Head:
    """Return the newest entry that is committed; sequence 0 and zeros while there is none."""
    row = AuditEntry.objects.order_by("-sequence").values_list("sequence", "hash").first()
    return Head(*row) if row else NOTHING


def entries(
    *,
    who: str = "",
    table: str = "",
    subject: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Return entries, newest first. who: a user name, a task or a command; since, until: half-open."""
    found = AuditEntry.objects.order_by("-sequence")
    if table:
        found = found.filter(table_name=table)
    if subject:
        # A number is written as it is, a text in quotes.
        found = found.filter(subject__in=[subject, json.dumps(subject, ensure_ascii=False)])
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    if who:
        facts = Cast("context", JSONField())
        found = found.annotate(
            person=KeyTextTransform("username", facts), task=KeyTextTransform("task", facts),
            command=KeyTextTransform("command", facts),
        )  # fmt: skip
        found = found.filter(person=who) | found.filter(task=who) | found.filter(command=who)
    return found


def export_line(entry: AuditEntry) -> str:
    """Return an entry as one line of JSON, from which its hash can be recomputed."""
    fields = {
        "sequence": entry.sequence,
        "at_us": _microseconds(entry.at),
        "table": entry.table_name,
        "action": entry.action,
        "subject": entry.subject,
        "context": entry.context,
        "before": entry.before,
        "after": entry.after,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def export_lines(found: QuerySet[AuditEntry] | None = None) -> Iterator[str]:
    """Yield the lines of an export: of everything, oldest first, or of what was found, in its order."""
    rows = AuditEntry.objects.order_by("sequence") if found is None else found
    for entry in rows.iterator(chunk_size=CHUNK):
        yield export_line(entry)


def chain_state(*, after: Head = NOTHING) -> Verdict:
    """Recompute the chain from the table, in this process: all of it, or what follows a head that is known to hold."""
    rows = AuditEntry.objects.filter(sequence__gt=after.sequence).order_by("sequence")
    return verify(export_lines(rows), after=after)


def _microseconds(at: datetime) -> int:
    whole = int(at.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + at.microsecond
