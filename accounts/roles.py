"""Who may do what: the one place that says it. Views ask it to show or hide, services ask it again before they write.

A small table of ours: the `rules` library's last release (September 2024) is older than Django 5.2.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from django.contrib.auth.models import AnonymousUser

from accounts.errors import NotPermittedError
from accounts.models import Maker, User

Person = User | AnonymousUser
Role = User.Role


class Deed(Enum):
    """What only some may do; the value is what a refusal calls it."""

    SEE_TREASURY = "Looking at the treasury's pages"
    SEE_ALL_MAKERS = "Looking at every maker's scorecard"
    APPROVE_EPOCH = "Approving an epoch"
    HAND_IN_SAFE_SIGNATURE = "Handing in a signature for the treasury's Safe"
    MANAGE_EVERY_MAKER = "Saying who belongs to any maker"
    SET_ROLES = "Giving roles"
    MANAGE_TREASURY_WEBHOOKS = "Looking after the treasury's webhooks"
    ANSWER_DISPUTE = "Answering in a dispute"
    DECIDE_DISPUTE = "Deciding a dispute"
    CORRECT_EPOCH = "Correcting an epoch"


_WATCHERS: Final = frozenset({Role.TREASURER, Role.REVIEWER, Role.GUARDIAN, Role.OPERATOR, Role.AUDITOR})
ALLOWED: Final[Mapping[Deed, frozenset[Role]]] = {
    Deed.SEE_TREASURY: _WATCHERS,
    Deed.SEE_ALL_MAKERS: _WATCHERS,
    Deed.APPROVE_EPOCH: frozenset({Role.TREASURER}),
    # The Safe itself says whose signature it is; the role only keeps strangers from trying.
    Deed.HAND_IN_SAFE_SIGNATURE: frozenset({Role.TREASURER, Role.OPERATOR}),
    Deed.MANAGE_EVERY_MAKER: frozenset({Role.OPERATOR}),
    Deed.SET_ROLES: frozenset({Role.OPERATOR}),
    Deed.MANAGE_TREASURY_WEBHOOKS: frozenset({Role.TREASURER, Role.OPERATOR}),
    Deed.ANSWER_DISPUTE: frozenset({Role.TREASURER, Role.REVIEWER, Role.OPERATOR}),
    Deed.DECIDE_DISPUTE: frozenset({Role.TREASURER}),
    # Two of them for each correction: one enters it, another confirms it.
    Deed.CORRECT_EPOCH: frozenset({Role.TREASURER, Role.REVIEWER, Role.OPERATOR}),
}
APART_FROM_MAKERS: Final = _WATCHERS
"""Roles that decide on makers' pay or watch over it: who has one belongs to no maker."""


def role_of(*, person: Person) -> str:
    """Return the person's role, or an empty string for somebody who has not signed in or is switched off."""
    return person.role if isinstance(person, User) and person.is_active else ""


def may(*, person: Person, deed: Deed) -> bool:
    """Whether the person's role allows the deed."""
    return role_of(person=person) in ALLOWED[deed]


def owns_account(*, person: Person, account: str) -> bool:
    """Whether the person has proven the account by a signature, or an operator has put it down as theirs."""
    if not isinstance(person, User) or not person.is_active:
        return False
    if person.wallet and person.wallet == account.lower():
        return True
    return person.wallets.filter(address=account.lower()).exists()


def belongs_to(*, person: Person, maker: Maker) -> bool:
    """Whether the person is a member of this maker."""
    return _is_maker(person) and isinstance(person, User) and maker.members.contains(person)


def sees_maker(*, person: Person, maker: Maker) -> bool:
    """A maker's members see its private figures, and so does who reviews or audits all."""
    return may(person=person, deed=Deed.SEE_ALL_MAKERS) or belongs_to(person=person, maker=maker)


def manages_maker(*, person: Person, maker: Maker) -> bool:
    """A maker's admins say who belongs to it, and operators do so for every maker."""
    if may(person=person, deed=Deed.MANAGE_EVERY_MAKER):
        return True
    return belongs_to(person=person, maker=maker) and isinstance(person, User) and maker.admins.contains(person)


def require(*, person: Person, deed: Deed) -> None:
    """Raise NotPermittedError unless the person's role allows the deed."""
    if not may(person=person, deed=deed):
        raise NotPermittedError(what=deed.value, who=" or ".join(sorted(f"{role.label}s" for role in ALLOWED[deed])))


def user_of(person: Person) -> User:
    """Return the person as a row that others can point to. Raises NotPermittedError for who has not signed in."""
    if not isinstance(person, User):
        raise NotPermittedError(what="This", who="people who have signed in")
    return person


def require_manages_maker(*, person: Person, maker: Maker) -> None:
    """Raise NotPermittedError unless the person manages this maker."""
    if not manages_maker(person=person, maker=maker):
        raise NotPermittedError(what=f"Saying who belongs to {maker.name}", who="its admins and operators")


def _is_maker(person: Person) -> bool:
    return role_of(person=person) == Role.MAKER
