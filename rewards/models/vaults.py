"""Vaults of makers: which share token a maker's pay goes through, and what each epoch found there."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import AddressField, Maker
from onchain.fields import ExactIntegerField
from rewards.models.programs import Epoch


class MakerVault(models.Model):
    """A maker's choice of a vault, or (with an empty `vault`) its return to payout accounts; rows are never changed.

    For an epoch the newest row counts that was made before the epoch began.
    """

    maker = models.ForeignKey(Maker, on_delete=models.PROTECT, related_name="vaults")
    vault = AddressField(blank=True, default="", help_text="The share token; empty: payout accounts again.")
    operator = AddressField(blank=True, default="", help_text="Gets what can't be split over the holders.")
    name = models.CharField(max_length=40, blank=True, default="", help_text="The token's own name for itself.")
    since_ms = models.BigIntegerField(help_text="Counts in epochs that begin at or after this time (ms, UTC).")
    reason = models.TextField(blank=True, default="", help_text="Why an operator dropped it in the middle of an epoch.")
    named_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    named_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["maker", "-since_ms", "-id"]

    def __str__(self) -> str:
        return f"{self.maker_id}: {self.vault or 'payout accounts'}"


class EpochVault(models.Model):
    """One maker's vault in a scored epoch, for the treasury's eyes; what counts is in the evidence."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="vaults")
    maker = models.CharField(max_length=64)
    vault = AddressField()
    operator = AddressField()
    name = models.CharField(max_length=40, blank=True, default="")
    holders = models.PositiveIntegerField(help_text="Accounts with any weight.")
    supply = ExactIntegerField(help_text="Shares after the epoch's last block, by transfers and by the token itself.")
    amount = ExactIntegerField(help_text="What was split.")
    dust = ExactIntegerField(help_text="What the floors left to the operator.")
    contracts = models.JSONField(help_text="Holders that are contracts after the epoch's last block.")
    balances_checked = models.PositiveIntegerField(help_text="How many balances the token itself was asked for.")

    class Meta:
        ordering: ClassVar = ["epoch", "maker"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "maker", "vault"], name="epoch_vault_once")]

    def __str__(self) -> str:
        return f"{self.maker}: {self.vault}"
