"""What a person may see of their own sign-ins and wallets; reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session

from accounts.models import SignIn, User, Wallet

LOG_ROWS = 50


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser in which the person is signed in; `is_this` marks the one that asks."""

    sign_in: SignIn
    is_this: bool


def wallets_of(*, person: User) -> Sequence[Wallet]:
    """Return the person's wallets, the oldest link first."""
    return list(person.wallets.all())


def open_sessions(*, person: User, session_key: str | None, now: datetime) -> list[OpenSession]:
    """Return the sessions of the person that have neither ended nor expired, the newest first."""
    rows = list(person.sign_ins.exclude(session_key=""))
    keys = [row.session_key for row in rows]
    alive = set(Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("session_key", flat=True))
    return [OpenSession(row, row.session_key == session_key) for row in rows if row.session_key in alive]


def sign_in_log(*, person: User) -> list[SignIn]:
    """Return the person's last LOG_ROWS sign-ins, the newest first."""
    return list(person.sign_ins.all()[:LOG_ROWS])
