"""What scoring an epoch left behind: credit, payouts, carries, and what each account is entitled to."""

from typing import ClassVar

from django.db import models

from accounts.models import AddressField
from onchain.fields import ExactIntegerField
from rewards.models.programs import Epoch


class Score(models.Model):
    """Credit of a maker in one market and kind of session (evidence: scores.csv). Makers are named by slug."""

    # Found by the indexes below, which begin with it.
    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="scores", db_index=False)
    market = models.CharField(max_length=64)
    maker = models.CharField(max_length=64)
    kind = models.CharField(max_length=10)
    credit = ExactIntegerField()
    present_ms = models.BigIntegerField()
    live_ms = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "market", "maker", "kind"], name="score_once"),
        ]
        # A maker's thousand rows of an epoch, and an epoch's sums, are read from the index alone.
        indexes: ClassVar = [
            models.Index(
                fields=["epoch", "maker"], include=["market", "kind", "credit", "present_ms", "live_ms"],
                name="score_of_a_maker",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.market} {self.maker} {self.kind}"


class Allocation(models.Model):
    """What a maker gets from one market's pools (evidence: allocations.csv), in the token's smallest unit."""

    # As in Score.
    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="allocations", db_index=False)
    market = models.CharField(max_length=64)
    maker = models.CharField(max_length=64)
    quoting = ExactIntegerField()
    fills = ExactIntegerField()
    stress = ExactIntegerField()
    payout = ExactIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "market", "maker"], name="allocation_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["epoch", "maker"], include=["market", "quoting", "fills", "stress", "payout"],
                name="allocation_of_a_maker",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.market} {self.maker}"


class Carry(models.Model):
    """An amount below the minimum payout that a maker takes into the next epoch (carried_out.csv)."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="carries")
    maker = models.CharField(max_length=64)
    amount = ExactIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "maker"], name="carry_once")]

    def __str__(self) -> str:
        return self.maker


class Entitlement(models.Model):
    """One leaf of the epoch's tree: what an account may have collected in total once the root is active."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="entitlements")
    account = AddressField()
    token = AddressField()
    cumulative = ExactIntegerField()
    increment = ExactIntegerField()
    proof = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "account", "token"], name="entitlement_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "epoch"])]

    def __str__(self) -> str:
        return str(self.account)


class LiveStanding(models.Model):
    """The running score of a maker in a live epoch and market, an estimate until the epoch is final."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="standings")
    market = models.CharField(max_length=64)
    maker = models.CharField(max_length=64)
    as_of_ms = models.BigIntegerField()
    share_ppm = models.PositiveIntegerField(help_text="Share of the market's boosted credit so far.")
    quoting = ExactIntegerField()
    fills = ExactIntegerField()
    stress = ExactIntegerField()
    estimate = ExactIntegerField(help_text="Payout if the epoch ended now, in the token's smallest unit.")
    accrued = ExactIntegerField(help_text="The part of it that quoting nothing more until the end would leave.")
    most = ExactIntegerField(default=0, help_text="Payout if it is present for all that is left (docs/scorecard.md).")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "market", "maker"], name="standing_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market} {self.maker}"


class Payment(models.Model):
    """What one maker's pay of an epoch brings one account: `paid` split by payout shares, and over vaults' holders."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="payments")
    maker = models.CharField(max_length=64)
    account = AddressField()
    amount = ExactIntegerField()
    vault = AddressField(blank=True, default="", help_text="The vault through which; empty: directly.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "maker", "account", "vault"], name="payment_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "epoch"])]

    def __str__(self) -> str:
        return f"{self.maker} {self.account}"


class Stretch(models.Model):
    """One market of one epoch from where its stretch before ends to the next end of a session, replayed.

    Stretches are derived: whichever is missing, of another key or of other events is done again, and once the epoch
    is scored they go (docs/decisions/0008).
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="stretches")
    market = models.CharField(max_length=64)
    number = models.PositiveIntegerField(help_text="From 0, without a gap within a market.")
    until_ms = models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in.")
    through_block = models.BigIntegerField(help_text="The last of those blocks.")
    key = models.CharField(max_length=64, help_text="Hash of all that it depends on beside the events.")
    events = models.BigIntegerField(help_text="How many events it was fed.")
    digest = models.CharField(max_length=64, help_text="Hash of all events since the epoch's start, chained.")
    score = models.BinaryField(help_text="The score of this stretch alone, the engine's own form.")
    state = models.BinaryField(help_text="Where the market stands at its end, the engine's own form.")

    class Meta:
        ordering: ClassVar = ["epoch", "market", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "market", "number"], name="stretch_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market} stretch {self.number}"


class LiveState(models.Model):
    """Where the running score of a market in a live epoch stands, so that only new events are looked at."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="live_states")
    market = models.CharField(max_length=64)
    key = models.CharField(max_length=64, help_text="As a stretch's.")
    base = models.CharField(max_length=64, help_text="The digest of the stretch that it goes on from.")
    until_ms = models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in.")
    before = models.BinaryField(help_text="The score of the stretches before, the engine's own form.")
    state = models.BinaryField(help_text="The engine's own form; one that it can't use is thrown away.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "market"], name="live_state_once")]

    def __str__(self) -> str:
        return f"{self.market} until {self.until_ms}"
