"""What a person may see of their own ways in and sign-ins, of makers' members and of people's roles; reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db.models import Q

from accounts.fields import address_pattern
from accounts.models import Maker, RoleChange, SignIn, User, Wallet
from accounts.roles import APART_FROM_MAKERS, Deed, may

LOG_ROWS = 50
FOUND_ROWS = 20
CHANGE_ROWS = 100
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


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has set up beside their ways in; `codes_left` counts recovery codes, None where there are none."""

    passkeys: list[Authenticator]
    app: Authenticator | None
    codes_left: int | None

    @property
    def any(self) -> bool:
        """Whether there is a second factor."""
        return bool(self.passkeys) or self.app is not None


def factors_of(*, person: User) -> Factors:
    """Return the person's passkeys, the oldest first, their authenticator app and how many recovery codes are left."""
    held = list(Authenticator.objects.filter(user_id=person.pk).order_by("created_at", "pk"))
    by_type = {each.type: each for each in held}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    return Factors(
        passkeys=[each for each in held if each.type == Authenticator.Type.WEBAUTHN],
        app=by_type.get(Authenticator.Type.TOTP),
        codes_left=None if codes is None else len(codes.wrap().get_unused_codes()),
    )


def emails_of(*, person: User) -> list[EmailAddress]:
    """Return the person's verified e-mail addresses, the one that notices go to first."""
    return list(EmailAddress.objects.filter(user_id=person.pk, verified=True).order_by("-primary", "email"))


def people_found(*, text: str) -> list[User]:
    """Return up to FOUND_ROWS people whose name, e-mail address or wallet contains `text`; nobody for an empty text."""
    if not text:
        return []
    match = Q(username__icontains=text) | Q(wallets__address__icontains=text)
    match |= Q(emailaddress__email__icontains=text, emailaddress__verified=True)
    people = User.objects.filter(match).distinct().prefetch_related("makers", "wallets", "emailaddress_set")
    return list(people.order_by("username")[:FOUND_ROWS])


def people_with_roles() -> list[User]:
    """Return everybody who decides on pay or watches over it, by role and name."""
    people = User.objects.filter(role__in=APART_FROM_MAKERS).prefetch_related("makers", "wallets", "emailaddress_set")
    return list(people.order_by("role", "username"))


def role_changes() -> list[RoleChange]:
    """Return the last CHANGE_ROWS changes of roles, the newest first."""
    return list(RoleChange.objects.all()[:CHANGE_ROWS])


def signed_in_recently(*, person: User, session_key: str, now: datetime) -> bool:
    """Whether this session of the person began within the last hour: what moves money asks for that."""
    return bool(session_key) and person.sign_ins.filter(session_key=session_key, at__gt=now - RECENT).exists()
