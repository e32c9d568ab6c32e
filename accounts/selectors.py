"""What a person may see of their own sign-ins and wallets, and of makers' members; reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from accounts.fields import address_pattern
from accounts.models import Maker, SignIn, User, Wallet
from accounts.roles import Deed, may

LOG_ROWS = 50
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser in which the person is signed in; `is_this` marks the one that asks."""

    sign_in: SignIn
    is_this: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who belongs to a maker."""

    person: User
    is_admin: bool


def members_of(*, maker: Maker) -> list[Member]:
    """Return the maker's members by name."""
    admins = set(maker.admins.values_list("pk", flat=True))
    return [Member(person, person.pk in admins) for person in maker.members.order_by("username")]


def makers_managed(*, person: User) -> list[Maker]:
    """Return the makers whose members the person names."""
    if may(person=person, deed=Deed.MANAGE_EVERY_MAKER):
        return list(Maker.objects.all())
    return list(person.administered_makers.filter(members=person))


def person_called(*, name: str) -> User | None:
    """Return the person with this user name, or with this wallet."""
    found = User.objects.filter(username=name).first()
    if found is not None or not address_pattern.fullmatch(name.lower()):
        return found
    return User.objects.filter(wallets__address=name.lower()).first()


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


def signed_in_recently(*, person: User, session_key: str, now: datetime) -> bool:
    """Whether this session of the person began within the last hour: what moves money asks for that."""
    return bool(session_key) and person.sign_ins.filter(session_key=session_key, at__gt=now - RECENT).exists()
