"""Resolves an alarm about the chain: an operator has found out who is right, and lets the indexer look again."""

from datetime import datetime

from django.db import transaction

from accounts.roles import Deed, Person, require
from onchain.models import Alarm
from rewards.errors import NotFoundError, ReasonNeededError


@transaction.atomic
def chain_alarm_resolve(*, by: Person, kind: str, reason: str, now: datetime) -> Alarm:
    """Close the open alarm of a kind; returns it. now: this machine's clock.

    The indexer looks at the chain again with its next turn, and raises the alarm anew if nothing has changed. Raises
    NotPermittedError, NotFoundError without such an alarm, ReasonNeededError.
    """
    require(person=by, deed=Deed.RESOLVE_ALARM)
    alarm = Alarm.objects.select_for_update().filter(kind=kind, resolved_at=None).first()
    if alarm is None:
        raise NotFoundError(kind="open alarm", name=kind)
    if not reason.strip():
        raise ReasonNeededError(what="Resolving an alarm")
    alarm.message = f"{alarm.message} Resolved by {by.get_username()}: {reason.strip()}"
    alarm.resolved_at = now
    alarm.save(update_fields=["message", "resolved_at"])
    return alarm
