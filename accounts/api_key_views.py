"""The page of one's API keys: made, rotated and revoked by who has just shown who they are."""

from collections.abc import Callable
from typing import Any, cast

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import api_keys
from accounts.errors import ApiKeyFieldError, ApiKeyUnknownError, NotPermittedError
from accounts.models import ApiKey, User
from accounts.roles import Deed, may
from accounts.second_factor import showed_recently_who_they_are

NEEDED = {ApiKey.Scope.ALL: Deed.READ_ALL_BY_KEY, ApiKey.Scope.WHAT_IFS: Deed.ASK_WHAT_IF}
"""What one must be allowed to do so that the page offers a scope."""
LASTING = (30, 90, 180, 366)
"""Days that the page offers."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def keys(request: HttpRequest) -> HttpResponseBase:
    """Show one's keys, and change them."""
    if request.method != "POST":
        return _page(request)
    person = cast(User, request.user)
    if not showed_recently_who_they_are(request, person=person):
        methods = get_adapter().get_reauthentication_methods(person)
        where = methods[0]["url"] if methods else reverse("accounts:login")
        return redirect(f"{where}?{urlencode({'next': reverse('accounts:api-keys')})}")
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        messages.error(request, "Nothing was changed: choose what to do with the buttons of this page.")
        return redirect("accounts:api-keys")
    try:
        return action(request)
    except ApiKeyFieldError as error:
        return _page(request, error=error)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    except ApiKeyUnknownError as error:
        messages.error(request, str(error))
        return redirect("accounts:api-keys")


def _make(request: HttpRequest) -> HttpResponseBase:
    days = request.POST.get("days", "")
    key, text = api_keys.api_key_make(
        by=request.user, name=request.POST.get("name", ""), scopes=request.POST.getlist("scope"),
        days=int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0,
        networks=request.POST.get("networks", "").replace(",", " ").split(), now=timezone.now(),
    )  # fmt: skip
    _tell(request, key, "was made")
    return _page(request, made=key, text=text)


def _rotate(request: HttpRequest) -> HttpResponseBase:
    key, text = api_keys.api_key_rotate(by=request.user, number=_number(request), now=timezone.now())
    _tell(request, key, "was given a new secret")
    return _page(request, made=key, text=text)


def _revoke(request: HttpRequest) -> HttpResponseBase:
    key = api_keys.api_key_revoke(by=request.user, number=_number(request), now=timezone.now())
    _tell(request, key, "was revoked")
    messages.success(request, f"{key.name} is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:api-keys")


ACTIONS: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"make": _make, "rotate": _rotate, "revoke": _revoke}


def _number(request: HttpRequest) -> int:
    number = request.POST.get("key", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


def _tell(request: HttpRequest, key: ApiKey, what: str) -> None:
    context = {"name": key.name, "prefix": key.prefix, "what": what}
    get_adapter().send_notification_mail("account/email/api_key", request.user, context)


def _page(
    request: HttpRequest, *, made: ApiKey | None = None, text: str = "", error: ApiKeyFieldError | None = None
) -> HttpResponse:
    person, now = cast(User, request.user), timezone.now()
    offered = [scope for scope in ApiKey.Scope if scope not in NEEDED or may(person=person, deed=NEEDED[scope])]
    rows = [{"key": key, "is_open": key.is_open(now=now)} for key in api_keys.api_keys_of(person=person)]
    context: dict[str, Any] = {
        "rows": rows, "made": made, "text": text, "scopes": offered, "lasting": LASTING, "error": error,
        "given": request.POST if error else {}, "chosen": request.POST.getlist("scope") if error else [],
        "now": now,
    }  # fmt: skip
    return render(request, "accounts/api_keys.html", context, status=422 if error else 200)
