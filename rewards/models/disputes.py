"""Disputes: a maker says what is wrong with an epoch's result, people talk about it, and a treasurer decides."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Maker
from rewards.models.programs import Epoch


class Dispute(models.Model):
    """One objection of a maker to a market and a time of an epoch. What was filed never changes."""

    class Kind(models.TextChoices):
        """What is said to be wrong."""

        HALT = "halt", "A halt or closure is missing"
        LINK = "link", "An address is linked to the wrong maker"
        DATA = "data", "Quotes or other data are missing"
        TERMS = "terms", "The terms were misread"
        OTHER = "other", "Something else"

    class State(models.TextChoices):
        """OPEN holds the epoch back; the others are ends, and none of them is left again."""

        OPEN = "open", "Open"
        UPHELD = "upheld", "Upheld, corrected"
        NO_EFFECT = "no_effect", "Upheld, nothing to correct"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn by the maker"

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="disputes")
    maker = models.ForeignKey(Maker, on_delete=models.PROTECT, related_name="disputes")
    revision = models.PositiveIntegerField(help_text="Which result of the epoch it is about, from 1.")
    market = models.CharField(max_length=64)
    from_ms = models.BigIntegerField()
    to_ms = models.BigIntegerField(help_text="Half-open, inside the epoch.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.TextField()
    refers_to = models.TextField(blank=True, default="", help_text="Orders or blocks that it is about, if any.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="", help_text="The treasurer's; the maker reads it.")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(to_ms__gt=models.F("from_ms")), name="dispute_has_length"),
            models.CheckConstraint(condition=~models.Q(text=""), name="dispute_says_something"),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_by__isnull=True, closed_at__isnull=True)
                | (~models.Q(state="open") & models.Q(closed_by__isnull=False, closed_at__isnull=False)),
                name="dispute_closed_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "withdrawn"]) | ~models.Q(reason=""),
                name="dispute_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_by__isnull=True)
                | models.Q(state="withdrawn")
                | ~models.Q(closed_by=models.F("opened_by")),
                name="dispute_decided_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk} {self.state}"


class DisputeMessage(models.Model):
    """A question or an answer; written once."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["dispute", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(text=""), name="dispute_message_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id}: {self.text[:40]}"


class DisputeFile(models.Model):
    """Evidence that somebody attached: bytes that nobody runs or shows, only downloads."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="files")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, help_text="Letters, digits, dot, dash and underscore.")
    content = models.BinaryField()
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["dispute", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispute", "sha256"], name="dispute_file_once"),
        ]

    def __str__(self) -> str:
        return self.name
