"""What was checked before an epoch was proposed and again before its approval, and alarms that a person looks at."""

from typing import ClassVar

from django.db import models

from rewards.models.programs import Epoch, Program


class EpochCheck(models.Model):
    """One check of an epoch. A check that could not be done is a failed check."""

    class Stage(models.TextChoices):
        """When it is made: each check is made twice, the second time against the chain as it is then."""

        PROPOSAL = "proposal", "Before the proposal"
        APPROVAL = "approval", "Before the approval is offered"

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="checks")
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.PROPOSAL)
    code = models.CharField(max_length=40)
    passed = models.BooleanField()
    detail = models.TextField(help_text="What was compared with what, in a plain sentence.")
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "stage", "code"], name="check_once")]

    def __str__(self) -> str:
        return f"{self.code}: {'passed' if self.passed else 'failed'}"


class CheckWaiver(models.Model):
    """A person has looked at what a check of judgement found and says why it is right; it holds for one root."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="waivers")
    code = models.CharField(max_length=40)
    root = models.CharField(max_length=66, help_text="Scored again to another root, the epoch is looked at again.")
    reason = models.TextField()
    given_by = models.CharField(max_length=150)
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "code", "root"], name="waiver_once")]

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Alarm(models.Model):
    """Something on the chain that our records cannot explain; open until it no longer holds."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="alarms")
    code = models.CharField(max_length=40)
    subject = models.CharField(max_length=120, help_text="What it is about, for example an epoch's number.")
    message = models.TextField(help_text="What was seen, where, and what to do, in plain sentences.")
    raised_at = models.DateTimeField(auto_now_add=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-raised_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["program", "code", "subject"],
                condition=models.Q(cleared_at__isnull=True),
                name="alarm_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.message
