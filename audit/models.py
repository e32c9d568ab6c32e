"""The audit log as its readers see it; only the database itself writes it (audit/migrations/0001_initial.py)."""

from typing import ClassVar

from django.db import models


class AuditEntry(models.Model):
    """One change of one row of a tracked table. Texts are JSON in the canonical form that is hashed."""

    class Action(models.TextChoices):
        """What happened to the row."""

        INSERT = "insert", "Added"
        UPDATE = "update", "Changed"
        DELETE = "delete", "Deleted"

    sequence = models.BigIntegerField(primary_key=True, help_text="From 1, without a gap.")
    at = models.DateTimeField(help_text="When it became part of the log, by the database's clock; never goes back.")
    table_name = models.TextField()
    action = models.TextField(choices=Action.choices)
    subject = models.TextField(help_text="The row's primary key.")
    context = models.TextField(help_text="Who was at work: person, request, task or command, and database role.")
    before = models.TextField(null=True)  # noqa: DJ001 - nothing was there, which is not an empty text
    after = models.TextField(null=True)  # noqa: DJ001 - as above
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        managed = False
        db_table = "audit_auditentry"
        ordering: ClassVar = ["sequence"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.sequence}: {self.action} {self.table_name} {self.subject}"
