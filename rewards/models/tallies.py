"""Counts of requests and tasks over all processes, and which processes are up: what no other table knows."""

from collections.abc import Mapping
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Tally(models.Model):
    """How often something was done since the tables were made, and how long it took. Only ever grows.

    Processes add to it every few seconds; whoever is killed loses what it had not added yet.
    """

    class Kind(models.TextChoices):
        """What is counted."""

        REQUEST = "request", "Requests of a route"
        TASK = "task", "Runs of a task"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120, help_text="The route's or the task's.")
    method = models.CharField(max_length=8, blank=True, default="", help_text="Of a request: GET, POST or other.")
    outcome = models.CharField(max_length=10, help_text="2xx to 5xx; succeeded, failed or retried.")
    count = models.BigIntegerField()
    total_us = models.BigIntegerField(help_text="All of them together, in microseconds.")
    buckets = ArrayField(models.BigIntegerField(), help_text="How many took as long, by BOUNDS_US.")

    class Meta:
        ordering: ClassVar = ["kind", "name", "method", "outcome"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "name", "method", "outcome"], name="tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.outcome}"


class ProcessSeen(models.Model):
    """A process that answers requests or does tasks, when it last said so."""

    process = models.CharField(max_length=120, primary_key=True, help_text="Host and process number.")
    kind = models.CharField(max_length=8, choices=Tally.Kind.choices)
    streams_open = models.PositiveIntegerField(default=0, help_text="Live scorecards that are open.")
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["process"]

    def __str__(self) -> str:
        return self.process


class LastDone(models.Model):
    """When something that leaves no row of its own was last done to its end: a backup."""

    what = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["what"]

    def __str__(self) -> str:
        return f"{self.what} at {self.at}"


BOUNDS_US: Final[Mapping[str, tuple[int, ...]]] = {
    Tally.Kind.REQUEST: (10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000),
    Tally.Kind.TASK: (10_000, 100_000, 1_000_000, 5_000_000, 20_000_000, 60_000_000, 300_000_000),
}
"""Upper bounds of the buckets, in microseconds; what took longer is in one more. Rows that are stored have as many."""
