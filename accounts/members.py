"""Services of who has which role, who belongs to which maker, and who is an admin there."""

from django.db import transaction

from accounts.errors import LastAdminError, MemberConflictError, NotMemberError, OwnRoleError
from accounts.models import Maker, User
from accounts.roles import APART_FROM_MAKERS, Deed, Person, require, require_manages_maker


@transaction.atomic
def role_set(*, by: Person, person: User, role: User.Role) -> None:
    """Give the person a role. An operator does it, and not to themselves.

    Raises NotPermittedError, OwnRoleError, and MemberConflictError for a role that a maker's member can't have.
    """
    require(person=by, deed=Deed.SET_ROLES)
    if by.pk == person.pk:
        raise OwnRoleError
    # Locked, so that nobody becomes a member while the role changes.
    locked = User.objects.select_for_update().get(pk=person.pk)
    if role in APART_FROM_MAKERS and locked.makers.exists():
        raise MemberConflictError(person=person.username, role=role.label.lower())
    locked.role = person.role = role
    locked.save(update_fields=["role"])


@transaction.atomic
def member_add(*, by: Person, maker: Maker, person: User, is_admin: bool = False) -> None:
    """Make the person a member of the maker, and an admin there if asked; who is one stays one.

    A maker's admin or an operator does it. Raises NotPermittedError and MemberConflictError.
    """
    require_manages_maker(person=by, maker=maker)
    locked = User.objects.select_for_update().get(pk=person.pk)
    if locked.role in APART_FROM_MAKERS:
        raise MemberConflictError(person=person.username, role=locked.get_role_display().lower())
    locked.role = person.role = User.Role.MAKER
    locked.save(update_fields=["role"])
    maker.members.add(locked)
    if is_admin:
        maker.admins.add(locked)


@transaction.atomic
def member_remove(*, by: Person, maker: Maker, person: User) -> None:
    """Take the person out of the maker; who belongs to no maker any more is a provider again.

    A maker's admin or an operator does it. Raises NotPermittedError, NotMemberError and LastAdminError.
    """
    require_manages_maker(person=by, maker=maker)
    _lock(maker, person)
    _keep_an_admin(maker, person)
    maker.admins.remove(person)
    maker.members.remove(person)
    if not person.makers.exists():
        User.objects.filter(pk=person.pk, role=User.Role.MAKER).update(role=User.Role.PROVIDER)
        person.refresh_from_db(fields=["role"])


@transaction.atomic
def member_admin_set(*, by: Person, maker: Maker, person: User, is_admin: bool) -> None:
    """Make a member an admin of the maker, or no longer one.

    A maker's admin or an operator does it. Raises NotPermittedError, NotMemberError and LastAdminError.
    """
    require_manages_maker(person=by, maker=maker)
    _lock(maker, person)
    if is_admin:
        maker.admins.add(person)
    else:
        _keep_an_admin(maker, person)
        maker.admins.remove(person)


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
