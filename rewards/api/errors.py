"""Errors as problem details (RFC 9457): a stable `code`, a `type` that leads to what it means, a plain sentence."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as drf

from accounts.errors import NotPermittedError, SecondFactorNeededError, ThrottledError
from onchain.errors import OnchainError
from rewards.api.kinds import KINDS
from rewards.calendars.errors import CalendarError
from rewards.engine.errors import EngineError
from rewards.errors import NotFoundError, WhatIfRefusedError

CONTENT_TYPE: Final = "application/problem+json"
CHALLENGE: Final = 'Bearer realm="Lamplight"'
PROBLEMS_PATH: Final = "/api/problems/"
PAGES: Final = ("/api/docs", "/api/problems")
"""What people read below /api/; all else there is for programs, also where nothing is."""


class CursorError(Exception):
    """A cursor is none that the list has given."""

    def __init__(self) -> None:
        super().__init__("The cursor was not given by this list. Begin again without one.")


class ParameterError(Exception):
    """Parameters are not as they must be. problems: the sentences by parameter."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(f"{name}: {text}" for name, text in self.problems.items()))


class NotYetError(Exception):
    """What is asked for is still awaited."""


class ForgeryError(Exception):
    """A request that changes something came with a session and without the token of our pages."""

    def __init__(self) -> None:
        super().__init__("Send the CSRF cookie's token in X-CSRFToken, or use an API key instead of the session.")


class ScopeError(Exception):
    """The key that was sent lacks a scope."""

    def __init__(self, *, scope: str) -> None:
        self.scope = scope
        super().__init__(f"This needs a key with the scope {scope}. Make one under Your account, API keys.")


def problem(
    code: str, detail: str, *, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Return the answer that tells of a problem. more: further members, as RFC 9457 allows them."""
    kind = KINDS[code]
    body = {
        "type": f"{settings.SITE_URL}{PROBLEMS_PATH}#{code}", "title": kind.title, "status": kind.status, "code": code,
        "detail": detail, **(more or {}),
    }  # fmt: skip
    response = JsonResponse(body, status=kind.status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
    response["Cache-Control"] = "no-store"
    return response


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn what a view raises into a problem; None leaves what nobody expected to the log and the 500."""
    if isinstance(error, drf.APIException):
        return _of_framework(error, context["view"])
    if isinstance(error, ThrottledError):
        return problem("too_many_requests", str(error), headers={"Retry-After": str(error.wait_s)})
    if isinstance(error, ParameterError):
        found = [{"parameter": name, "detail": text} for name, text in error.problems.items()]
        return problem("invalid_parameter", str(error), more={"errors": found})
    code = next((code for kinds, code in _CODES if isinstance(error, kinds)), None)
    return None if code is None else problem(code, str(error) or f"{KINDS[code].title}.")


_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (NotFoundError, "not_found"),
    (Http404, "not_found"),
    (CursorError, "invalid_cursor"),
    (ScopeError, "scope_missing"),
    (ForgeryError, "forgery_suspected"),
    (NotYetError, "not_available"),
    (WhatIfRefusedError, "refused"),
    (SecondFactorNeededError, "second_factor_needed"),
    (NotPermittedError, "not_allowed"),
    (PermissionDenied, "not_allowed"),
    (EngineError, "not_available"),
    (CalendarError, "not_available"),
    (OnchainError, "not_available"),
)


def _of_framework(error: drf.APIException, view: Any) -> HttpResponse | None:
    detail = str(error.detail)
    if isinstance(error, drf.NotAuthenticated):
        return problem("sign_in_needed", "Send an API key, or sign in on the pages first.", headers=_challenge(error))
    if isinstance(error, drf.AuthenticationFailed):
        return problem("key_refused", detail, headers=_challenge(error))
    if isinstance(error, drf.MethodNotAllowed):
        takes = view.allowed_methods
        text = f"This route takes {', '.join(takes[:-1])} and {takes[-1]} only."
        return problem("method_not_allowed", text, headers={"Allow": ", ".join(takes)})
    if isinstance(error, drf.NotAcceptable):
        forms = [each.media_type for each in view.renderer_classes]
        return problem("not_acceptable", f"This route answers in {' or '.join(forms)}.")
    if isinstance(error, drf.UnsupportedMediaType):
        return problem("unsupported_media_type", "Send the content as application/json.")
    if isinstance(error, drf.ParseError):
        return problem("malformed", detail if detail.endswith(".") else f"{detail}.")
    return None


def _challenge(error: drf.APIException) -> dict[str, str]:
    return {"WWW-Authenticate": getattr(error, "auth_header", None) or CHALLENGE}


def is_api(request: HttpRequest) -> bool:
    """Whether a request is to the API, so that what goes wrong before a view has it is told in its form, too."""
    return request.path.startswith("/api/") and not request.path.startswith(PAGES)


def not_found(_request: HttpRequest) -> HttpResponse:
    """Tell that no route has this address."""
    return problem("not_found", "No route of the API has this address. /api/docs/ lists all.")


def malformed(_request: HttpRequest) -> HttpResponse:
    """Tell that a request was refused before it was looked at."""
    return problem("malformed", "The request is too large or not well formed.")


def failed(_request: HttpRequest) -> HttpResponse:
    """Tell that it was our fault; the log has the rest, under the id in X-Request-ID."""
    return problem("failed", "It is noted with the X-Request-ID of this answer. Try again, or tell the operator.")
