"""Lists of the treasury's desk: a programme's epochs, all disputes, and the market actions that wait."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, QuerySet, Value, When

from rewards.models import Dispute, Epoch, MarketAction, Program
from rewards.selectors.rows import EpochRow, epoch_row


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochLine:
    """An epoch in the treasury's list. window_ms: makers can dispute until then, or it can be stopped until then."""

    epoch: EpochRow
    window: str
    window_ms: int | None
    disputes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionGroup:
    """A programme with the entries that wait for a second person, and how many count."""

    program: Program
    waiting: tuple[MarketAction, ...]
    counting: int


def epoch_lines(*, epochs: Sequence[Epoch], now_ms: int) -> list[EpochLine]:
    """Return the lines of epochs (with their programme loaded), in one query."""
    disputes = Counter(Dispute.objects.filter(epoch__in=epochs).values_list("epoch_id", flat=True))
    return [_line(epoch, disputes[epoch.pk], now_ms) for epoch in epochs]


def treasury_disputes() -> QuerySet[Dispute]:
    """Return all disputes, open ones first, then the newest."""
    is_open = Case(When(state=Dispute.State.OPEN, then=Value(0)), default=Value(1))
    rows = Dispute.objects.select_related("maker", "epoch__program", "opened_by")
    return rows.order_by(is_open, "-pk")


def market_action_groups() -> list[ActionGroup]:
    """Return every programme with its market actions, in three queries.

    A programme's markets are those of its newest epoch and of its template; older entries stand on its own page.
    """
    programs = list(Program.objects.all())
    newest = Epoch.objects.order_by("program_id", "-number").distinct("program_id")
    documents = dict(newest.values_list("program_id", "terms_json"))
    rows = list(MarketAction.objects.filter(withdrawn_at=None).select_related("entered_by"))
    groups = []
    for program in programs:
        subjects = {program.calendar}
        for text in (documents.get(program.pk, ""), program.template_json):
            subjects |= json.loads(text)["markets"].keys() if text else set()
        mine = [row for row in rows if row.subject in subjects]
        waiting = tuple(row for row in mine if row.confirmed_at is None)
        groups.append(ActionGroup(program=program, waiting=waiting, counting=len(mine) - len(waiting)))
    return groups


def _line(epoch: Epoch, disputes: int, now_ms: int) -> EpochLine:
    row = epoch_row(epoch=epoch, now_ms=now_ms)
    window, window_ms = "", None
    if epoch.state == Epoch.State.APPROVED:
        window, window_ms = "can be stopped", row.activatable_at_ms
    elif epoch.state in (Epoch.State.SCORED, Epoch.State.PROPOSED, Epoch.State.EMPTY):
        window, window_ms = "makers can dispute", epoch.review_until_ms
    if window_ms is None or window_ms <= now_ms:
        window, window_ms = "", None
    return EpochLine(epoch=row, window=window, window_ms=window_ms, disputes=disputes)
