"""Counts the tries of allauth's pages in our one throttle, before a code, passkey or password is looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.stagekit import unstash_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from accounts.errors import ThrottledError
from accounts.throttle import MOST_FROM_ONE_PLACE, count_try, place_key

MOST_CODES_FOR_ONE_PERSON = 10
"""Codes tried for one address or account; each that was mailed also ends after 5 wrong tries."""
MOST_MAILS_TO_ONE_ADDRESS = 5
View = Callable[..., HttpResponseBase]
Who = Callable[[HttpRequest], list[str]]


def person(request: HttpRequest) -> list[str]:
    """Whom a try is about: who is signed in, or whose sign-in waits for its second step."""
    if request.user.is_authenticated:
        return [f"person {request.user.pk}"]
    pending = unstash_login(request, peek=True)
    return [f"person {pending.user.pk}"] if pending is not None and pending.user is not None else []


def pending_address(request: HttpRequest) -> list[str]:
    """The address that a code was mailed to, the same whether it has an account or not; else who is signed in."""
    pending = unstash_login(request, peek=True)
    if pending is not None and pending.email:
        return [f"address {pending.email.casefold()}"]
    return person(request)


def posted_address(request: HttpRequest) -> list[str]:
    """The address that is to get an e-mail, and who asks for it if they are signed in."""
    address = request.POST.get("email", request.POST.get("recipient", "")).strip().casefold()
    asks = [f"person {request.user.pk}"] if request.user.is_authenticated else []
    return asks + ([f"address {address}"] if address else [])


def tries(kind: str, who: Who, *, most: int = MOST_CODES_FOR_ONE_PERSON) -> Callable[[View], View]:
    """Let `most` POSTs in 5 minutes through for each of `who`, and so many from one place; the next get a 429 page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                now = timezone.now()
                place = place_key(ip=request.META.get("REMOTE_ADDR"))
                try:
                    count_try(key=f"{kind} {place}", most=MOST_FROM_ONE_PLACE, now=now)
                    for each in who(request):
                        count_try(key=f"{kind} {each}", most=most, now=now)
                except ThrottledError as error:
                    return render(request, "accounts/wait.html", {"sentence": str(error)}, status=429)
            return view(request, *args, **kwargs)

        return counted

    return decorate
