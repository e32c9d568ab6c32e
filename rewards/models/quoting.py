"""Sums of how makers quoted, by five minutes: what scorecards draw. They feed no root and can be made again."""

from typing import ClassVar

from django.db import models

from rewards.models.programs import Epoch


class QuoteCells(models.Model):
    """One market in one session of an epoch, as far as it is known. `cells` is packed by services/quote_cells.py."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="quote_cells")
    market = models.CharField(max_length=64)
    start_ms = models.BigIntegerField(help_text="Where its first cell starts (ms, UTC).")
    first_cell = models.PositiveIntegerField(help_text="Number of its first cell in the epoch.")
    until_ms = models.BigIntegerField(help_text="What was quoted before this is in (ms, UTC).")
    is_whole = models.BooleanField(help_text="Nothing more comes to it.")
    cells = models.BinaryField(help_text="Sums by cell and maker, compressed.")
    sums = models.JSONField(null=True, help_text="Of the whole session (analysis/means.py); null: not added up yet.")
    from_ms = models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in `state`.")
    state = models.BinaryField(help_text="Of the engine before this session, to look at a moment of it. Empty: none.")

    class Meta:
        ordering: ClassVar = ["epoch", "market", "start_ms"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "market", "start_ms"], name="quote_cells_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market} from {self.start_ms}"


class QuoteRun(models.Model):
    """Where the sums of a market in an epoch stand, so that only new events are looked at."""

    epoch = models.ForeignKey(Epoch, on_delete=models.CASCADE, related_name="quote_runs")
    market = models.CharField(max_length=64)
    key = models.CharField(max_length=64, help_text="As a stretch's: all that it depends on beside the events.")
    makers = models.JSONField(help_text="In the order of the sums.")
    until_ms = models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in.")
    first_cell = models.PositiveIntegerField(help_text="Number of the first cell of `base`.")
    base = models.BinaryField(help_text="Sums of the sessions that may still change, up to where `state` is.")
    state = models.BinaryField(help_text="The engine's own form.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["epoch", "market"], name="quote_run_once")]

    def __str__(self) -> str:
        return f"{self.market} until {self.until_ms}"
