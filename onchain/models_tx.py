"""Tables of what we send to the chain, and of what the distributor's events say (a mirror, never a source)."""

from typing import ClassVar

from django.db import models

from onchain.fields import ExactIntegerField

ADDRESS_LENGTH = 42
HASH_LENGTH = 66


class OutgoingTransaction(models.Model):
    """One thing that we want done on the chain, once. `purpose` makes asking twice the same as asking once."""

    class State(models.TextChoices):
        """How far it has come; everything after SIGNED is read from the chain."""

        SIGNED = "signed", "Signed, maybe sent"
        MINED = "mined", "In a block"
        FINAL = "final", "In a final block"
        REVERTED = "reverted", "Refused by the contract, in a final block"
        LOST = "lost", "Its nonce was used by something else"

    chain_id = models.BigIntegerField()
    sender = models.CharField(max_length=ADDRESS_LENGTH)
    nonce = models.BigIntegerField()
    purpose = models.CharField(max_length=200, unique=True)
    to = models.CharField(max_length=ADDRESS_LENGTH)
    data = models.TextField(help_text="Calldata, 0x hex.")
    gas_limit = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.SIGNED)
    tx_hash = models.CharField(
        max_length=HASH_LENGTH, blank=True, default="", help_text="The attempt that was mined, else the latest."
    )
    block_number = models.BigIntegerField(null=True)
    block_hash = models.CharField(max_length=HASH_LENGTH, blank=True, default="")
    gas_used = models.BigIntegerField(null=True)
    succeeded = models.BooleanField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["chain_id", "sender", "nonce"],
                condition=~models.Q(state="lost"),
                name="one_outgoing_transaction_a_nonce",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["chain_id", "sender", "state"])]

    def __str__(self) -> str:
        return self.purpose


class TransactionAttempt(models.Model):
    """One signed form of an outgoing transaction; a replacement has the same nonce and higher fees."""

    transaction = models.ForeignKey(OutgoingTransaction, on_delete=models.CASCADE, related_name="attempts")
    tx_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    raw = models.TextField(help_text="The signed transaction, 0x hex, stored before it is broadcast.")
    max_fee_wei = ExactIntegerField()
    priority_fee_wei = ExactIntegerField()
    signed_at_head = models.BigIntegerField(help_text="The head's number when it was signed; fees rise by it.")
    error = models.TextField(blank=True, default="", help_text="What the node last said to the broadcast.")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.tx_hash


class ChainDistributor(models.Model):
    """A RewardsDistributor that we watch, with its roles and active root as of `read_at_block`."""

    chain_id = models.BigIntegerField()
    address = models.CharField(max_length=ADDRESS_LENGTH)
    treasury = models.CharField(max_length=ADDRESS_LENGTH, blank=True, default="")
    proposer = models.CharField(max_length=ADDRESS_LENGTH, blank=True, default="")
    guardian = models.CharField(max_length=ADDRESS_LENGTH, blank=True, default="")
    attestors = models.JSONField(default=list)
    quorum = models.IntegerField(default=0)
    next_treasury = models.CharField(
        max_length=ADDRESS_LENGTH, blank=True, default="", help_text="Was offered the role."
    )
    wind_down_at_s = models.BigIntegerField(default=0, help_text="The rest may be taken from then on; 0: never.")
    delay_s = models.BigIntegerField(default=0)
    paused = models.BooleanField(default=False)
    active_epoch = models.BigIntegerField(default=0)
    active_root = models.CharField(max_length=HASH_LENGTH, blank=True, default="")
    read_at_block = models.BigIntegerField(default=-1, help_text="Roles and root as of this block; -1: never read.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain_id", "address"], name="one_distributor_an_address"),
        ]

    def __str__(self) -> str:
        return self.address


class DistributorEvent(models.Model):
    """A decoded event of a distributor in a canonical block, claims excepted (they have a table of their own)."""

    distributor = models.ForeignKey(ChainDistributor, on_delete=models.CASCADE, related_name="events")
    block_number = models.BigIntegerField()
    block_hash = models.CharField(max_length=HASH_LENGTH)
    log_index = models.IntegerField()
    time_ms = models.BigIntegerField()
    tx_hash = models.CharField(max_length=HASH_LENGTH)
    name = models.CharField(max_length=40)
    epoch = models.BigIntegerField(null=True, help_text="The contract's epoch number, where the event has one.")
    args = models.JSONField(help_text="All arguments; integers as decimal strings, bytes as 0x hex.")

    class Meta:
        ordering: ClassVar = ["distributor", "block_number", "log_index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["distributor", "block_hash", "log_index"], name="distributor_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.block_number}/{self.log_index}"


class ChainEpoch(models.Model):
    """What the distributor's events say of one epoch number: the fold of its events, rebuilt when they change."""

    class State(models.TextChoices):
        """The contract's states, by name."""

        PROPOSED = "proposed", "Proposed"
        APPROVED = "approved", "Approved"
        ACTIVE = "active", "Active"
        VETOED = "vetoed", "Vetoed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    distributor = models.ForeignKey(ChainDistributor, on_delete=models.CASCADE, related_name="epochs")
    number = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State.choices)
    digest = models.CharField(max_length=HASH_LENGTH)
    root = models.CharField(max_length=HASH_LENGTH)
    parent_root = models.CharField(max_length=HASH_LENGTH)
    manifest_hash = models.CharField(max_length=HASH_LENGTH)
    tokens = models.JSONField()
    increments = models.JSONField(help_text="Decimal strings, in the order of tokens.")
    proposed_by = models.CharField(max_length=ADDRESS_LENGTH)
    attestations = models.IntegerField(default=0)
    activatable_at_s = models.BigIntegerField(null=True)
    reason = models.TextField(blank=True, default="")
    last_block = models.BigIntegerField()
    last_tx_hash = models.CharField(max_length=HASH_LENGTH)

    class Meta:
        ordering: ClassVar = ["distributor", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["distributor", "number"], name="chain_epoch_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.state}"


class ChainRecipient(models.Model):
    """Where an account's claims go, by its last RecipientSet event; an account without a row is paid itself."""

    distributor = models.ForeignKey(ChainDistributor, on_delete=models.CASCADE, related_name="recipients")
    account = models.CharField(max_length=ADDRESS_LENGTH)
    recipient = models.CharField(max_length=ADDRESS_LENGTH)
    last_block = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["distributor", "account"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["distributor", "account"], name="chain_recipient_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} to {self.recipient}"


class ChainSafe(models.Model):
    """A Safe that is a distributor's treasury: its owners, threshold and nonce as of the last look."""

    chain_id = models.BigIntegerField()
    address = models.CharField(max_length=ADDRESS_LENGTH)
    version = models.CharField(max_length=20)
    owners = models.JSONField()
    threshold = models.IntegerField()
    nonce = models.BigIntegerField()
    looked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["chain_id", "address"], name="one_safe_an_address")]

    def __str__(self) -> str:
        return self.address


class ChainClaim(models.Model):
    """One Claimed event in a canonical block: money that has reached its recipient."""

    distributor = models.ForeignKey(ChainDistributor, on_delete=models.CASCADE, related_name="claims")
    account = models.CharField(max_length=ADDRESS_LENGTH)
    token = models.CharField(max_length=ADDRESS_LENGTH)
    epoch = models.BigIntegerField()
    recipient = models.CharField(max_length=ADDRESS_LENGTH)
    caller = models.CharField(max_length=ADDRESS_LENGTH)
    amount = ExactIntegerField()
    cumulative = ExactIntegerField()
    block_number = models.BigIntegerField()
    block_hash = models.CharField(max_length=HASH_LENGTH)
    log_index = models.IntegerField()
    time_ms = models.BigIntegerField()
    tx_hash = models.CharField(max_length=HASH_LENGTH)

    class Meta:
        ordering: ClassVar = ["distributor", "block_number", "log_index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["distributor", "block_hash", "log_index"], name="chain_claim_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["distributor", "account", "token"])]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"
