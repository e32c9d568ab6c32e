"""Services of who has which role, who belongs to which maker, and who is an admin there."""

from typing import Final

from django.db import transaction

from accounts.errors import (
    LastAdminError,
    MemberConflictError,
    NotMemberError,
    OperatorExistsError,
    OwnRoleError,
    RoleReasonError,
)
from accounts.maker_signals import people_changed
from accounts.models import Maker, RoleChange, User
from accounts.roles import APART_FROM_MAKERS, Deed, Person, require, require_manages_maker

MOST_REASON_CHARS: Final = 300


@transaction.atomic
def role_set(*, by: Person, person: User, role: User.Role, reason: str = "Given in a shell.") -> None:
    """Give the person a role, and write down who gave it and why. An operator does it, and not to themselves.

    So an operator is always left: whoever takes the role from another has it. Raises NotPermittedError, OwnRoleError,
    RoleReasonError, and MemberConflictError for a role that a maker's member can't have.
    """
    require(person=by, deed=Deed.SET_ROLES)
    if by.pk == person.pk:
        raise OwnRoleError
    # Both locked, in one order: so that nobody becomes a member while the role changes, and of two operators who
    # take the role from each other at once the second finds that it has none any more.
    locked_rows = User.objects.select_for_update().filter(pk__in=[by.pk, person.pk]).order_by("pk")
    people: dict[int | None, User] = {each.pk: each for each in locked_rows}
    giver, locked = people[by.pk], people[person.pk]
    require(person=giver, deed=Deed.SET_ROLES)
    if role in APART_FROM_MAKERS and locked.makers.exists():
        raise MemberConflictError(person=person.username, role=role.label.lower())
    _change(locked, role=role, by=giver, reason=reason)
    person.role = locked.role


@transaction.atomic
def first_operator_make(*, person: User) -> None:
    """Make the first operator, for whom nobody else can; somebody with a shell on the server does it.

    Raises OperatorExistsError once there is one, and MemberConflictError for a maker's member.
    """
    User.objects.select_for_update().get(pk=person.pk)
    operator = User.objects.filter(role=User.Role.OPERATOR, is_active=True).first()
    if operator is not None:
        raise OperatorExistsError(person=operator.username)
    if person.makers.exists():
        raise MemberConflictError(person=person.username, role=User.Role.OPERATOR.label.lower())
    _change(person, role=User.Role.OPERATOR, by=None, reason="The first operator, made on the server.")


def _change(person: User, *, role: str, by: User | None, reason: str) -> None:
    """Write the role and the row that says so; a role that the person has already changes nothing."""
    reason = reason.strip()
    if not 0 < len(reason) <= MOST_REASON_CHARS:
        raise RoleReasonError(most=MOST_REASON_CHARS)
    if person.role == role:
        return
    RoleChange.objects.create(
        person=person,
        person_name=person.username,
        by=by,
        by_name=by.username if by else "",
        role_before=person.role,
        role_after=role,
        reason=reason,
    )
    person.role = role
    person.save(update_fields=["role"])


@transaction.atomic
def member_add(*, by: Person, maker: Maker, person: User, is_admin: bool = False) -> None:
    """Make the person a member of the maker, and an admin there if asked; who is one stays one.

    A maker's admin or an operator does it; every member is warned of a new admin. Raises NotPermittedError and
    MemberConflictError.
    """
    require_manages_maker(person=by, maker=maker)
    locked = User.objects.select_for_update().get(pk=person.pk)
    if locked.role in APART_FROM_MAKERS:
        raise MemberConflictError(person=person.username, role=locked.get_role_display().lower())
    _change(locked, role=User.Role.MAKER, by=_named(by), reason=f"Became a member of {maker.name}.")
    person.role = locked.role
    maker.members.add(locked)
    if is_admin and not maker.admins.contains(locked):
        maker.admins.add(locked)
        _tell(maker, by=by, person=locked, what=f"{locked.username} is an admin of {maker.name} now.")


@transaction.atomic
def member_remove(*, by: Person, maker: Maker, person: User) -> None:
    """Take the person out of the maker; who belongs to no maker any more is a provider again.

    A maker's admin or an operator does it; the person and every member are warned. Raises NotPermittedError,
    NotMemberError and LastAdminError.
    """
    require_manages_maker(person=by, maker=maker)
    _lock(maker, person)
    _keep_an_admin(maker, person)
    _tell(maker, by=by, person=person, what=f"{person.username} is no member of {maker.name} any more.")
    maker.admins.remove(person)
    maker.members.remove(person)
    person.refresh_from_db(fields=["role"])
    if person.role == User.Role.MAKER and not person.makers.exists():
        _change(person, role=User.Role.PROVIDER, by=_named(by), reason=f"Left {maker.name}.")


@transaction.atomic
def member_admin_set(*, by: Person, maker: Maker, person: User, is_admin: bool) -> None:
    """Make a member an admin of the maker, or no longer one; what somebody is already changes nothing.

    A maker's admin or an operator does it; every member is warned. Raises NotPermittedError, NotMemberError and
    LastAdminError.
    """
    require_manages_maker(person=by, maker=maker)
    _lock(maker, person)
    if is_admin == maker.admins.contains(person):
        return
    if is_admin:
        maker.admins.add(person)
    else:
        _keep_an_admin(maker, person)
        maker.admins.remove(person)
    now = "an admin" if is_admin else "no admin"
    ending = " now." if is_admin else " any more."
    _tell(maker, by=by, person=person, what=f"{person.username} is {now} of {maker.name}{ending}")


def _tell(maker: Maker, *, by: Person, person: User, what: str) -> None:
    """Have every member told, while the person still counts as one; without that the change is undone."""
    people_changed.send(sender=Maker, maker=maker, by=by, person=person, what=what, told=list(maker.members.all()))


def _named(by: Person) -> User | None:
    return by if isinstance(by, User) else None


def _lock(maker: Maker, person: User) -> None:
    """Hold the maker's row, so that of two admins who remove each other at once one is refused."""
    Maker.objects.select_for_update().get(pk=maker.pk)
    User.objects.select_for_update().get(pk=person.pk)
    if not maker.members.contains(person):
        raise NotMemberError(person=person.username, maker=maker.name)


def _keep_an_admin(maker: Maker, person: User) -> None:
    # A maker that never had an admin is looked after by operators, and may lose its members.
    if maker.admins.contains(person) and maker.members.count() > 1 and maker.admins.count() == 1:
        raise LastAdminError(person=person.username, maker=maker.name)
