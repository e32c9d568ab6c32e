"""Four eyes on an epoch: who put it forward, sent it back or approved it, and what people wrote beside it."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from rewards.models.programs import Epoch


class EpochVerdict(models.Model):
    """What a person decided about one evidence of an epoch.

    Only added to. The database itself refuses what does not follow (migration review_guards): an approval of what
    nobody else has put forward, or of what was sent back, and a send-back lifted by whoever made it.
    """

    class Kind(models.TextChoices):
        """What was decided."""

        PUT_FORWARD = "put_forward", "Put forward"
        SEND_BACK = "send_back", "Sent back"
        LIFT = "lift", "Send-back lifted"
        APPROVE = "approve", "Approved"

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="verdicts")
    root = models.CharField(max_length=66, help_text="It holds for this root alone.")
    manifest_hash = models.CharField(max_length=66, help_text="And for this evidence.")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["put_forward", "send_back", "lift", "approve"]), name="verdict_kind_known"
            ),
            models.CheckConstraint(
                condition=~(models.Q(kind__in=["send_back", "lift"]) & models.Q(reason="")),
                name="verdict_against_has_a_reason",
            ),
            models.UniqueConstraint(
                fields=["epoch", "root", "manifest_hash", "person"],
                condition=models.Q(kind="approve"),
                name="approves_once_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_id}"


class EpochComment(models.Model):
    """What somebody wrote beside an epoch; only added to."""

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="comments")
    root = models.CharField(max_length=66, blank=True, help_text="The root that was on the page.")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "id"]
        constraints: ClassVar = [models.CheckConstraint(condition=~models.Q(text=""), name="comment_has_text")]

    def __str__(self) -> str:
        return self.text
