"""What operators go by: which workers answer, what the hot keys hold, and who had a market derived again."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import AddressField
from onchain.fields import ExactIntegerField
from onchain.models import Market


class WorkerSeen(models.Model):
    """A worker took the beat's canary from a queue at this time; who is seen no more has stopped, or is very busy."""

    queue = models.CharField(max_length=40)
    worker = models.CharField(max_length=120, help_text="As Celery names it: with its host.")
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["queue", "worker"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "worker"], name="worker_once_a_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.worker} on {self.queue}"


class HotKey(models.Model):
    """What a key of ours held when the worker that has it last looked. Amounts are in wei, gas in units of gas."""

    role = models.CharField(max_length=16, primary_key=True, help_text="The settings' prefix: RELAYER, PROPOSER.")
    address = AddressField(blank=True, default="")
    balance_wei = ExactIntegerField(null=True)
    fee_wei = ExactIntegerField(null=True, help_text="What a unit of gas was offered for then.")
    gas_today = models.BigIntegerField(default=0, help_text="Of collections sent in the 24 hours before.")
    note = models.TextField(blank=True, default="", help_text="Why it could not be looked at, in a sentence.")
    looked_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["role"]

    def __str__(self) -> str:
        return self.role


class Rederivation(models.Model):
    """Somebody had a quarantined market derived again from its raw logs: who, why, and over which contradiction."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    block_number = models.BigIntegerField(help_text="Where it stood still.")
    contradiction = models.TextField(help_text="What was in the way, as the market said it.")
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, help_text="All that was derived is gone; the indexer goes on from there.")

    class Meta:
        ordering: ClassVar = ["-asked_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="rederivation_has_a_reason"),
            models.UniqueConstraint(
                fields=["market"], condition=models.Q(done_at=None), name="one_open_rederivation_a_market"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} from block {self.block_number}"
