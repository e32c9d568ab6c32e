"""Market actions: entered by one person, confirmed by another, withdrawn; never changed. docs/market-actions.md"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import gcd

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.roles import Deed, Person, require
from onchain.models import Market
from rewards.calendars import calendar_names, calendar_zone
from rewards.engine.splits import MOST_SHARES
from rewards.errors import ActionRefusedError
from rewards.models import Correction, Epoch, MarketAction

Kind = MarketAction.Kind
MOST_REASON, MOST_SOURCE = 300, 500
_link = URLValidator(schemes=["http", "https"])
LONGEST_DAYS = 14
"""A closure of more days at once is more likely a slip of the hand than the news."""


@dataclass(frozen=True, kw_only=True)
class ActionDraft:
    """An action that has not been entered yet. subject: a market, of a closure a calendar. to_ms: None for a split."""

    kind: str
    subject: str
    from_ms: int
    to_ms: int | None = None
    new_shares: int | None = None
    old_shares: int | None = None
    reason: str
    source: str = ""


def closure_draft(*, calendar: str, first: date, last: date, reason: str, source: str = "") -> ActionDraft:
    """Return the closure of an exchange on its own days, from `first` to `last`, both included.

    Raises ActionRefusedError for an unknown calendar.
    """
    if calendar not in calendar_names():
        raise ActionRefusedError(reason=f"there is no calendar {calendar}; known are {', '.join(calendar_names())}")
    zone = calendar_zone(calendar)

    def midnight_ms(day: date) -> int:
        return int(datetime.combine(day, time(), tzinfo=zone).timestamp()) * 1000

    try:
        from_ms, to_ms = midnight_ms(first), midnight_ms(last + timedelta(days=1))
    except OverflowError as error:
        raise ActionRefusedError(reason=f"no calendar goes on beyond {last}") from error
    return ActionDraft(kind=Kind.CLOSURE, subject=calendar, from_ms=from_ms, to_ms=to_ms, reason=reason, source=source)


def action_check(*, draft: ActionDraft) -> None:
    """Raise ActionRefusedError, in one sentence, for an action that can't be entered. Writes nothing."""
    if not draft.reason.strip():
        raise ActionRefusedError(reason="say why: everybody who checks the epoch reads it")
    _check_words(draft)
    if draft.kind == Kind.CLOSURE:
        _check_closure(draft)
        return
    if not Market.objects.filter(name=draft.subject).exists():
        raise ActionRefusedError(reason=f"there is no market called {draft.subject}")
    if draft.kind == Kind.SPLIT:
        _check_split(draft)
    elif draft.kind != Kind.HALT:
        raise ActionRefusedError(reason=f"{draft.kind} is none of {', '.join(Kind.values)}")
    elif draft.to_ms is None or draft.to_ms <= draft.from_ms:
        raise ActionRefusedError(reason="a halt has to end after it begins")


def action_enter(*, by: Person, draft: ActionDraft) -> MarketAction:
    """Enter an action; it counts for nothing until another person confirms it.

    Raises NotPermittedError and ActionRefusedError.
    """
    person = _allowed(by)
    action_check(draft=draft)
    try:
        with transaction.atomic():
            return MarketAction.objects.create(
                kind=draft.kind, subject=draft.subject, from_ms=draft.from_ms, to_ms=draft.to_ms,
                new_shares=draft.new_shares, old_shares=draft.old_shares, reason=draft.reason.strip(),
                source=draft.source, entered_by=person, entered_as=person.role, entered_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError as error:
        raise ActionRefusedError(
            reason=f"{draft.subject} has a split at that time already; withdraw it first"
        ) from error


@transaction.atomic
def action_confirm(*, by: Person, action_id: int) -> MarketAction:
    """Confirm what another person entered: from now on it counts for every epoch that is not scored yet.

    Raises NotPermittedError and ActionRefusedError.
    """
    person, action = _allowed(by), _open(action_id)
    if action.confirmed_at is not None:
        raise ActionRefusedError(reason="it is confirmed already")
    if action.entered_by_id == person.pk:
        raise ActionRefusedError(reason="you entered it yourself, and another person has to confirm it")
    action.confirmed_by, action.confirmed_as, action.confirmed_at = person, person.role, timezone.now()
    action.save(update_fields=["confirmed_by", "confirmed_as", "confirmed_at"])
    return action


@transaction.atomic
def action_withdraw(*, by: Person, action_id: int, why: str) -> MarketAction:
    """Withdraw an action: it stays in the list and counts no more for epochs that are not scored yet.

    Raises NotPermittedError and ActionRefusedError.
    """
    person, action = _allowed(by), _open(action_id)
    if _is_being_scored_with(action):
        raise ActionRefusedError(reason="an epoch is being scored again because of it; withdraw it when that is done")
    if not why.strip():
        raise ActionRefusedError(reason="say why it is withdrawn")
    action.withdrawn_by, action.withdrawn_at, action.withdrawn_why = person, timezone.now(), why.strip()
    action.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawn_why"])
    return action


def _allowed(by: Person) -> User:
    require(person=by, deed=Deed.ENTER_MARKET_ACTION)
    if not isinstance(by, User):  # no role is given to anybody else
        raise ActionRefusedError(reason="nobody is signed in")
    return by


def _open(action_id: int) -> MarketAction:
    # Scoring holds its epoch while it stores what it found: an action counts for it, or is confirmed after it.
    list(Epoch.objects.select_for_update().filter(state=Epoch.State.LIVE).order_by("pk"))
    action = MarketAction.objects.select_for_update().filter(pk=action_id).first()
    if action is None:
        raise ActionRefusedError(reason="there is no such entry")
    if action.withdrawn_at is not None:
        raise ActionRefusedError(reason="it is withdrawn already; enter it again if it was right")
    return action


def _is_being_scored_with(action: MarketAction) -> bool:
    """Whether two people have had an epoch scored again with it: one of them alone doesn't undo that half-way."""
    corrections = Correction.objects.filter(kind="action", data__action=action.pk)
    is_on_its_way = Q(state=Correction.State.CONFIRMED)
    return corrections.filter(is_on_its_way | Q(state=Correction.State.APPLIED, epoch__state=Epoch.State.LIVE)).exists()


def _check_words(draft: ActionDraft) -> None:
    """Everybody gets to see and follow them, and a file may hold anything."""
    if len(draft.reason.strip()) > MOST_REASON or "\0" in draft.reason:
        raise ActionRefusedError(reason=f"the reason has at most {MOST_REASON} characters of text")
    if not draft.source:
        return
    try:
        _link(draft.source)
    except ValidationError as error:
        raise ActionRefusedError(reason="the source has to be a link that begins with https:// or http://") from error
    if len(draft.source) > MOST_SOURCE:
        raise ActionRefusedError(reason=f"the source has at most {MOST_SOURCE} characters")


def _check_split(draft: ActionDraft) -> None:
    new, old = draft.new_shares or 0, draft.old_shares or 0
    if not (1 <= new <= MOST_SHARES and 1 <= old <= MOST_SHARES):
        raise ActionRefusedError(reason=f"a split has two whole numbers from 1 to {MOST_SHARES:,}, as 4 new for 1 old")
    if gcd(new, old) != 1 or new == old:
        common = gcd(new, old)
        lowest = "changes nothing" if new == old else f"is {new // common} for {old // common}; write it like that"
        raise ActionRefusedError(reason=f"{new} for {old} {lowest}")
    if draft.to_ms is not None:
        raise ActionRefusedError(reason="a split happens at one instant and has no end")


def _check_closure(draft: ActionDraft) -> None:
    if draft.subject not in calendar_names():
        raise ActionRefusedError(reason=f"there is no calendar {draft.subject}")
    if draft.to_ms is None or draft.to_ms <= draft.from_ms:
        raise ActionRefusedError(reason="a closure ends on the day on which it begins, or later")
    if draft.to_ms - draft.from_ms > LONGEST_DAYS * 25 * 3_600_000:
        raise ActionRefusedError(reason=f"a closure of more than {LONGEST_DAYS} days has to be entered in pieces")
