"""What was checked before an epoch was proposed, and alarms that a person has to look at."""

from typing import ClassVar

from django.db import models

from rewards.models.programs import Epoch, Program


class EpochCheck(models.Model):
    """One check of an epoch's proposal. A check that could not be done is a failed check."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="checks")
    code = models.CharField(max_length=40)
    passed = models.BooleanField()
    detail = models.TextField(help_text="What was compared with what, in a plain sentence.")
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "code"], name="check_once")]

    def __str__(self) -> str:
        return f"{self.code}: {'passed' if self.passed else 'failed'}"


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
