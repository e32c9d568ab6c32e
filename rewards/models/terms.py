"""Versions of a programme's terms: drafted by one person, reviewed by another, scheduled, kept for ever."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from rewards.models.programs import Program


class TermsVersion(models.Model):
    """One version of the terms. What it says changes only while it is a draft; triggers guard the rest.

    A version that is scheduled holds from `from_epoch` on until a later one is.
    """

    class State(models.TextChoices):
        """How far the version has come. From SENT_BACK and WITHDRAWN nothing leads on: a new version is drafted."""

        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        SENT_BACK = "sent_back", "Sent back"
        SCHEDULED = "scheduled", "Scheduled"
        WITHDRAWN = "withdrawn", "Withdrawn"

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="terms_versions")
    number = models.PositiveIntegerField(help_text="Counts the programme's versions from 1.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="drafted_terms")
    terms_json = models.TextField(help_text="Canonical JSON (docs/spec/scoring.md, Terms) without its `epoch`.")
    terms_sha256 = models.CharField(max_length=64, help_text="Of terms_json.")
    epoch_days = models.PositiveSmallIntegerField(help_text="Length of an epoch, in days of the exchange's clock.")
    first_start_ms = models.BigIntegerField(
        null=True, help_text="When the programme's very first epoch begins; only where it has none yet."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    handed_in_at = models.DateTimeField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviewed_terms", null=True
    )
    reviewed_at = models.DateTimeField(null=True)
    from_epoch = models.PositiveIntegerField(null=True, help_text="The first epoch that it holds for.")
    from_ms = models.BigIntegerField(null=True, help_text="When that epoch begins, as announced.")
    replaced = models.JSONField(
        null=True,
        help_text="Terms of scheduled epochs that no version stood behind, by number: what a withdrawal restores.",
    )
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawn_terms", null=True
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["program", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["program", "number"], name="terms_version_number_once"),
            models.UniqueConstraint(
                fields=["program", "from_epoch"], condition=Q(state="scheduled"), name="one_terms_version_an_epoch"
            ),
            models.CheckConstraint(
                condition=Q(reviewer=None) | ~Q(reviewer=F("author")), name="terms_reviewer_is_not_the_author"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent_back", "scheduled"])
                | Q(reviewer__isnull=False, reviewed_at__isnull=False),
                name="reviewed_terms_have_a_reviewer",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | Q(handed_in_at__isnull=False),
                name="terms_are_handed_in_before_review",
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(from_epoch__gte=1, from_ms__isnull=False),
                name="scheduled_terms_name_their_epoch",
            ),
            models.CheckConstraint(
                condition=~Q(state="withdrawn")
                | (Q(withdrawn_by__isnull=False, withdrawn_at__isnull=False) & ~Q(withdrawn_why="")),
                name="withdrawn_terms_say_why",
            ),
            models.CheckConstraint(
                condition=Q(epoch_days__gte=1, epoch_days__lte=366), name="terms_epoch_days_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program_id} terms {self.number}"


class TermsComment(models.Model):
    """What somebody said about a version; never changed, never deleted."""

    version = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="terms_comments")
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["version", "created_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="terms_comment_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.text[:40]}"
