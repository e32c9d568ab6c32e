"""Who may see and do what, in one place; the services that change something check again."""

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from accounts.models import Maker, User

Person = User | AnonymousUser


def role_of(*, user: Person) -> str:
    """Return the person's role, or an empty string for somebody who has not signed in."""
    return user.role if isinstance(user, User) and user.is_active else ""


def sees_treasury(*, user: Person) -> bool:
    """Treasurers decide there; operators look on."""
    return role_of(user=user) in (User.Role.TREASURER, User.Role.OPERATOR)


def may_approve(*, user: Person) -> bool:
    """Only a treasurer can let an epoch's money go."""
    return role_of(user=user) == User.Role.TREASURER


def is_maker_member(*, user: Person) -> bool:
    """A maker's member has a scorecard to look at."""
    return role_of(user=user) == User.Role.MAKER


def sees_all_makers(*, user: Person) -> bool:
    """Who reviews an epoch must be able to look at every scorecard."""
    return sees_treasury(user=user)


def sees_maker(*, user: Person, maker: Maker) -> bool:
    """A maker's members see its scorecard, and who reviews sees all."""
    if sees_all_makers(user=user):
        return True
    return is_maker_member(user=user) and isinstance(user, User) and maker.members.contains(user)


def owns_account(*, user: Person, account: str) -> bool:
    """Somebody who has signed in and collects with this account."""
    return isinstance(user, User) and user.is_active and bool(user.wallet) and user.wallet == account.lower()


def refuse(*, request: HttpRequest, sentence: str) -> HttpResponseBase:
    """Send somebody who has not signed in to the sign-in page; tell everybody else no, and why.

    Raises PermissionDenied with the sentence, which the 403 page shows.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    raise PermissionDenied(sentence)
