"""The treasury's Safe: the transaction that approves an epoch, and its owners' signatures, in our own database."""

from typing import ClassVar

from django.db import models

from accounts.models import AddressField
from onchain.models_tx import OutgoingTransaction
from rewards.models.programs import Epoch


class SafeTransaction(models.Model):
    """One Safe transaction for one epoch's digest at one of the Safe's nonces; what it says never changes."""

    class State(models.TextChoices):
        """Where it is; DONE and REPLACED are read from the chain."""

        COLLECTING = "collecting", "Collecting signatures"
        SENT = "sent", "Sent, confirming"
        DONE = "done", "Executed"
        REPLACED = "replaced", "Its nonce was used by something else"

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="safe_transactions")
    digest = models.CharField(max_length=66, help_text="The epoch's digest that it approves.")
    safe = AddressField()
    nonce = models.BigIntegerField()
    to = AddressField()
    data = models.TextField(help_text="Calldata, 0x hex.")
    operation = models.PositiveSmallIntegerField(help_text="0: call; 1: delegate call, of MultiSendCallOnly alone.")
    calls = models.JSONField(help_text="The calls in it: to, function, data, fields; for people and for the export.")
    safe_tx_hash = models.CharField(max_length=66, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COLLECTING)
    transaction = models.ForeignKey(OutgoingTransaction, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.TextField(blank=True, default="", help_text="Why it does not go out, in a plain sentence.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["epoch", "-id"]

    def __str__(self) -> str:
        return f"{self.safe_tx_hash} {self.state}"


class SafeSignature(models.Model):
    """An owner's signature that the Safe itself has accepted in a dry run."""

    class Kind(models.TextChoices):
        """How it was made (Safe contracts, Signatures)."""

        TYPED = "typed", "EIP-712"
        MESSAGE = "message", "eth_sign"
        CONTRACT = "contract", "ERC-1271, a contract wallet"

    transaction = models.ForeignKey(SafeTransaction, on_delete=models.CASCADE, related_name="signatures")
    owner = AddressField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    signature = models.TextField(help_text="0x hex: r, s, v as the Safe reads them; a contract's own bytes for it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["transaction", "owner"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction", "owner"], name="safe_signature_once_an_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.kind}"
