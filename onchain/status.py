"""How the indexer does: lags, speed, providers, quarantined markets; for the status page and the metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from onchain.models import Alarm, BackfillRange, Block, Cursor, HeadLease, Market, MarketEvent, ProviderHealth

SPEED_WINDOW_S = 60
FOLLOWS_S = 15
"""Who follows the head renews its lease at least once a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """A provider as the head's follower sees it. answered, failed: calls since that process began."""

    name: str
    answered: int
    failed: int
    resting: bool
    latency_ms: int
    last_error: str
    age_s: int

    @property
    def sentence(self) -> str:
        """How it does, in one sentence."""
        if self.resting:
            return f"It is left alone for a moment after failing again and again. {self.last_error}"
        if self.failed and self.last_error:
            return f"It answers; {self.failed:,} of {self.answered + self.failed:,} calls failed. {self.last_error}"
        return "It answers."


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexerStatus:
    """The indexer now. Lags are in blocks: what the node has and we have not (head), or have not verified (verified).

    events_per_s: market events in the newest minute of the chain; follower: who follows the head, empty if nobody
    does; backfill_open: ranges of history that wait or are being worked on; alarms_open: how many need a person.
    """

    head_number: int
    block_number: int
    verified_block: int
    final_block: int
    head_lag: int
    verified_lag: int
    looked_age_s: int
    events_per_s: float
    follower: str
    backfill_open: int
    alarms_open: int
    quarantined: tuple[str, ...]
    providers: tuple[ProviderStatus, ...]


def indexer_status(*, now: dt.datetime) -> IndexerStatus | None:
    """Return how the indexer does; None before its first run. `now`: this computer's time, with its zone."""
    cursor = Cursor.objects.first()
    if cursor is None:
        return None
    lease = HeadLease.objects.filter(chain_id=cursor.chain_id).first()
    follows = lease is not None and (now - lease.renewed_at).total_seconds() < FOLLOWS_S
    return IndexerStatus(
        head_number=cursor.head_number,
        block_number=cursor.block_number,
        verified_block=cursor.verified_block,
        final_block=cursor.final_block,
        head_lag=max(0, cursor.head_number - cursor.block_number),
        verified_lag=max(0, cursor.head_number - cursor.verified_block),
        looked_age_s=_age_s(cursor.updated_at, now),
        events_per_s=_events_per_s(cursor),
        follower=lease.holder if lease is not None and follows else "",
        backfill_open=BackfillRange.objects.filter(absorbed=False).count(),
        alarms_open=Alarm.objects.filter(resolved_at=None).count(),
        quarantined=tuple(Market.objects.exclude(quarantined_block=None).values_list("name", flat=True)),
        providers=tuple(
            ProviderStatus(
                name=row.name, answered=row.answered, failed=row.failed, resting=row.resting,
                latency_ms=row.latency_ms, last_error=row.last_error, age_s=_age_s(row.updated_at, now),
            )
            for row in ProviderHealth.objects.all()
        ),
    )  # fmt: skip


def _events_per_s(cursor: Cursor) -> float:
    newest = Block.objects.filter(canonical=True, number=cursor.block_number).values_list("time_ms", flat=True).first()
    if newest is None:
        return 0.0
    since = (
        Block.objects.filter(canonical=True, time_ms__gt=newest - 1000 * SPEED_WINDOW_S)
        .order_by("time_ms", "number")
        .values_list("number", flat=True)
        .first()
    )
    return MarketEvent.objects.filter(block_number__gte=since).count() / SPEED_WINDOW_S


def _age_s(moment: dt.datetime, now: dt.datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
