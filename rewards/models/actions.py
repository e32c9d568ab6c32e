"""What happened to a market or its home exchange and no chain tells of: splits, halts and unscheduled closures."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class MarketAction(models.Model):
    """One entry of the dated list. It counts once another person has confirmed it, until it is withdrawn.

    Nothing is ever changed in it; what is wrong is withdrawn and entered again. The database holds that.
    """

    class Kind(models.TextChoices):
        """A split and a halt are of a market, a closure of the exchange whose calendar is named."""

        SPLIT = "split", "Split"
        HALT = "halt", "Halt"
        CLOSURE = "closure", "Closure of the exchange"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject = models.CharField(max_length=64, help_text="The market's name; of a closure, the calendar's, as XNYS.")
    from_ms = models.BigIntegerField(help_text="Since when, ms UTC; of a split, its instant.")
    to_ms = models.BigIntegerField(null=True, help_text="Until when, itself not in it; a split has none.")
    new_shares = models.PositiveIntegerField(null=True, help_text="4 for 1: 4.")
    old_shares = models.PositiveIntegerField(null=True, help_text="4 for 1: 1.")
    reason = models.CharField(max_length=300)
    source = models.URLField(max_length=500, blank=True, default="")

    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_as = models.CharField(max_length=16, help_text="The person's role then.")
    entered_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_as = models.CharField(max_length=16, blank=True, default="")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["from_ms", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="action_split_has_a_ratio_others_an_end",
                condition=models.Q(
                    kind="split",
                    to_ms=None,
                    new_shares__gte=1,
                    old_shares__gte=1,
                    new_shares__isnull=False,
                    old_shares__isnull=False,
                )
                | models.Q(
                    ~models.Q(kind="split"),
                    to_ms__gt=models.F("from_ms"),
                    to_ms__isnull=False,
                    new_shares=None,
                    old_shares=None,
                ),
            ),
            models.CheckConstraint(
                name="action_confirmed_by_another",
                condition=models.Q(confirmed_by=None, confirmed_at=None)
                | (
                    models.Q(confirmed_by__isnull=False, confirmed_at__isnull=False)
                    & ~models.Q(confirmed_by=models.F("entered_by"))
                ),
            ),
            models.CheckConstraint(
                name="action_withdrawn_by_somebody",
                condition=models.Q(withdrawn_by=None, withdrawn_at=None)
                | models.Q(withdrawn_by__isnull=False, withdrawn_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["subject", "from_ms"],
                condition=models.Q(kind="split", withdrawn_at=None),
                name="action_one_split_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} at {self.from_ms}"

    @property
    def counts(self) -> bool:
        """Whether it is confirmed and not withdrawn."""
        return self.confirmed_at is not None and self.withdrawn_at is None
