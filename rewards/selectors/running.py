"""How the service runs, in the detail that operators need: workers, hot keys, and what lags or waits."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, Min, OuterRef, QuerySet

from onchain.models import BackfillRange
from rewards.models import Delivery, Epoch, EpochStatistics, HotKey, QuoteRun, WorkerSeen

STATE = Epoch.State
NO_FACTS_YET = (STATE.SCORED, STATE.PROPOSED, STATE.APPROVED, STATE.ACTIVE, STATE.EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A worker that took something from a queue within a day; age_s: how long ago, in seconds."""

    queue: str
    worker: str
    age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A hot key as its worker saw it, age_s ago. Amounts in wei; None before it could be read for the first time."""

    role: str
    address: str
    balance_wei: int | None
    fee_wei: int | None
    gas_today: int
    note: str
    age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningView:
    """Ages in seconds by this computer's clock, None where there is nothing to be old.

    figures_until_ms: up to when every market of the live epochs is summed up for scorecards, None without any.
    facts_waiting: scored epochs whose flags and statistics are not worked out; facts_note: what is in the way of one.
    failing_ranges: ranges of history that failed at least once, as sentences.
    """

    workers: tuple[SeenWorker, ...]
    keys: tuple[KeyView, ...]
    figures_until_ms: int | None
    facts_waiting: int
    facts_note: str
    notices_waiting: int
    oldest_notice_age_s: int | None
    notices_given_up: int
    failing_ranges: tuple[str, ...]


def running_view(*, now: dt.datetime) -> RunningView:
    """Return how the service runs, in eight queries. now: this computer's time, with its zone."""
    due = Delivery.objects.filter(state=Delivery.State.WAITING, next_at__lte=now)
    oldest = due.aggregate(oldest=Min("next_at"))["oldest"]
    waiting = Epoch.objects.filter(~Exists(_facts()), state__in=NO_FACTS_YET).exclude(evidence_name="")
    runs = QuoteRun.objects.filter(epoch__state=STATE.LIVE)
    return RunningView(
        workers=tuple(
            SeenWorker(queue=row.queue, worker=row.worker, age_s=_age_s(row.seen_at, now))
            for row in WorkerSeen.objects.all()
        ),
        keys=tuple(
            KeyView(
                role=row.role, address=row.address, balance_wei=row.balance_wei, fee_wei=row.fee_wei,
                gas_today=row.gas_today, note=row.note, age_s=_age_s(row.looked_at, now),
            )
            for row in HotKey.objects.all()
        ),
        figures_until_ms=runs.aggregate(oldest=Min("until_ms"))["oldest"],
        facts_waiting=waiting.count(),
        facts_note=EpochStatistics.objects.filter(epoch__in=waiting).exclude(note="").values_list(
            "note", flat=True).first() or "",
        notices_waiting=due.count(),
        oldest_notice_age_s=None if oldest is None else _age_s(oldest, now),
        notices_given_up=Delivery.objects.filter(
            state=Delivery.State.FAILED, next_at__gt=now - dt.timedelta(days=1)
        ).count(),
        failing_ranges=tuple(
            f"{row} failed {row.failures} time{'' if row.failures == 1 else 's'}: {row.last_error}"
            for row in BackfillRange.objects.filter(done=False, failures__gt=0)[:5]
        ),
    )  # fmt: skip


def _facts() -> QuerySet[EpochStatistics]:
    return EpochStatistics.objects.filter(
        epoch=OuterRef("pk"), manifest_hash=OuterRef("manifest_hash"), document__isnull=False
    )


def _age_s(moment: dt.datetime, now: dt.datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
