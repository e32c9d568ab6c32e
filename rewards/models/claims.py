"""Requests to collect without gas; whether money moved is read from the chain's Claimed events."""

from typing import ClassVar

from django.db import models

from accounts.models import AddressField
from onchain.fields import ExactIntegerField
from onchain.models_tx import OutgoingTransaction
from rewards.models.programs import Program


class ClaimRequest(models.Model):
    """Somebody asked us to send an account's claim; it pays only that account, so no signature is needed."""

    class State(models.TextChoices):
        """Where the request is; SENT is decided by the chain, never by us."""

        WAITING = "waiting", "Waiting to be sent"
        SENT = "sent", "Sent, confirming"
        DONE = "done", "Done"
        FAILED = "failed", "Could not be sent"

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="claim_requests")
    account = AddressField()
    cumulative = ExactIntegerField(help_text="The cumulative amount that the request collects up to.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    transaction = models.ForeignKey(
        OutgoingTransaction, null=True, on_delete=models.SET_NULL, related_name="+", help_text="The batch it is in."
    )
    tx_hash = models.CharField(max_length=66, blank=True, default="", help_text="What collected it, or may.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How many batches it has been in.")
    note = models.TextField(blank=True, default="", help_text="What went wrong, in a plain sentence.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["program", "account"],
                condition=models.Q(state__in=["waiting", "sent"]),
                name="one_open_claim_request_an_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.state}"


class AutoCollect(models.Model):
    """An account whose claims are sent by themselves: its owner has switched it on."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="auto_collects")
    account = AddressField()
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["program", "account"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["program", "account"], name="auto_collect_once_an_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} by itself"
