"""Market actions as pages, gathering and corrections ask for them."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from rewards.calendars import close_days, days_within
from rewards.engine.actions import Action
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split
from rewards.models import Correction, Epoch, EpochSession, MarketAction, Program

Kind = MarketAction.Kind
DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class ActionRow:
    """An action beside an epoch. in_result: the epoch was scored with it.

    after_scoring: it was confirmed, or withdrawn, when the epoch was scored already, so that the result is not what it
    would be by now; that is for a correction to put right.
    """

    action: MarketAction
    in_result: bool
    after_scoring: bool


def counting_actions(*, markets: Collection[str], calendar: str, as_of: datetime | None = None) -> list[MarketAction]:
    """Return all actions of these markets and their exchange that are confirmed and not withdrawn, by time.

    as_of: those that counted then; now, when it is not given.
    """
    found = _of(markets, calendar)
    if as_of is None:
        return list(found.filter(confirmed_at__isnull=False, withdrawn_at=None))
    return list(found.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=as_of), confirmed_at__lte=as_of))


def actions_behind(*, epoch: Epoch) -> list[MarketAction]:
    """Return the actions that an epoch's result comes from, or will come from as things stand."""
    markets = _markets_of(epoch.terms_json)
    return counting_actions(markets=markets, calendar=epoch.program.calendar, as_of=_scored_at(epoch))


def actions_of(*, epoch: Epoch, among: Collection[MarketAction] | None = None) -> list[ActionRow]:
    """Return the confirmed actions that fall into an epoch, by time, in two queries.

    Those that count now, and those that the epoch was scored with though they are withdrawn since. An epoch that is
    not scored has all of them in its result to come.
    """
    program, scored_at = epoch.program, _scored_at(epoch)
    markets = _markets_of(epoch.terms_json)
    found = _of(markets, program.calendar) if among is None else among
    rows = []
    for action in (each for each in found if _falls_into(epoch, each, markets, program.calendar)):
        counts = action.withdrawn_at is None
        if scored_at is None or action.confirmed_at is None:
            in_result = counts
        else:
            then = action.withdrawn_at is None or action.withdrawn_at > scored_at
            in_result = action.confirmed_at <= scored_at and then
        if counts or in_result:
            rows.append(ActionRow(action=action, in_result=in_result, after_scoring=counts != in_result))
    return rows


def late_actions(*, epoch: Epoch) -> list[ActionRow]:
    """Return the actions that a scored epoch's result is behind, by time: confirmed or withdrawn since."""
    return [row for row in actions_of(epoch=epoch) if row.after_scoring]


def actions_to_correct(*, epoch: Epoch) -> list[ActionRow]:
    """Return the late actions for which no correction of the epoch is entered or confirmed yet."""
    waiting = Correction.objects.filter(
        epoch=epoch, kind="action", state__in=[Correction.State.ENTERED, Correction.State.CONFIRMED]
    )
    named = {data.get("action") for data in waiting.values_list("data", flat=True)}
    return [row for row in late_actions(epoch=epoch) if row.action.pk not in named]


def epochs_behind(*, program: Program) -> dict[int, list[int]]:
    """Return, by action, the epochs whose result is behind it and can still be corrected."""
    behind: dict[int, list[int]] = {}
    among = program_actions(program=program)
    for epoch in program.epochs.filter(state__in=Epoch.CORRECTABLE).order_by("number"):
        epoch.program = program
        for row in (each for each in actions_of(epoch=epoch, among=among) if each.after_scoring):
            behind.setdefault(row.action.pk, []).append(epoch.number)
    return behind


def program_actions(*, program: Program) -> list[MarketAction]:
    """Return every entry of a programme's markets and exchange, newest time first, withdrawn ones too."""
    return list(_of(program_markets(program=program), program.calendar).order_by("-from_ms", "-pk"))


def epochs_scored_already(*, program: Program, action: MarketAction) -> list[int]:
    """Return the numbers of the programme's scored epochs into which an action falls: it comes too late for them."""
    to_ms = action.from_ms + 1 if action.to_ms is None else action.to_ms
    found = program.epochs.brief().filter(start_ms__lt=to_ms, end_ms__gt=action.from_ms).order_by("number")
    return [epoch.number for epoch in found if _scored_at(epoch) is not None]


def program_markets(*, program: Program) -> list[str]:
    """Return the markets of a programme's epochs and template, by name."""
    # Each terms once: week after week they are the same.
    named = program.epochs.order_by("terms_key", "number").distinct("terms_key")
    documents = [*named.values_list("terms_json", flat=True), program.template_json]
    return sorted({market for document in documents for market in _markets_of(document)})


def splits_of(actions: Iterable[MarketAction], *, end_ms: int) -> tuple[Split, ...]:
    """Return the splits before a time as the engine takes them."""
    return tuple(sorted(_split_of(each) for each in actions if each.kind == Kind.SPLIT and each.from_ms < end_ms))


def halts_of(actions: Iterable[MarketAction], *, epoch: Epoch) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the halts within an epoch by market, as (from_ms, to_ms)."""
    halts: dict[str, list[tuple[int, int]]] = {}
    for each in actions:
        if each.kind == Kind.HALT and each.to_ms is not None:
            span = max(each.from_ms, epoch.start_ms), min(each.to_ms, epoch.end_ms)
            if span[0] < span[1]:
                halts.setdefault(each.subject, []).append(span)
    return {market: tuple(sorted(spans)) for market, spans in halts.items()}


def sessions_of(*, epoch: Epoch, actions: Iterable[MarketAction] | None = None) -> Sessions:
    """Return an epoch's sessions: as they were scheduled, with what closures since made of them.

    actions: those behind the epoch, fetched when they are not given.
    """
    rows = list(epoch.sessions.order_by("start_ms").values_list("start_ms", "end_ms", "kind"))
    if actions is None:
        actions = actions_behind(epoch=epoch)
    calendar = epoch.program.calendar
    spans = [(each.from_ms, each.to_ms) for each in actions if each.kind == Kind.CLOSURE and each.to_ms is not None]
    # A closed day reaches into the evening before and the night after it.
    near = [span for span in spans if span[0] < epoch.end_ms + DAY_MS and span[1] > epoch.start_ms - DAY_MS]
    if not near or not rows:
        return Sessions.from_rows(rows)
    return Sessions.from_rows(close_days(rows, calendar=calendar, days=days_within(calendar, near)))


def session_rows(*, epoch: Epoch) -> list[EpochSession]:
    """Return an epoch's sessions for pages, not stored: what closures made of them, or what it was scored with."""
    if not epoch.sessions.exists():
        return []
    rows = sessions_of(epoch=epoch).rows
    return [EpochSession(epoch=epoch, start_ms=start, end_ms=end, kind=kind) for start, end, kind in rows]


def evidence_actions(actions: Iterable[MarketAction], *, epoch: Epoch, splits: Collection[Split]) -> list[Action]:
    """Return the entries of actions.csv: the splits that count in the evidence, halts and closures of the epoch."""
    return [_entry(each) for each in actions if _applies(each, epoch, splits)]


def _applies(action: MarketAction, epoch: Epoch, splits: Collection[Split]) -> bool:
    if action.kind == Kind.SPLIT:
        return _split_of(action) in splits
    return action.from_ms < epoch.end_ms and (action.to_ms or 0) > epoch.start_ms


def _split_of(action: MarketAction) -> Split:
    return Split(action.subject, action.from_ms, action.new_shares or 0, action.old_shares or 0)


def _entry(action: MarketAction) -> Action:
    return Action(
        market=action.subject,
        kind=action.kind,
        from_ms=action.from_ms,
        to_ms=action.to_ms,
        new=action.new_shares or 0,
        old=action.old_shares or 0,
        entered_by=_who(action.entered_as, action.entered_by),
        confirmed_by=_who(action.confirmed_as, action.confirmed_by),
        reason=action.reason,
        source=action.source,
    )


def _of(markets: Collection[str], calendar: str) -> QuerySet[MarketAction]:
    closures = Q(kind=Kind.CLOSURE, subject=calendar)
    found = MarketAction.objects.filter(closures | (~Q(kind=Kind.CLOSURE) & Q(subject__in=markets)))
    return found.select_related("entered_by", "confirmed_by", "withdrawn_by").order_by("from_ms", "pk")


def _falls_into(epoch: Epoch, action: MarketAction, markets: Collection[str], calendar: str) -> bool:
    if action.confirmed_at is None or action.from_ms >= epoch.end_ms:
        return False
    if action.subject not in ([calendar] if action.kind == Kind.CLOSURE else markets):
        return False
    return action.from_ms >= epoch.start_ms if action.to_ms is None else action.to_ms > epoch.start_ms


def _markets_of(document: str) -> list[str]:
    return sorted(json.loads(document).get("markets", {})) if document else []


def _scored_at(epoch: Epoch) -> datetime | None:
    """Return when the epoch's present result was stored, None while it has none."""
    return None if epoch.state in (Epoch.State.SCHEDULED, Epoch.State.LIVE) else epoch.scored_at


def _who(role: str, person: User | None) -> str:
    return f"{User.Role(role).label.lower()} {person.public_name}" if person is not None else ""
