"""Pay of a maker that may not be paid: a treasurer's decision that it stays with the treasury."""

from typing import ClassVar

from django.db import models

from accounts.models import AddressField
from rewards.models.programs import Epoch


class Withholding(models.Model):
    """In this epoch the maker's pay goes to the treasury's own account; the evidence's payouts.csv says so."""

    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="withholdings")
    maker = models.CharField(max_length=64)
    account = AddressField(help_text="The treasury's account when it was decided.")
    reason = models.TextField()
    decided_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "maker"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "maker"], name="withheld_once")]

    def __str__(self) -> str:
        return f"{self.maker}: {self.reason}"
