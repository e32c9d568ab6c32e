"""Limits on what anybody may ask pages for without signing in: collections, proofs, evidence. The API has its own."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.errors import ThrottledError
from accounts.throttle import count_try, place_key

LIMITS: Final[Mapping[str, int]] = {
    # by the address's name; tries in five minutes from one place
    "collect-now": 30,
    "collect-by-itself": 30,
    "collected-csv": 60,
    "collected-koinly": 60,
    "treasury-safe-sign": 60,
    "treasury-approve": 60,
    # A proof is a small file; a wallet that holds many accounts asks for many.
    "proof": 600,
    "proof-of-root": 600,
    # A bundle can be hundreds of megabytes.
    "evidence-tar": 30,
    "evidence-file": 300,
    # All of the log is read for it.
    "audit-export": 30,
}
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_NAMES: Final = frozenset(
    {"proof", "proof-of-root", "evidence-tar", "evidence-file", "audit-export", "collected-csv", "collected-koinly"}
)


class ThrottleMiddleware:
    """Counts the tries of one place in the database, so that the limits hold over all web processes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Go on; the address is known only in process_view."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer 429 where a limit is reached, with the time to wait; else go on."""
        if (limit := _limit(request)) is None:
            return None
        what, most = limit
        place = place_key(ip=request.META.get("REMOTE_ADDR"))
        try:
            count_try(key=f"{what} {place}", most=most, now=timezone.now())
        except ThrottledError as error:
            return too_many(request, error)
        return None


def too_many(request: HttpRequest, error: ThrottledError) -> HttpResponse:
    """Say in a sentence that it is too much, and in Retry-After how long to wait."""
    if request.path.endswith(".json"):
        response: HttpResponse = JsonResponse({"error": str(error)}, status=429)
    else:
        response = render(request, "429.html", {"sentence": str(error)}, status=429)
    response["Retry-After"] = str(error.wait_s)
    return response


def _limit(request: HttpRequest) -> tuple[str, int] | None:
    name = (request.resolver_match.url_name if request.resolver_match else None) or ""
    if name not in LIMITS or (request.method in READS) != (name in _READ_NAMES):
        return None
    return name, LIMITS[name]
