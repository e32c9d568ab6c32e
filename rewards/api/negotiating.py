"""Which form an answer has, and whether it is sent at all: by what a request accepts, and what it has already."""

import typing

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):  # type: ignore[misc]  # untyped
    """DRF's own; who sends an empty Accept accepts everything, as who sends none."""

    def get_accept_list(self, request: Request) -> list[str]:
        """Return the forms that are accepted."""
        return [each for each in super().get_accept_list(request) if each] or ["*/*"]


class Conditional(ConditionalGetMiddleware):
    """Django's own, also for HEAD, which is to say what GET would (RFC 9110 9.3.2); a 304 says what is left, too."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Give the answer its ETag; 304 for whoever has it."""
        if request.method not in ("GET", "HEAD"):
            return response
        if self.needs_etag(response) and not response.has_header("ETag"):
            set_response_etag(response)
        whole = typing.cast(HttpResponse, response)
        tag = response.get("ETag")
        found = get_conditional_response(request, etag=tag, response=whole)
        if found is None or found is response:
            return response
        for name in ("RateLimit", "RateLimit-Policy"):
            if response.has_header(name):
                found[name] = response[name]
        # Packed, it has the weak tag; who has that one is told of that one.
        if tag is not None and f"W/{tag}" in request.headers.get("If-None-Match", ""):
            found["ETag"] = f"W/{tag}"
        return found
