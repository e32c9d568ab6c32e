"""Warns a maker's people when somebody changes where its pay goes or who belongs to it.

The one who did it is written to as well: the session may be in other hands. The rows stand or fall with the change
itself, and are mailed and tried again like every notice. Nobody can switch these mails off, and no webhook gets them.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from accounts.models import Maker, User
from accounts.roles import Person
from rewards.models import Delivery, Notice


def pay_warn(*, maker: Maker, by: Person, what: str, reason: str = "", page: str = "maker-payouts") -> None:
    """Warn every member that pay goes elsewhere; call it in the transaction of the change.

    what: a sentence that says where pay goes now. page: the name of the page on which an admin changes it.
    """
    _warn(
        Notice.Kind.PAY_CHANGED,
        maker,
        told=maker.members.all(),
        subject=f"The pay of {maker.name} goes elsewhere",
        what=f"{_called(by, maker)} has changed where the pay of {maker.name} goes, for epochs that begin from now on. "
        f"{what}",
        reason=reason,
        to_do=f"If nobody of yours has decided this, an admin of {maker.name} can put it right before the next epoch "
        "begins.",
        path=reverse(page, args=[maker.slug]),
    )


def people_warn(*, maker: Maker, by: Person, person: User, what: str, told: Iterable[User], **_: Any) -> None:
    """Warn whom it is about and every member that somebody was removed, or that an admin came or went.

    The receiver of accounts.maker_signals.people_changed, so it runs in the transaction of the change.
    """
    _warn(
        Notice.Kind.PEOPLE_CHANGED,
        maker,
        told=told,
        subject=f"Who belongs to {maker.name} has changed",
        what=f"{what} {_called(by, maker)} did it.",
        reason="",
        to_do=f"If nobody of yours has decided this, another admin of {maker.name}, or an operator of this site, can "
        "put it right. Look also at where its pay goes: it can still be changed before the next epoch begins.",
        path=reverse("accounts:members", args=[maker.slug]),
    )


def _warn(kind: Notice.Kind, maker: Maker, *, told: Iterable[User], **says: str) -> None:
    now = timezone.now()
    # Each change is news, also the same one again: a key of its own.
    notice = Notice.objects.create(kind=kind, key=f"{kind} {maker.slug} {uuid4().hex}", maker=maker, data=says, at=now)
    people = {person.pk: person for person in told if person.is_active and person.email}
    Delivery.objects.bulk_create(Delivery(notice=notice, person=people[key], next_at=now) for key in sorted(people))


def _called(by: Person, maker: Maker) -> str:
    """Name who did it as the maker's people know them; of others not the address that they sign in with."""
    if not isinstance(by, User):
        return "Somebody"
    if maker.members.contains(by):
        return by.username
    return f"{by.get_full_name() or by.public_name} ({by.get_role_display().lower()})"
