"""The operators' table of the status page: each part of the service with its figure, its state and what that means.

docs/operators.md explains every line and says what to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from config import replicas
from config.queues import QUEUES, QueueDepth, is_in_files
from rewards.selectors.pages import StatusView
from rewards.selectors.running import KeyView, RunningView, SeenWorker
from rewards.selectors.running_limits import (
    CANARY_LATE_S,
    ENOUGH_COLLECTIONS,
    ENOUGH_PROPOSALS,
    FIGURES_LATE_MS,
    GAS_A_COLLECTION,
    GAS_A_PROPOSAL,
    KEY_LATE_S,
    LAG_BLOCKS,
    LATE_S,
    LONG_QUEUE,
    NOTICE_LATE_S,
)
from rewards.views.words import duration_text

WELL, LOOK, UNKNOWN = "well", "look", "unknown"
ETHER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Line:
    """One part of the service: its figure in a few words, its state, and a sentence where there is something to say."""

    name: str
    now: str
    state: str
    says: str = ""


def running_lines(
    *, status: StatusView, running: RunningView, queues: Sequence[QueueDepth] | None, queue_error: str = ""
) -> list[Line]:
    """Return the table's lines. queues: None when the broker did not answer, with its words in queue_error."""
    return [
        *_chain(status),
        _history(status, running),
        *_queues(queues, queue_error, running.workers),
        *(_key(running.keys, role) for role in ("RELAYER", "PROPOSER")),
        *_work(status, running),
        _notices(running),
        *_replica(),
        _services(),
    ]


def _chain(status: StatusView) -> Iterator[Line]:
    indexer = status.indexer
    if indexer is None:
        yield Line("Head of the chain", "nothing read", LOOK, "Start the worker and the beat, or manage.py follow.")
        return
    late = indexer.looked_age_s > LATE_S or indexer.head_lag > LAG_BLOCKS
    who = f"{indexer.follower} follows it." if indexer.follower else "Nobody follows it; the beat’s poke does."
    yield Line(
        "Head of the chain",
        f"{_count(indexer.head_lag, 'block')} behind, looked {_age(indexer.looked_age_s)} ago",
        LOOK if late else WELL,
        f"{who} {'See that worker, beat and node are running.' if late else ''}".strip(),
    )
    behind = indexer.verified_lag > LAG_BLOCKS
    says = "Two providers have to agree on each block; see the providers below." if behind else ""
    verified = f"{_count(indexer.verified_lag, 'block')} behind"
    yield Line("Verified blocks", verified, LOOK if behind else WELL, says)
    resting = [row.name for row in indexer.providers if row.resting]
    if indexer.providers:
        answering = f"{len(indexer.providers) - len(resting)} of {len(indexer.providers)} answer"
        says = f"{', '.join(resting)}: left alone for a moment after failing again and again." if resting else ""
        yield Line("Providers", answering, LOOK if resting else WELL, says)
    else:
        yield Line("Providers", "no figures", UNKNOWN, "The process that follows the head writes them down.")


def _history(status: StatusView, running: RunningView) -> Line:
    ranges = status.indexer.backfill_open if status.indexer else 0
    failing = " ".join(running.failing_ranges)
    return Line("History to fetch", _count(ranges, "range"), LOOK if failing else WELL, failing)


def _queues(queues: Sequence[QueueDepth] | None, error: str, workers: Sequence[SeenWorker]) -> Iterator[Line]:
    depths = {row.name: row for row in queues or ()}
    for name, purpose in QUEUES.items():
        seen = [row for row in workers if row.queue == name]
        age_s = min((row.age_s for row in seen), default=None)
        title = f"Queue {name}: {purpose}"
        depth = depths.get(name)
        if depth is None:
            yield Line(title, "unknown", LOOK, f"The broker does not answer ({error}). Check CELERY_BROKER_URL.")
            continue
        oldest = f", the oldest for {_age(depth.oldest_s)}" if depth.oldest_s is not None else ""
        now = f"{_count(depth.waiting, 'task')} waiting{oldest}"
        if age_s is None or age_s > CANARY_LATE_S:
            since = "within a day" if age_s is None else f"for {_age(age_s)}"
            yield Line(title, now, LOOK, f"No worker has taken anything from it {since}. Start one for this queue.")
            continue
        names = ", ".join(sorted({row.worker for row in seen if row.age_s <= CANARY_LATE_S}))
        says = f"{names} took its canary {_age(age_s)} ago."
        if depth.waiting > LONG_QUEUE:
            says += " More comes in than is done; add a worker."
        yield Line(title, now, LOOK if depth.waiting > LONG_QUEUE else WELL, says)


def _key(keys: Sequence[KeyView], role: str) -> Line:
    name = f"{role.capitalize()}’s key"
    key = next((row for row in keys if row.role == role), None)
    if key is None:
        return Line(name, "no figures", UNKNOWN, f"No worker that has {role}_KEY has looked yet; it may have none.")
    if key.note or key.balance_wei is None or key.fee_wei is None:
        return Line(name, "not readable", LOOK, key.note)
    gas, enough, what = {
        "RELAYER": (GAS_A_COLLECTION, ENOUGH_COLLECTIONS, "collection"),
        "PROPOSER": (GAS_A_PROPOSAL, ENOUGH_PROPOSALS, "proposal"),
    }[role]
    pays_for = key.balance_wei // max(1, gas * key.fee_wei)
    parts = [f"It pays for about {_count(pays_for, what)} at what gas costs now." if key.fee_wei else ""]
    low = pays_for < enough
    if low:
        parts.append(f"Send {key.address} more.")
    if role == "RELAYER":
        parts.append(f"{key.gas_today:,} gas of {settings.RELAYER_DAILY_GAS:,} a day is used.")
        used_up = key.gas_today >= settings.RELAYER_DAILY_GAS * 9 // 10
        low = low or used_up
        if used_up:
            parts.append("The day’s budget is nearly used up; see RELAYER_DAILY_GAS.")
    if key.age_s > KEY_LATE_S:
        parts.append(f"This is {_age(key.age_s)} old: its worker has stopped looking.")
        low = True
    return Line(name, _ether(key.balance_wei), LOOK if low else WELL, " ".join(part for part in parts if part))


def _work(status: StatusView, running: RunningView) -> Iterator[Line]:
    if not status.has_live_epoch or status.block_time_ms is None:
        yield Line("Live estimates", "no epoch is running", WELL)
    elif status.standings_behind_ms is None:
        yield Line("Live estimates", "nothing measured", UNKNOWN, "An epoch has begun and has no estimate yet.")
    else:
        yield _behind("Live estimates", status.standings_behind_ms, "The scoring queue or a market is behind.")
    if running.figures_until_ms is None or status.block_time_ms is None:
        yield Line("Scorecards’ figures", "none", WELL if not status.has_live_epoch else UNKNOWN)
    else:
        lag_ms = max(0, status.block_time_ms - running.figures_until_ms)
        yield _behind("Scorecards’ figures", lag_ms, "Nothing that pays waits for them; add a worker of figures.")
    facts = running.facts_waiting
    yield Line("Review’s facts", f"{_count(facts, 'epoch')} waiting", LOOK if running.facts_note else WELL,
               running.facts_note)  # fmt: skip
    age_s = status.oldest_claim_age_s
    late = age_s is not None and age_s > NOTICE_LATE_S
    oldest = f", the oldest for {_age(age_s)}" if age_s is not None else ""
    yield Line("Collections", f"{status.waiting_claims:,} waiting{oldest}", LOOK if late else WELL,
               "See the relayer’s key and queue." if late else "")  # fmt: skip
    yield Line("Transactions", f"{status.unconfirmed_transactions:,} sent, not final yet", WELL)
    stopped = [market.name for market in status.markets if market.quarantine_reason]
    follows = f"{len(status.markets) - len(stopped):,} of {len(status.markets):,} follow"
    yield Line("Markets", follows, LOOK if stopped else WELL,
               f"{', '.join(stopped)}: see the quarantine page." if stopped else "")  # fmt: skip
    alarms = len(status.alarms)
    yield Line("Alarms", f"{alarms:,} open", LOOK if alarms else WELL, "They stand at the top." if alarms else "")


def _behind(name: str, lag_ms: int, says: str) -> Line:
    late = lag_ms > FIGURES_LATE_MS
    return Line(name, f"{duration_text(ms=lag_ms)} behind", LOOK if late else WELL, says if late else "")


def _notices(running: RunningView) -> Line:
    late = running.oldest_notice_age_s is not None and running.oldest_notice_age_s > NOTICE_LATE_S
    oldest = f", the oldest for {_age(running.oldest_notice_age_s)}" if running.oldest_notice_age_s is not None else ""
    gave_up = running.notices_given_up
    says = f"{_count(gave_up, 'telling')} given up today; the webhooks’ pages say why." if gave_up else ""
    if late:
        says = f"See the queue celery and EMAIL_URL. {says}".strip()
    now = f"{running.notices_waiting:,} waiting{oldest}"
    return Line("Notices", now, LOOK if late or gave_up else WELL, says)


def _replica() -> Iterator[Line]:
    """Say how far the replica for public pages is behind, where one is set; each web process measures for itself."""
    if not settings.REPLICA_DATABASE_URL:
        return
    name, behind_s, most_s = "Replica for public pages", replicas.lag.seconds(), settings.REPLICA_MAX_LAG_S
    meanwhile = "Public pages are read from the primary meanwhile"
    if behind_s is None:
        says = f"It does not answer, or is too far behind to tell. {meanwhile}; see that it runs and can be reached."
        yield Line(name, "not known", LOOK, says)
    elif behind_s > most_s:
        says = f"That is more than REPLICA_MAX_LAG_S ({most_s}). {meanwhile}; see its disk and its network."
        yield Line(name, f"{_age(int(behind_s))} behind", LOOK, says)
    else:
        yield Line(name, f"{_age(int(behind_s))} behind", WELL, "Public pages are read from it.")


def _services() -> Line:
    """Say which of the services that are needed are this machine's own."""
    own = {
        "database": getattr(settings, "EMBEDDED_POSTGRES", False),
        "queue": is_in_files(),
        "chain": getattr(settings, "EMBEDDED_CHAIN", False),
    }
    embedded = [name for name, is_own in own.items() if is_own]
    external = [name for name, is_own in own.items() if not is_own]
    both = (("embedded", embedded), ("external", external))
    words = [f"{kind}: {', '.join(names)}" for kind, names in both if names]
    says = "Embedded services are for one machine: for trying out, not for money." if embedded else ""
    return Line("Services", "; ".join(words), WELL, says)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _age(seconds: int | None) -> str:
    return duration_text(ms=(seconds or 0) * 1000)


def _ether(wei: int) -> str:
    """Write wei as the chain's coin with four decimals, rounded down."""
    parts = wei * 10_000 // ETHER
    return f"{parts // 10_000:,}.{parts % 10_000:04d} of the chain’s coin"
