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


def tries(kind: str, *, most: int = MOST_CODES_FOR_ONE_PERSON) -> Callable[[View], View]:
    """Let `most` POSTs of one person through in 5 minutes, and so many from one place; the next get a page with 429."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                now = timezone.now()
                place = place_key(ip=request.META.get("REMOTE_ADDR"))
                try:
                    count_try(key=f"{kind} {place}", most=MOST_FROM_ONE_PLACE, now=now)
                    who = _who(request)
                    if who:
                        count_try(key=f"{kind} {who}", most=most, now=now)
                except ThrottledError as error:
                    return render(request, "accounts/wait.html", {"sentence": str(error)}, status=429)
            return view(request, *args, **kwargs)

        return counted

    return decorate


def _who(request: HttpRequest) -> str:
    """Whom the try is about: who is signed in, whose sign-in waits for its code, or which address is to get one."""
    if request.user.is_authenticated:
        return f"person {request.user.pk}"
    pending = unstash_login(request, peek=True)
    if pending is not None:
        return f"person {pending.user.pk}" if pending.user else f"address {(pending.email or '').casefold()}"
    address = request.POST.get("email", "").strip().casefold()
    return f"address {address}" if address else ""
