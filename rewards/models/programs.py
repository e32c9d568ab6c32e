"""Programmes and their epochs: what is paid, when, by which terms, and how far an epoch has come."""

from typing import ClassVar, Self

from django.db import models

from accounts.models import AddressField
from onchain.fields import ExactIntegerField


class Program(models.Model):
    """A reward programme: one distributor contract, one token, markets of one venue."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    summary = models.TextField(blank=True, default="")
    chain_id = models.BigIntegerField()
    distributor = AddressField()
    token = AddressField()
    token_symbol = models.CharField(max_length=16)
    token_decimals = models.PositiveSmallIntegerField(default=18)
    calendar = models.CharField(max_length=16, default="XNYS")
    template_json = models.TextField(
        blank=True, default="", help_text="Terms of the epochs to come, without their `epoch`; empty: none is added."
    )
    epoch_days = models.PositiveSmallIntegerField(
        default=7, help_text="Length of an epoch from the template, in days of New York's clock."
    )
    account_limit_bps = models.PositiveIntegerField(
        default=10_000,
        help_text="The most that one account may gain in an epoch, in parts of 10,000 of budget and carried in.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain_id", "distributor"], name="one_program_a_distributor"),
        ]

    def __str__(self) -> str:
        return self.name

    def exact_amount(self, raw: int) -> str:
        """Write an amount of at least 0 of the token's smallest unit in whole tokens, to the last digit."""
        whole, part = divmod(raw, 10**self.token_decimals)
        digits = f"{part:0{self.token_decimals}d}".rstrip("0") if part else ""
        return f"{whole:,}{'.' if digits else ''}{digits} {self.token_symbol}"


class TermsKey(models.Func):
    """MD5 of canonical terms without their `epoch`, which alone differs from week to week (as 0009 cuts it)."""

    template = "md5(regexp_replace(%(expressions)s, '" + r'"epoch":\{[^}]*\},' + "', ''))"


class EpochQuerySet(models.QuerySet["Epoch"]):
    """Epochs, whole or without what makes them long."""

    def brief(self) -> Self:
        """Leave the terms in the database, which for 200 markets have 200,000 bytes; the programme is loaded."""
        return self.select_related("program").defer("terms_json", "program__template_json")


class Epoch(models.Model):
    """One epoch of a programme. The terms never change once it has begun; the chain decides the later states."""

    class State(models.TextChoices):
        """How far the epoch has come. From PROPOSED on, the state mirrors what the chain says."""

        SCHEDULED = "scheduled", "Scheduled"
        LIVE = "live", "Live"
        SCORED = "scored", "Scored"
        PROPOSED = "proposed", "Waiting for the treasury"
        APPROVED = "approved", "Approved, in its delay"
        ACTIVE = "active", "Paying"
        VETOED = "vetoed", "Vetoed"
        EMPTY = "empty", "Nothing to pay"

    CORRECTABLE: ClassVar = (State.SCORED, State.PROPOSED, State.VETOED, State.EMPTY)
    """It has a result then, and nothing is approved."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="epochs")
    number = models.PositiveIntegerField()
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField()
    terms_json = models.TextField(help_text="Canonical JSON (docs/spec/scoring.md, Terms).")
    terms_sha256 = models.CharField(max_length=64)
    terms_key = models.GeneratedField(
        expression=TermsKey("terms_json"), output_field=models.CharField(max_length=32), db_persist=True,
        help_text="Equal for epochs whose terms differ in their `epoch` alone.",
    )  # fmt: skip
    budget = ExactIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.SCHEDULED)

    # What scoring left behind.
    from_block = models.BigIntegerField(null=True)
    to_block = models.BigIntegerField(null=True)
    to_block_hash = models.CharField(max_length=66, blank=True, default="")
    root = models.CharField(max_length=66, blank=True, default="")
    parent_root = models.CharField(max_length=66, blank=True, default="")
    chain_epoch = models.PositiveIntegerField(
        null=True, help_text="Its number in the contract; epochs that pay nothing have none."
    )
    proposal = models.PositiveSmallIntegerField(default=0, help_text="How often it has been proposed.")
    manifest_hash = models.CharField(max_length=66, blank=True, default="")
    digest = models.CharField(max_length=66, blank=True, default="")
    paid_total = ExactIntegerField(null=True, help_text="Sum of this epoch's increments.")
    unspent = ExactIntegerField(null=True, help_text="Stays with the treasury.")
    carried_in_total = ExactIntegerField(null=True)
    carried_out_total = ExactIntegerField(null=True)
    evidence_name = models.CharField(max_length=200, blank=True, default="", help_text="Folder in EVIDENCE_DIR.")
    scored_at = models.DateTimeField(null=True)
    review_until_ms = models.BigIntegerField(
        null=True, help_text="Makers can dispute the result until then (ms, by the chain's clock)."
    )

    # What the chain said.
    activatable_at_s = models.BigIntegerField(null=True)
    note = models.TextField(blank=True, default="", help_text="Why it stopped, in a plain sentence.")
    retry_at = models.DateTimeField(null=True, help_text="What stopped it is not tried again before.")

    objects = EpochQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["program", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["program", "number"], name="epoch_number_once"),
            models.UniqueConstraint(
                fields=["program", "chain_epoch"],
                condition=models.Q(chain_epoch__isnull=False),
                name="chain_epoch_number_once",
            ),
            models.CheckConstraint(condition=models.Q(end_ms__gt=models.F("start_ms")), name="epoch_has_length"),
        ]

    def __str__(self) -> str:
        return f"{self.program_id} epoch {self.number}"


class EpochSession(models.Model):
    """One interval of the epoch's sessions; contiguous, half-open, fixed when the epoch is scheduled.

    Closures that people entered since are laid over them when they are used: `rewards.selectors.actions.sessions_of`.
    """

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="sessions")
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField()
    kind = models.CharField(max_length=10)

    class Meta:
        ordering: ClassVar = ["epoch", "start_ms"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "start_ms"], name="session_start_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.start_ms}-{self.end_ms}"
