"""Who asks: an API key, the session of a page, or anybody; and what they may see."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import roles
from accounts.api_keys import api_key_check
from accounts.errors import AccountsError, ApiKeyRefusedError, NotPermittedError, SecondFactorNeededError
from accounts.models import ApiKey, Maker, User
from accounts.roles import Deed, user_of
from accounts.second_factor import session_showed_second_factor
from accounts.sign_in import session_person
from accounts.throttle import count_try, place_key
from rewards.api.errors import CHALLENGE, ForgeryError, ScopeError
from rewards.errors import NotFoundError, RewardsError

MOST_REFUSED: Final = 60
"""Refused keys from one place in five minutes."""
Scope = ApiKey.Scope


@dataclass(frozen=True, slots=True)
class Who:
    """As much of DRF's request as permissions and limits look at."""

    user: User
    auth: ApiKey | None


class KeyAuthentication(BaseAuthentication):  # type: ignore[misc]  # untyped
    """`Authorization: Bearer lamp_…`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the key's person and the key; None where none is sent. Raises AuthenticationFailed."""
        given = request.headers.get("Authorization", "")
        if not given:
            return None
        scheme, _, text = given.partition(" ")
        ip, now = request.META.get("REMOTE_ADDR"), timezone.now()
        try:
            if scheme.lower() != "bearer":
                raise ApiKeyRefusedError(reason="It has to be sent as “Bearer” and the key")
            key = api_key_check(text=text.strip(), ip=ip, now=now)
        except ApiKeyRefusedError as error:
            count_try(key=f"api refused {place_key(ip=ip)}", most=MOST_REFUSED, now=now)
            raise AuthenticationFailed(str(error)) from error
        return key.person, key

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return CHALLENGE


class PageSession(BaseAuthentication):  # type: ignore[misc]  # untyped
    """The session of the pages. What changes something needs the token of the pages' forms as well, so that a page of
    another site can't do it."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the session's person. Raises SecondFactorNeededError, as the pages lead elsewhere then, and
        ForgeryError."""
        person = getattr(request._request, "user", None)
        if not isinstance(person, User) or not person.is_active:
            return None
        if roles.needs_second_factor(person=person) and not (
            not roles.lacks_second_factor(person=person) and session_showed_second_factor(request._request)
        ):
            raise SecondFactorNeededError(what="Using the API with this session")
        if _is_forged(request._request):
            raise ForgeryError
        return person, None


def _is_forged(request: HttpRequest) -> bool:
    check = CSRFCheck(lambda _: None)
    check.process_request(request)
    return check.process_view(request, None, (), {}) is not None  # None for what only reads, too


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base is untyped
    """How the schema calls a key."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        """Describe it."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "lamp_…", "description": "A key of your account."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base is untyped
    """How the schema calls a session."""

    target_class = PageSession
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        """Describe it."""
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


def seen_maker(*, request: Request, slug: str) -> Maker:
    """Return the maker of this slug for who may see its private figures.

    Raises NotFoundError, ScopeError and NotPermittedError.
    """
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise NotFoundError(kind="maker", name=slug)
    key, person = request.auth, request.user
    if key is None:
        if roles.sees_maker(person=person, maker=maker):
            return maker
    else:
        if Scope.OWN in key.scopes and roles.belongs_to(person=person, maker=maker):
            return maker
        if Scope.ALL in key.scopes and roles.may(person=person, deed=Deed.SEE_ALL_MAKERS):
            return maker
        if roles.sees_maker(person=person, maker=maker):
            raise ScopeError(scope=Scope.OWN if roles.belongs_to(person=person, maker=maker) else Scope.ALL)
    raise NotPermittedError(what=f"The scores of {maker.name}", who="its members and those who review epochs")


def still_sees(*, request: HttpRequest, slug: str) -> bool:
    """Ask the database anew whether who opened a stream may see this maker: a key, a session or a role may be gone.

    request: as it was let in, so its person is known. Nothing is counted against a limit.
    """
    text = request.headers.get("Authorization", "").partition(" ")[2].strip()
    try:
        if text:
            key = api_key_check(text=text, ip=request.META.get("REMOTE_ADDR"), now=timezone.now())
            who: Any = Who(key.person, key)
        else:
            person = session_person(person=user_of(request.user), session_key=request.session.session_key)
            who = Who(user_of(person or AnonymousUser()), None)
        seen_maker(request=who, slug=slug)
    except (AccountsError, RewardsError, ScopeError):
        return False
    return True


def seen_makers(*, request: Request) -> list[Maker]:
    """Return the makers whose private figures the caller may see, by slug."""
    key, person = request.auth, request.user
    if (key is None or Scope.ALL in key.scopes) and roles.may(person=person, deed=Deed.SEE_ALL_MAKERS):
        return list(Maker.objects.order_by("slug"))
    if (key is None or Scope.OWN in key.scopes) and roles.role_of(person=person) == User.Role.MAKER:
        return list(person.makers.order_by("slug"))
    return []


def require_sees_what_ifs(*, request: Request) -> None:
    """Raise NotPermittedError or ScopeError unless the caller may read what-ifs: they show every maker's pay."""
    roles.require(person=request.user, deed=Deed.SEE_TREASURY)
    if request.auth is not None and not {Scope.ALL, Scope.WHAT_IFS} & set(request.auth.scopes):
        may_ask = roles.may(person=request.user, deed=Deed.ASK_WHAT_IF)
        raise ScopeError(scope=Scope.WHAT_IFS if may_ask else Scope.ALL)


def require_asks_what_ifs(*, request: Request) -> None:
    """Raise NotPermittedError or ScopeError unless the caller may ask and cancel what-ifs."""
    roles.require(person=request.user, deed=Deed.ASK_WHAT_IF)
    require_scope(request=request, scope=Scope.WHAT_IFS)


def require_scope(*, request: Request, scope: str) -> None:
    """Raise ScopeError when the caller's key lacks a scope; a session lacks none."""
    if request.auth is not None and scope not in request.auth.scopes:
        raise ScopeError(scope=scope)
