"""The sessions of a programme through time, past and coming, in a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass

from rewards.calendars import close_days, days_within
from rewards.models import Epoch, EpochSession, MarketAction, Program
from rewards.selectors.parsed_terms import terms_document

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSession:
    """A session with its epoch's number and boost (percent: 100 pays the plain rate). Times are ms UTC, half-open."""

    epoch: int
    kind: str
    start_ms: int
    end_ms: int
    boost_percent: int


def program_sessions(
    *, program: Program, from_ms: int | None = None, to_ms: int | None = None, epoch: int | None = None
) -> list[ProgramSession]:
    """Return the sessions that end after from_ms and start before to_ms, by time, in three queries.

    As `rewards.selectors.actions.sessions_of` gives them for one epoch: with the closures behind the epoch's result.
    """
    epochs = program.epochs.order_by("start_ms")
    if epoch is not None:
        epochs = epochs.filter(number=epoch)
    if from_ms is not None:
        epochs = epochs.filter(end_ms__gt=from_ms)
    if to_ms is not None:
        epochs = epochs.filter(start_ms__lt=to_ms)
    found = list(epochs)
    rows: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    stored = EpochSession.objects.filter(epoch__in=[each.pk for each in found]).order_by("start_ms")
    for epoch_id, start, end, kind in stored.values_list("epoch_id", "start_ms", "end_ms", "kind"):
        rows[epoch_id].append((start, end, kind))
    closures = list(
        MarketAction.objects.filter(
            kind=MarketAction.Kind.CLOSURE, subject=program.calendar, confirmed_at__isnull=False, to_ms__isnull=False
        )
    )
    return [
        ProgramSession(epoch=each.number, kind=kind, start_ms=start, end_ms=end, boost_percent=boosts.get(kind, 0))
        for each in found
        for boosts in [terms_document(epoch=each)["boosts"]]
        for start, end, kind in _closed(each, rows[each.pk], closures, program.calendar)
        if (from_ms is None or end > from_ms) and (to_ms is None or start < to_ms)
    ]


def _closed(
    epoch: Epoch, rows: list[tuple[int, int, str]], closures: list[MarketAction], calendar: str
) -> list[tuple[int, int, str]]:
    spans = [(each.from_ms, each.to_ms or 0) for each in closures if _counted(each, epoch)]
    # A closed day reaches into the evening before and the night after it.
    near = [span for span in spans if span[0] < epoch.end_ms + DAY_MS and span[1] > epoch.start_ms - DAY_MS]
    return list(close_days(rows, calendar=calendar, days=days_within(calendar, near))) if near and rows else rows


def _counted(closure: MarketAction, epoch: Epoch) -> bool:
    """Whether a confirmed closure is behind an epoch's result, or counts now while it has none."""
    scored_at = None if epoch.state in (Epoch.State.SCHEDULED, Epoch.State.LIVE) else epoch.scored_at
    if scored_at is None or closure.confirmed_at is None:
        return closure.withdrawn_at is None
    still = closure.withdrawn_at is None or closure.withdrawn_at > scored_at
    return closure.confirmed_at <= scored_at and still
