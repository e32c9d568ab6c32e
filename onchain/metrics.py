"""The indexer's state in Prometheus's format, read from the database at each scrape: any process gives the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config import replicas
from onchain.models import Market
from onchain.status import IndexerStatus, indexer_status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Indexer(Collector):
    """The chain's side. now: this computer's time, with its zone."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families; none of the indexer's before its first run."""
        status = indexer_status(now=self._now)
        if status is not None:
            yield from _chain(status)
            yield from _providers(status)
        quarantined = GaugeMetricFamily(
            "lamplight_market_quarantined", "1 for a market that stands still.", labels=["market"]
        )
        derived = GaugeMetricFamily(
            "lamplight_market_derived_block", "Block through which a market's events are derived.", labels=["market"]
        )
        for market in Market.objects.order_by("name"):
            quarantined.add_metric([market.name], float(market.quarantined_block is not None))
            derived.add_metric([market.name], float(market.derived_through))
        yield from (quarantined, derived)
        if settings.REPLICA_DATABASE_URL:
            behind_s = replicas.lag.seconds()
            yield GaugeMetricFamily(
                "lamplight_replica_lag_seconds", "How far the replica for public pages is behind; -1: unknown.",
                value=-1.0 if behind_s is None else behind_s,
            )  # fmt: skip


def _chain(status: IndexerStatus) -> Iterator[Metric]:
    for name, value, text in (
        ("head_block", status.head_number, "The node's newest block."),
        ("indexed_block", status.block_number, "The newest block that is stored."),
        ("verified_block", status.verified_block, "The newest block that is verified with all before it."),
        ("final_block", status.final_block, "The newest block that is verified and final with all before it."),
        ("head_lag_blocks", status.head_lag, "Blocks that the node has and we have not."),
        ("verified_lag_blocks", status.verified_lag, "Blocks that the node has and we have not verified."),
        ("looked_age_seconds", status.looked_age_s, "Seconds since the node was last asked."),
        ("events_per_second", status.events_per_s, "Market events in the chain's newest minute, by second."),
        ("head_followed", bool(status.follower), "1 while a process follows the head."),
        ("backfill_ranges_open", status.backfill_open, "Ranges of history that are not taken over yet."),
    ):
        yield GaugeMetricFamily(f"lamplight_{name}", text, value=float(value))


def _providers(status: IndexerStatus) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "lamplight_provider_calls", "Calls to a provider since the follower began.", labels=["provider", "outcome"]
    )
    resting = GaugeMetricFamily("lamplight_provider_resting", "1 while the breaker is open.", labels=["provider"])
    latency = GaugeMetricFamily(
        "lamplight_provider_latency_seconds", "What the newest answer took.", labels=["provider"]
    )
    for provider in status.providers:
        calls.add_metric([provider.name, "answered"], provider.answered)
        calls.add_metric([provider.name, "failed"], provider.failed)
        resting.add_metric([provider.name], float(provider.resting))
        latency.add_metric([provider.name], provider.latency_ms / 1000)
    yield from (calls, resting, latency)
