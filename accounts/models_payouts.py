"""Where a maker's pay goes: plans, each in force from one epoch on, and the accounts that a plan names."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.fields import AddressField


class PayoutPlan(models.Model):
    """How a maker's pay is split. The plan with the latest start at or before an epoch's start counts for the epoch."""

    maker = models.ForeignKey("accounts.Maker", on_delete=models.CASCADE, related_name="payout_plans")
    since_ms = models.BigIntegerField(help_text="Counts in epochs that start at or after this time (ms, UTC).")
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    replaced_at = models.DateTimeField(null=True, help_text="Another plan took its place for all epochs not yet paid.")

    class Meta:
        ordering: ClassVar = ["maker", "-since_ms", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["maker", "since_ms"],
                condition=models.Q(replaced_at__isnull=True),
                name="payout_plan_once_a_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maker_id} from {self.since_ms}"


class PayoutAccount(models.Model):
    """One account that receives a share of a maker's pay, in parts per million; the first gets the dust."""

    plan = models.ForeignKey(PayoutPlan, on_delete=models.CASCADE, related_name="accounts")
    position = models.PositiveSmallIntegerField()
    account = AddressField()
    share_ppm = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1_000_000)])
    label = models.CharField(max_length=60, blank=True, default="", help_text="What the maker calls it.")

    class Meta:
        ordering: ClassVar = ["plan", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "position"], name="payout_position_once"),
            models.UniqueConstraint(fields=["plan", "account"], name="payout_account_once_a_plan"),
            models.CheckConstraint(
                condition=models.Q(share_ppm__gte=1, share_ppm__lte=1_000_000), name="payout_share_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.share_ppm} ppm"
