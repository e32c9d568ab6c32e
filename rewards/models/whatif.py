"""What-ifs: what two sets of terms would have paid for the quotes of past epochs, asked by a person, worked out by a
task. They pay nobody; answers expire."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from rewards.models.programs import Program


class WhatIfJob(models.Model):
    """One question and its answer. All that the answer depends on is fixed when it is asked.

    Amounts in `summary` and `result` are decimal strings in the token's smallest unit.
    """

    class State(models.TextChoices):
        """How far it has come; from the last three nothing leads on."""

        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Being worked out"
        DONE = "done", "Done"
        FAILED = "failed", "Could not be worked out"
        CANCELLED = "cancelled", "Cancelled"

    OPEN: ClassVar = (State.WAITING, State.RUNNING)

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="what_ifs")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="what_ifs")
    question = models.CharField(max_length=64, help_text="SHA-256 of epochs and terms: the same, once at a time.")
    epochs = models.JSONField(
        help_text="Each {number, evidence, manifest, markets}; evidence is a folder in EVIDENCE_DIR."
    )
    before_label = models.CharField(max_length=80)
    before_json = models.TextField(help_text="Terms without their epoch; empty: those that each epoch had.")
    after_label = models.CharField(max_length=80)
    after_json = models.TextField(help_text="As before_json.")

    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    epochs_done = models.PositiveIntegerField(default=0)
    events_done = models.BigIntegerField(default=0, help_text="Of the epoch that is being read.")
    events_total = models.BigIntegerField(default=0, help_text="Of the epoch that is being read.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often the present epoch was begun.")
    error = models.TextField(blank=True, default="", help_text="Why it failed, in plain sentences.")
    summary = models.JSONField(null=True, help_text="What the page shows.")
    result = models.JSONField(null=True, help_text="Everything, by epoch, maker and market.")

    asked_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, help_text="When its worker last gave a sign of life.")
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Thrown away after this.")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["asked_by", "question"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="what_if_open_once",
            ),
            models.CheckConstraint(
                name="what_if_ends_with_what_belongs_to_it",
                condition=models.Q(state__in=["waiting", "running"], ended_at=None)
                | models.Q(state="done", ended_at__isnull=False, summary__isnull=False, result__isnull=False)
                | (models.Q(state="failed", ended_at__isnull=False) & ~models.Q(error=""))
                | models.Q(state="cancelled", ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before_label} against {self.after_label}"

    @property
    def is_open(self) -> bool:
        """Whether it is still waited for."""
        return self.state in self.OPEN


class WhatIfPart(models.Model):
    """One epoch's answer, kept until all are there, so that whoever dies loses one epoch at most."""

    job = models.ForeignKey(WhatIfJob, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="The epoch's.")
    document = models.JSONField()

    class Meta:
        ordering: ClassVar = ["job", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="what_if_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id} epoch {self.number}"
