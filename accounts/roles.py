"""Who may do what: the one place that says it. Views ask it to show or hide, services ask it again before they write.

A small table of ours: the `rules` library's last release (September 2024) is older than Django 5.2.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts.errors import NotPermittedError, SecondFactorNeededError
from accounts.models import Maker, User
from accounts.second_factor import has_second_factor

Person = User | AnonymousUser
Role = User.Role


class Deed(Enum):
    """What only some may do; the value is what a refusal calls it."""

    SEE_TREASURY = "Looking at the treasury's pages"
    SEE_ALL_MAKERS = "Looking at every maker's scorecard"
    APPROVE_EPOCH = "Approving an epoch"
    PUT_EPOCH_FORWARD = "Putting an epoch forward"
    SEND_EPOCH_BACK = "Sending an epoch back, or lifting that"
    JUDGE_FLAG = "Judging a flag"
    COMMENT_ON_EPOCH = "Commenting on an epoch"
    HAND_IN_SAFE_SIGNATURE = "Handing in a signature for the treasury's Safe"
    OPEN_PROGRAM = "Opening a programme"
    DRAFT_TERMS = "Drafting terms"
    REVIEW_TERMS = "Reviewing terms"
    WITHDRAW_TERMS = "Withdrawing terms"
    COMMENT_ON_TERMS = "Commenting on terms"
    MANAGE_EVERY_MAKER = "Saying who belongs to any maker"
    SET_ROLES = "Giving roles"
    MANAGE_TREASURY_WEBHOOKS = "Looking after the treasury's webhooks"
    SEE_ENROLMENTS = "Looking at requests for enrolment"
    ENROL_MAKERS = "Deciding who is enrolled"
    LOAD_SANCTIONS = "Loading a sanctions list"
    WITHHOLD_PAY = "Withholding a maker's pay"
    ACCEPT_OUTLIERS = "Accepting accounts that stand out"
    ENTER_MARKET_ACTION = "Entering, confirming or withdrawing a market action"
    ANSWER_DISPUTE = "Answering in a dispute"
    DECIDE_DISPUTE = "Deciding a dispute"
    CORRECT_EPOCH = "Correcting an epoch"
    MAKE_API_KEY = "Making an API key"
    READ_ALL_BY_KEY = "Making an API key that reads every maker's figures"
    ASK_WHAT_IF = "Asking what other terms would have paid"
    DERIVE_AGAIN = "Deriving a market again"
    RESOLVE_ALARM = "Resolving an alarm of the chain"
    SEE_RUNNING = "Looking at how the service runs"


_WATCHERS: Final = frozenset({Role.TREASURER, Role.REVIEWER, Role.GUARDIAN, Role.OPERATOR, Role.AUDITOR})
ALLOWED: Final[Mapping[Deed, frozenset[Role]]] = {
    Deed.SEE_TREASURY: _WATCHERS,
    Deed.SEE_ALL_MAKERS: _WATCHERS,
    Deed.APPROVE_EPOCH: frozenset({Role.TREASURER}),
    # Who of a treasurer and a reviewer does which is up to them; the same person never puts forward and approves.
    Deed.PUT_EPOCH_FORWARD: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.SEND_EPOCH_BACK: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.JUDGE_FLAG: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.COMMENT_ON_EPOCH: frozenset({Role.TREASURER, Role.REVIEWER, Role.GUARDIAN, Role.OPERATOR}),
    # The Safe itself says whose signature it is; the role only keeps strangers from trying.
    Deed.HAND_IN_SAFE_SIGNATURE: frozenset({Role.TREASURER, Role.OPERATOR}),
    Deed.OPEN_PROGRAM: frozenset({Role.TREASURER}),
    Deed.DRAFT_TERMS: frozenset({Role.TREASURER}),
    # Four eyes: the service and the database see to it that nobody reviews what they drafted.
    Deed.REVIEW_TERMS: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.WITHDRAW_TERMS: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.COMMENT_ON_TERMS: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.MANAGE_EVERY_MAKER: frozenset({Role.OPERATOR}),
    Deed.SET_ROLES: frozenset({Role.OPERATOR}),
    Deed.MANAGE_TREASURY_WEBHOOKS: frozenset({Role.TREASURER, Role.OPERATOR}),
    Deed.SEE_ENROLMENTS: _WATCHERS,
    Deed.ENROL_MAKERS: frozenset({Role.OPERATOR}),
    Deed.LOAD_SANCTIONS: frozenset({Role.OPERATOR}),
    Deed.WITHHOLD_PAY: frozenset({Role.TREASURER}),
    Deed.ACCEPT_OUTLIERS: frozenset({Role.TREASURER, Role.REVIEWER}),
    # Whoever enters one needs another of them to confirm it.
    Deed.ENTER_MARKET_ACTION: frozenset({Role.OPERATOR, Role.TREASURER}),
    Deed.ANSWER_DISPUTE: frozenset({Role.TREASURER, Role.REVIEWER, Role.OPERATOR}),
    Deed.DECIDE_DISPUTE: frozenset({Role.TREASURER}),
    # Two of them for each correction: one enters it, another confirms it.
    Deed.CORRECT_EPOCH: frozenset({Role.TREASURER, Role.REVIEWER, Role.OPERATOR}),
    # A key reads, and never more than its person may see at that moment.
    Deed.MAKE_API_KEY: frozenset(Role),
    Deed.READ_ALL_BY_KEY: _WATCHERS,
    Deed.ASK_WHAT_IF: frozenset({Role.TREASURER, Role.REVIEWER}),
    Deed.DERIVE_AGAIN: frozenset({Role.OPERATOR}),
    Deed.RESOLVE_ALARM: frozenset({Role.OPERATOR}),
    Deed.SEE_RUNNING: _WATCHERS,
}
APART_FROM_MAKERS: Final = _WATCHERS
"""Roles that decide on makers' pay or watch over it: who has one belongs to no maker."""


NEED_SECOND_FACTOR: Final = _WATCHERS
"""Roles that do nothing without a second factor, where the settings ask for one (production always does)."""


def role_of(*, person: Person) -> str:
    """Return the person's role, or an empty string for somebody who has not signed in or is switched off."""
    return person.role if isinstance(person, User) and person.is_active else ""


def may(*, person: Person, deed: Deed) -> bool:
    """Whether the person's role allows the deed, and the person has the second factor that the role needs."""
    return role_of(person=person) in ALLOWED[deed] and not lacks_second_factor(person=person)


def needs_second_factor(*, person: Person) -> bool:
    """Whether the person's role is one that does nothing without a second factor here."""
    return settings.SECOND_FACTOR_REQUIRED and role_of(person=person) in NEED_SECOND_FACTOR


def lacks_second_factor(*, person: Person) -> bool:
    """Whether the person needs a second factor and has set none up."""
    return needs_second_factor(person=person) and isinstance(person, User) and not has_second_factor(person=person)


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
    return is_makers_admin(person=person, maker=maker)


def is_makers_admin(*, person: Person, maker: Maker) -> bool:
    """Whether the person is an admin of this maker: who speaks for it. Operators are not."""
    return belongs_to(person=person, maker=maker) and isinstance(person, User) and maker.admins.contains(person)


def names_payouts(*, person: Person, maker: Maker) -> bool:
    """A maker's admins say where its pay goes; operators only for a maker that has no admin yet."""
    if may(person=person, deed=Deed.ENROL_MAKERS):
        return not maker.admins.exists()
    return is_makers_admin(person=person, maker=maker)


def may_ask_for_enrolment(*, person: Person) -> bool:
    """Whoever has signed in, but for those who decide on makers' pay or watch over it."""
    return isinstance(person, User) and person.is_active and person.role not in APART_FROM_MAKERS


def sees_enrolment(*, person: Person, asked_by_id: int) -> bool:
    """Who asked sees the request, and so does who reviews or audits."""
    if may(person=person, deed=Deed.SEE_ENROLMENTS):
        return True
    return isinstance(person, User) and person.is_active and person.pk == asked_by_id


def require_makers_admin(*, person: Person, maker: Maker, what: str) -> None:
    """Raise NotPermittedError, which names the deed, unless the person is an admin of this maker."""
    if not is_makers_admin(person=person, maker=maker):
        raise NotPermittedError(what=f"{what} of {maker.name}", who="its admins")


def require(*, person: Person, deed: Deed) -> None:
    """Raise NotPermittedError unless the role allows it; SecondFactorNeededError if only the factor is missing."""
    if role_of(person=person) in ALLOWED[deed] and lacks_second_factor(person=person):
        raise SecondFactorNeededError(what=deed.value)
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
