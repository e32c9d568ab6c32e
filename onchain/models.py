"""Tables of facts from the chain: blocks, raw logs, market events, and how far the indexer has come.

One database holds one chain; `Cursor` says which. Raw logs are keyed by block hash, so logs of a dead branch stay as
they came; market events are derived from the logs of canonical blocks and can always be derived again.
"""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models

from onchain.fields import HexField
from onchain.models_archive import ArchivedPartition
from onchain.models_tx import (
    ChainClaim,
    ChainDistributor,
    ChainEpoch,
    ChainRecipient,
    ChainSafe,
    DistributorEvent,
    OutgoingTransaction,
    TransactionAttempt,
)

__all__ = [
    "AdapterState",
    "Alarm",
    "ArchivedPartition",
    "BackfillRange",
    "Block",
    "ChainClaim",
    "ChainDistributor",
    "ChainEpoch",
    "ChainRecipient",
    "ChainSafe",
    "Cursor",
    "DistributorEvent",
    "HeadLease",
    "Market",
    "MarketEvent",
    "OutgoingTransaction",
    "ProviderHealth",
    "RawLog",
    "TransactionAttempt",
    "WatchedContract",
]

address_validator = RegexValidator(r"^0x[0-9a-f]{40}$", "An address is 0x and 40 lower-case hex digits.")


class Block(models.Model):
    """A block's header as a node gave it. Headers are linked by hash; one branch is canonical."""

    class Status(models.IntegerChoices):
        """How sure we are of what the block holds (docs/spec/venues.md, Head, safety, completeness)."""

        FETCHED = 0, "Fetched"
        VERIFIED = 1, "Receipts root rebuilt"
        FINAL = 2, "Verified and final"

    hash = HexField(primary_key=True)
    number = models.BigIntegerField()
    parent_hash = HexField()
    receipts_root = HexField()
    timestamp_s = models.BigIntegerField()
    time_ms = models.BigIntegerField(help_text="By the spec's Time section; may change until the block is settled.")
    time_error_ms = models.IntegerField(help_text="How far from time_ms the block's true time can be.")
    live_time_ms = models.BigIntegerField(
        null=True, help_text="The node's own finer stamp, where it gave one; no later call returns it."
    )
    live_error_ms = models.IntegerField(null=True, help_text="How far from live_time_ms the true time can be.")
    settled = models.BooleanField(help_text="A block of a later second exists, so time_ms stays.")
    status = models.SmallIntegerField(choices=Status.choices)
    canonical = models.BooleanField(help_text="False: on a branch that a reorg left.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(canonical=True), name="one_canonical_block_a_number"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["time_ms"], condition=models.Q(canonical=True), name="canonical_block_by_time"),
            # Few at any time: the work that is left for the verifier and for the time rule.
            models.Index(
                fields=["number"],
                condition=models.Q(canonical=True) & ~models.Q(status=2),
                name="canonical_block_not_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


class RawLog(models.Model):
    """A log of a watched contract as it came; partitioned by block number, columns ordered for alignment."""

    pk = models.CompositePrimaryKey("block_number", "block_hash", "log_index")
    block_number = models.BigIntegerField()
    log_index = models.IntegerField(help_text="The chain's, counted over the whole block.")
    transaction_index = models.IntegerField()
    block_hash = HexField()
    transaction_hash = HexField()
    address = models.CharField(max_length=42)
    topics = HexField(help_text="Up to four topics of 32 bytes, one after the other.")
    data = HexField()

    def __str__(self) -> str:
        return f"{self.block_number}/{self.log_index}"


class WatchedContract(models.Model):
    """An address whose logs are stored: markets' contracts, contracts of our own such as distributors, share tokens."""

    address = models.CharField(max_length=42, unique=True, validators=[address_validator])
    label = models.CharField(max_length=80, blank=True, default="")
    start_block = models.BigIntegerField(help_text="No log before this block is wanted.")
    stored_through = models.BigIntegerField(
        help_text="Its logs are stored from start_block through this block; start_block - 1 at first."
    )
    whole = models.BooleanField(
        default=False, help_text="All logs since start_block are needed, also from before the first indexed block."
    )

    class Meta:
        ordering: ClassVar = ["address"]

    def __str__(self) -> str:
        return self.label or self.address


class Market(models.Model):
    """An order book that an adapter turns into market events (docs/venues.md, The market file)."""

    name = models.CharField(max_length=64, unique=True)
    adapter = models.CharField(max_length=32)
    address = models.CharField(max_length=42, validators=[address_validator])
    start_block = models.BigIntegerField()
    config = models.JSONField(help_text="tick_raw, lot_raw and the adapter's own table, as in the market file.")
    tick_size = models.CharField(max_length=40, help_text="For people: one tick in quote currency, decimal.")
    lot_size = models.CharField(max_length=40, help_text="For people: one lot in units of the base, decimal.")
    base_symbol = models.CharField(max_length=16)
    derived_through = models.BigIntegerField(help_text="Events are derived through this block.")
    quarantined_block = models.BigIntegerField(
        null=True, help_text="The block with an impossible event; no event is derived from it on."
    )
    quarantine_reason = models.TextField(
        blank=True, default="", help_text="Block, log index and rule, in one sentence."
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class MarketEvent(models.Model):
    """A market event (docs/spec/evidence.md) of a canonical block; partitioned by block number.

    `log_index` counts the market's events within the block. Time comes from the block; `time_ms` is filled only where
    an event became true at a moment of its own, such as an expiry between two blocks.
    """

    class Kind(models.IntegerChoices):
        """What happened."""

        PLACE = 0, "place"
        CANCEL = 1, "cancel"
        FILL = 2, "fill"
        ANCHOR = 3, "anchor"
        HALT = 4, "halt"
        RESUME = 5, "resume"

    pk = models.CompositePrimaryKey("block_number", "market_id", "log_index")
    block_number = models.BigIntegerField()
    price = models.BigIntegerField(null=True)
    size = models.BigIntegerField(null=True)
    time_ms = models.BigIntegerField(null=True)
    market_id = models.IntegerField()
    log_index = models.IntegerField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    is_bid = models.BooleanField(null=True)
    order_id = models.TextField(null=True)  # noqa: DJ001 - null says that the kind has no order
    address = models.CharField(max_length=42, null=True)  # noqa: DJ001 - as above
    taker = models.CharField(max_length=42, null=True)  # noqa: DJ001 - as above

    def __str__(self) -> str:
        return f"{self.block_number}/{self.log_index} {self.get_kind_display()}"


class AdapterState(models.Model):
    """A market after a block: the adapter's own state, and the book that its events so far add up to."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="states")
    block_number = models.BigIntegerField()
    state = models.BinaryField(help_text="The adapter's state, as its save() wrote it.")
    book = models.BinaryField(help_text="Arrow stream of the carry-in at the end of the block (selectors).")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["market", "block_number"], name="one_adapter_state_a_block"),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} after {self.block_number}"


class Cursor(models.Model):
    """How far the chain is indexed. Moves in the same transaction as the rows that it speaks of."""

    chain_id = models.BigIntegerField(primary_key=True)
    first_block = models.BigIntegerField(help_text="The lowest block that is stored.")
    block_number = models.BigIntegerField()
    block_hash = HexField()
    verified_block = models.BigIntegerField(
        help_text="Every block up to here is verified; with several providers that takes two that agree."
    )
    final_block = models.BigIntegerField(
        help_text="Every block up to here is verified and final; first_block - 1: none."
    )
    head_number = models.BigIntegerField(help_text="The node's head when we last looked.")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"chain {self.chain_id} at {self.block_number}"


class Alarm(models.Model):
    """Something about the chain that needs a person. One that `stops` holds the indexer until it is resolved."""

    kind = models.CharField(max_length=40)
    stops = models.BooleanField(default=True)
    block_number = models.BigIntegerField(null=True)
    message = models.TextField()
    raised_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(resolved_at=None), name="one_open_alarm_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.message


class HeadLease(models.Model):
    """Who follows the head. Each turn has a new token, and only the newest token may commit."""

    chain_id = models.BigIntegerField(primary_key=True)
    token = models.BigIntegerField()
    holder = models.CharField(max_length=120, help_text="Host and process, for people.")
    renewed_at = models.DateTimeField(help_text="By the database's clock; one that is too old may be taken over.")

    def __str__(self) -> str:
        return f"chain {self.chain_id}: {self.holder}"


class BackfillRange(models.Model):
    """Blocks to fetch ahead of the cursor, or again for contracts that were registered late.

    A worker holds the row's lock while it works on it, and stores all of it in that one transaction, so whoever dies
    gives the row back as it was. The head process takes over what is done, in the chain's order.
    """

    first_block = models.BigIntegerField()
    last_block = models.BigIntegerField()
    addresses = models.JSONField(help_text="The contracts whose logs are stored.")
    ahead = models.BooleanField(help_text="Ahead of the cursor; the blocks count once it gets there.")
    below = models.BooleanField(
        default=False, help_text="Before the first indexed block; the blocks count once those above hang on them."
    )
    done = models.BooleanField(default=False)
    absorbed = models.BooleanField(default=False, help_text="The cursor, or the contracts, have passed it.")
    last_hash = HexField(default=b"", help_text="Of the range's last block, once it is done.")
    logs = models.BigIntegerField(default=0)
    failures = models.IntegerField(default=0)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        ordering: ClassVar = ["first_block", "id"]
        indexes: ClassVar = [
            models.Index(fields=["first_block"], condition=models.Q(absorbed=False), name="backfill_open"),
        ]

    def __str__(self) -> str:
        return f"blocks {self.first_block} to {self.last_block}"


class ProviderHealth(models.Model):
    """How a provider of chain data did for the process that follows the head, when it last said so."""

    name = models.CharField(max_length=120, primary_key=True, help_text="The host; URLs carry keys.")
    answered = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    resting = models.BooleanField(default=False, help_text="Its breaker is open: it is not asked for a while.")
    latency_ms = models.IntegerField(default=0, help_text="Of its newest answer.")
    last_error = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
