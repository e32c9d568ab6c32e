"""How far each programme's epochs are, what they wait for, and how far what people look at is behind."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, F, Min
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from onchain.selectors import head
from rewards.models import Correction, Dispute, Epoch, Flag, LiveStanding, Program, QuoteRun
from rewards.selectors.desk_inbox import InboxRow, inbox_rows
from rewards.selectors.desk_rows import desk_rows
from rewards.selectors.metrics.families import gauges

STATE = Epoch.State
WAITS = (STATE.LIVE, STATE.SCORED, STATE.PROPOSED, STATE.APPROVED)
"""From the end of an epoch to its first payment."""
Rows = dict[tuple[str, ...], int]


class Epochs(Collector):
    """Ages and lags are in seconds of the chain's clock: of its newest block that is stored."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in nine queries."""
        newest = head()
        slugs = list(Program.objects.values_list("slug", flat=True))
        epochs = list(Epoch.objects.values_list("program__slug", "state", "end_ms", "note", "review_until_ms",
                                                "activatable_at_s"))  # fmt: skip
        counts: Rows = {(slug, state): 0 for slug in slugs for state in STATE.values}
        for slug, state, *_ in epochs:
            counts[slug, state] += 1
        yield gauges("epochs", "Epochs by how far they have come.", ("programme", "state"), counts)
        # Before the first block there is no clock: the families have no samples then.
        now_ms, slugs, epochs = (0, [], []) if newest is None else (newest.time_ms, slugs, epochs)
        yield from _waits(slugs, epochs, now_ms)
        yield from _lags(slugs, now_ms)
        yield from _decisions(slugs, now_ms)


def _waits(slugs: list[str], epochs: list[tuple[str, str, int, str, int | None, int | None]],
           now_ms: int) -> Iterator[Metric]:  # fmt: skip
    oldest: Rows = {(slug, state): 0 for slug in slugs for state in WAITS}
    per: dict[str, Rows] = defaultdict(lambda: {(slug,): 0 for slug in slugs})
    for slug, state, end_ms, note, until_ms, activatable_s in epochs:
        if state in WAITS:
            oldest[slug, state] = max(oldest[slug, state], (now_ms - end_ms) // 1000)
        if state == STATE.LIVE:
            per["lag"][(slug,)] = max(per["lag"][(slug,)], (now_ms - end_ms) // 1000)
        per["stopped"][(slug,)] += bool(note) and state in (STATE.LIVE, STATE.SCORED)
        per["review"][(slug,)] += state in Epoch.CORRECTABLE and until_ms is not None and now_ms < until_ms
        late_s = now_ms // 1000 - activatable_s if state == STATE.APPROVED and activatable_s is not None else 0
        per["activation"][(slug,)] = max(per["activation"][(slug,)], late_s)
        coming = (end_ms - now_ms) // 1000 if state in (STATE.LIVE, STATE.SCHEDULED) else 0
        per["runway"][(slug,)] = max(per["runway"][(slug,)], coming)
    yield gauges("epoch_oldest_age_seconds", "Seconds since the oldest epoch in a state ended; 0: none has.",
                 ("programme", "state"), oldest)  # fmt: skip
    for name, key, text in (
        ("scoring_lag_seconds", "lag", "Seconds since the oldest epoch that is not scored ended; 0: none has."),
        ("epochs_stopped", "stopped", "Epochs with something in the way of scoring or proposing them."),
        ("epochs_in_review", "review", "Epochs whose result makers can still dispute."),
        ("activation_lag_seconds", "activation", "Seconds since an approved epoch could have been activated."),
        ("runway_seconds", "runway", "Seconds until the last epoch that is scheduled ends."),
    ):
        yield gauges(name, text, ("programme",), per[key])


def _lags(slugs: list[str], now_ms: int) -> Iterator[Metric]:
    live = Epoch.objects.filter(state=STATE.LIVE, end_ms__gt=now_ms, program__slug__in=slugs)
    for name, text, rows in (
        ("live_estimate_lag_seconds", "How far live estimates are behind, at the market that is furthest.",
         LiveStanding.objects.filter(epoch__in=live).values_list("epoch__program__slug").annotate(Min("as_of_ms"))),
        ("quote_cells_lag_seconds", "How far the sums behind scorecards' charts are behind, likewise.",
         QuoteRun.objects.filter(epoch__in=live).values_list("epoch__program__slug").annotate(Min("until_ms"))),
    ):  # fmt: skip
        # Without a sample while nothing is summed up: no lag is known then.
        yield gauges(name, text, ("programme",), {(slug,): max(0, now_ms - at_ms) // 1000 for slug, at_ms in rows})


def _decisions(slugs: list[str], now_ms: int) -> Iterator[Metric]:
    none: Rows = {(slug,): 0 for slug in slugs}
    missing, waiting = dict(none), dict(none)
    for row in inbox_rows(rows=desk_rows(person=None, now_ms=now_ms), now_ms=now_ms):
        if row.needs_decision and slugs:
            waiting[(row.epoch.program_slug,)] += 1
            missing[(row.epoch.program_slug,)] += _missing(row)
    unjudged = Flag.objects.filter(
        epoch__state=STATE.SCORED, manifest_hash=F("epoch__manifest_hash"), level=Flag.Level.SERIOUS, verdicts=None
    )
    corrections = Correction.objects.filter(state__in=[Correction.State.ENTERED, Correction.State.CONFIRMED])
    for name, text, rows in (
        ("proposals_waiting", "Proposed epochs that wait for the treasury.", waiting),
        ("approvals_missing", "Words and signatures of people that proposed epochs still lack.", missing),
        ("flags_unjudged", "Serious flags of scored epochs that nobody has judged.",
         none | _by_programme(unjudged.values_list("epoch__program__slug").annotate(Count("pk")))),
        ("disputes_open", "Disputes that wait for a decision.",
         none | _by_programme(Dispute.objects.filter(state=Dispute.State.OPEN)
                              .values_list("epoch__program__slug").order_by().annotate(Count("pk")))),
        ("corrections_open", "Corrections that wait for a second person, or for scoring again.",
         none | _by_programme(corrections.values_list("epoch__program__slug").order_by().annotate(Count("pk")))),
    ):  # fmt: skip
        yield gauges(name, text, ("programme",), rows)


def _by_programme(rows: object) -> Rows:
    return {(slug,): count for slug, count in rows}  # type: ignore[attr-defined]


def _missing(row: InboxRow) -> int:
    """Return what an epoch lacks: somebody's putting forward, and the treasury's approval or its Safe's signatures."""
    approvals = max(0, row.threshold - row.signed) if row.threshold else 1
    return approvals + (row.people.put_forward is None)
