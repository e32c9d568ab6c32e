"""Everything that an operator watches, in Prometheus's format, read from the database at each scrape."""

import datetime as dt
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from config.queues import QueueDepth
from onchain.metrics import CONTENT_TYPE, Indexer
from rewards.selectors.metrics.epochs import Epochs
from rewards.selectors.metrics.money import Money
from rewards.selectors.metrics.running import Running
from rewards.selectors.metrics.storage import Storage
from rewards.selectors.metrics.work import Work

__all__ = ["CONTENT_TYPE", "metrics_text"]


def metrics_text(*, now: dt.datetime, queues: Sequence[QueueDepth] | None) -> bytes:
    """Return all metrics (docs/watching.md has the list), in a number of queries that does not grow.

    now: this computer's time, with its zone. queues: what the broker says; None when it does not answer.
    """
    registry = CollectorRegistry(auto_describe=False)
    parts: tuple[Collector, ...] = (
        Indexer(now), Epochs(), Money(now), Running(now, queues), Storage(now), Work(now),
    )  # fmt: skip
    for part in parts:
        registry.register(part)
    return generate_latest(registry)
