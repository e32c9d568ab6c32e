"""Former results of an epoch, kept as they were, and the corrections that led to a new one."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from onchain.fields import ExactIntegerField
from rewards.models.programs import Epoch


class EpochRevision(models.Model):
    """A result that was replaced by scoring the epoch again; the database lets nobody change or delete it.

    The current result has no row here: its number is that of the last row and one.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField(help_text="From 1, without a gap.")
    because = models.TextField(help_text="Why it was replaced, in plain sentences for everybody.")
    scored_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(auto_now_add=True)
    root = models.CharField(max_length=66, blank=True)
    parent_root = models.CharField(max_length=66, blank=True)
    manifest_hash = models.CharField(max_length=66, blank=True)
    digest = models.CharField(max_length=66, blank=True, help_text="Empty when it was never proposed.")
    chain_epoch = models.PositiveIntegerField(null=True)
    evidence_name = models.CharField(max_length=200, blank=True, help_text="Folder in EVIDENCE_DIR.")
    paid_total = ExactIntegerField(null=True)
    unspent = ExactIntegerField(null=True)
    carried_in_total = ExactIntegerField(null=True)
    carried_out_total = ExactIntegerField(null=True)
    result = models.JSONField(
        help_text="scores, allocations, entitlements, payments and carries: lists of rows, integers as decimal strings."
    )

    class Meta:
        ordering: ClassVar = ["epoch", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "number"], name="revision_number_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="revision_counts_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.epoch_id} revision {self.number}"


class Correction(models.Model):
    """What is put right in one epoch: entered by one person, confirmed by another, then the epoch is scored again."""

    class State(models.TextChoices):
        """How far it is. From CONFIRMED on a machine does the rest; APPLIED, WITHDRAWN and TOO_LATE are ends."""

        ENTERED = "entered", "Waits for a second person"
        CONFIRMED = "confirmed", "Confirmed, to be scored again"
        APPLIED = "applied", "Applied"
        WITHDRAWN = "withdrawn", "Withdrawn"
        TOO_LATE = "too_late", "Too late: it was approved on the chain"

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="corrections")
    dispute = models.ForeignKey("Dispute", null=True, on_delete=models.PROTECT, related_name="corrections")
    kind = models.CharField(max_length=16, help_text="A key of rewards.services.correction_kinds.KINDS.")
    data = models.JSONField(default=dict, help_text="What is to change; the kind says in which form.")
    reason = models.TextField(help_text="Why, in plain sentences; everybody reads it.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ENTERED)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    revision = models.ForeignKey(
        EpochRevision, null=True, on_delete=models.PROTECT, related_name="corrections", help_text="What it replaced."
    )

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("entered_by")),
                name="correction_four_eyes",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["entered", "withdrawn"])
                | models.Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="correction_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="applied") | models.Q(revision__isnull=False),
                name="correction_applied_replaced_something",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="correction_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
