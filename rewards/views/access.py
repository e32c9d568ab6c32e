"""What pages ask before they show something: accounts/roles.py decides, and services ask it again."""

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from accounts import roles
from accounts.models import Maker, User
from accounts.roles import Deed, Person


def sees_treasury(*, user: Person) -> bool:
    """Treasurers decide there; reviewers, guardians, operators and auditors look on."""
    return roles.may(person=user, deed=Deed.SEE_TREASURY)


def may_approve(*, user: Person) -> bool:
    """Only a treasurer can let an epoch's money go."""
    return roles.may(person=user, deed=Deed.APPROVE_EPOCH)


def enters_market_actions(*, user: Person) -> bool:
    """Operators and treasurers enter splits, halts and closures, and confirm each other's."""
    return roles.may(person=user, deed=Deed.ENTER_MARKET_ACTION)


def is_maker_member(*, user: Person) -> bool:
    """A maker's member has a scorecard to look at."""
    return roles.role_of(person=user) == User.Role.MAKER


def sees_all_makers(*, user: Person) -> bool:
    """Who reviews an epoch must be able to look at every scorecard."""
    return roles.may(person=user, deed=Deed.SEE_ALL_MAKERS)


def sees_maker(*, user: Person, maker: Maker) -> bool:
    """A maker's members see its scorecard, and who reviews sees all."""
    return roles.sees_maker(person=user, maker=maker)


def owns_account(*, user: Person, account: str) -> bool:
    """Somebody who has signed in and collects with this account."""
    return roles.owns_account(person=user, account=account)


def hands_in_safe_signatures(*, user: Person) -> bool:
    """Treasurers and operators bring what the Safe's owners have signed."""
    return roles.may(person=user, deed=Deed.HAND_IN_SAFE_SIGNATURE)


def manages_treasury_webhooks(*, user: Person) -> bool:
    """Treasurers and operators say where the treasury's notices are posted to."""
    return roles.may(person=user, deed=Deed.MANAGE_TREASURY_WEBHOOKS)


def gives_roles(*, user: Person) -> bool:
    """Operators say who has which role."""
    return roles.may(person=user, deed=Deed.SET_ROLES)


def sees_running(*, user: Person) -> bool:
    """Hosts, balances and queues are for those who watch over the service."""
    return roles.may(person=user, deed=Deed.SEE_RUNNING)


def derives_again(*, user: Person) -> bool:
    """Operators resolve a market's quarantine."""
    return roles.may(person=user, deed=Deed.DERIVE_AGAIN)


def refuse(*, request: HttpRequest, sentence: str) -> HttpResponseBase:
    """Send somebody who has not signed in to the sign-in page; tell everybody else no, and why.

    Raises PermissionDenied with the sentence, which the 403 page shows.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    raise PermissionDenied(sentence)
