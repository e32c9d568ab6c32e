"""Flags: what a person should look at before an epoch is approved, and what people said of it. None takes pay away."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from rewards.models.programs import Epoch


class Flag(models.Model):
    """Something about one evidence of an epoch that a person should judge; written once, never changed."""

    class Level(models.TextChoices):
        """Whether the epoch waits for a person's word on it."""

        SERIOUS = "serious", "Needs a word before the epoch is put forward"
        NOTE = "note", "Worth knowing"

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="flags")
    root = models.CharField(max_length=66, blank=True, help_text="Scored again to another root, flags are made anew.")
    manifest_hash = models.CharField(max_length=66, help_text="The evidence that it was found in.")
    code = models.CharField(max_length=40)
    key = models.CharField(max_length=200, help_text="Its subjects, joined: what makes it the same flag.")
    level = models.CharField(max_length=7, choices=Level.choices)
    subjects = models.JSONField(help_text="Makers' ids, or accounts.")
    figures = models.JSONField(help_text="Its size in numbers; amounts as decimal strings.")
    sentence = models.TextField()
    evidence = models.JSONField(help_text="Rows to look at: a list of objects with the same keys.")
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "-level", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "manifest_hash", "code", "key"], name="flag_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.key}"


class FlagVerdict(models.Model):
    """What a person says of a flag, and why; only added to, and the newest counts."""

    class Verdict(models.TextChoices):
        """What becomes of it. None of them changes anybody's pay by itself."""

        HARMLESS = "harmless", "No concern"
        WATCH = "watch", "Watch it from here on"
        ACT = "act", "To be put right before anybody is paid"

    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="verdicts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    why = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["flag", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(why=""), name="flag_verdict_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.why}"


class EpochStatistics(models.Model):
    """What was worked out about one evidence of an epoch: unspent by reason, what the money bought, how it is spread.

    Computed from the evidence and never an input of anything; whoever loses it works it out again.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="statistics")
    root = models.CharField(max_length=66, blank=True)
    manifest_hash = models.CharField(max_length=66)
    document = models.JSONField(null=True, help_text="See rewards/services/review_facts.py; null: not done yet.")
    note = models.TextField(blank=True, default="", help_text="What could not be worked out, in a plain sentence.")
    retry_at = models.DateTimeField(null=True, help_text="What stopped it is not tried again before.")
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "manifest_hash"], name="epoch_statistics_once"),
        ]

    def __str__(self) -> str:
        return f"statistics of {self.epoch_id}"
