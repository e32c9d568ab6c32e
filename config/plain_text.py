"""Refuses requests with a NUL character: no database text can hold one, and none that we know has a use for it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase


class PlainTextMiddleware:
    """Answers 400 before a view would fail over it; after the CSRF check, which has read the form by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        """Refuse it, or let it through. The API says in its own form what is wrong with a parameter."""
        if request.path_info.startswith("/api/"):
            return None
        texts = [request.path_info, *_values(request.GET.lists()), *_values(request.POST.lists())]
        if any("\0" in text for text in texts):
            return HttpResponseBadRequest("An address or a form has a NUL character.", content_type="text/plain")
        return None


def _values(lists: Iterable[tuple[str, list[Any]]]) -> list[str]:
    return [str(value) for name, values in lists for value in (name, *values)]
