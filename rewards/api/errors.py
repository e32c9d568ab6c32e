"""Errors as problem details (RFC 9457): a stable `code`, a `type` that leads into the documents, a plain sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as drf

from accounts.errors import NotPermittedError, SecondFactorNeededError, ThrottledError
from onchain.errors import OnchainError
from rewards.engine.errors import EngineError
from rewards.errors import NotFoundError

CONTENT_TYPE: Final = "application/problem+json"
CHALLENGE: Final = 'Bearer realm="Lamplight"'


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem; the code never changes and never means anything else."""

    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "malformed": Kind(400, "The request can't be read"),
    "invalid_parameter": Kind(400, "A parameter is not as it must be"),
    "invalid_cursor": Kind(400, "The cursor is not one that this list gave"),
    "sign_in_needed": Kind(401, "This needs an API key or a session"),
    "key_refused": Kind(401, "The API key is refused"),
    "not_allowed": Kind(403, "This is for others"),
    "scope_missing": Kind(403, "The API key may not read this"),
    "second_factor_needed": Kind(403, "A second factor is needed"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "The API only reads"),
    "not_acceptable": Kind(406, "The answer is not to be had in this form"),
    "not_available": Kind(409, "This can't be worked out at the moment"),
    "unsupported_media_type": Kind(415, "The request's content has an unknown form"),
    "too_many_requests": Kind(429, "Too many requests"),
    "failed": Kind(500, "Something went wrong on our side"),
}


class CursorError(Exception):
    """A cursor is none that the list has given."""

    def __init__(self) -> None:
        super().__init__("The cursor was not given by this list. Begin again without one.")


class ParameterError(Exception):
    """Parameters are not as they must be. problems: the sentences by parameter."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(f"{name}: {text}" for name, text in self.problems.items()))


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
        "type": f"{settings.SITE_URL}/docs/api/#{code}", "title": kind.title, "status": kind.status, "code": code,
        "detail": detail, **(more or {}),
    }  # fmt: skip
    response = JsonResponse(body, status=kind.status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
    response["Cache-Control"] = "no-store"
    return response


def handle(error: Exception, _context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn what a view raises into a problem; None leaves what nobody expected to the log and the 500."""
    if isinstance(error, drf.APIException):
        return _of_framework(error)
    if isinstance(error, ThrottledError):
        return problem("too_many_requests", str(error), headers={"Retry-After": str(error.wait_s)})
    if isinstance(error, ParameterError):
        found = [{"parameter": name, "detail": text} for name, text in error.problems.items()]
        return problem("invalid_parameter", str(error), more={"errors": found})
    code = next((code for kinds, code in _CODES if isinstance(error, kinds)), None)
    return None if code is None else problem(code, str(error) or KINDS[code].title + ".")


_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (NotFoundError, "not_found"),
    (Http404, "not_found"),
    (CursorError, "invalid_cursor"),
    (ScopeError, "scope_missing"),
    (SecondFactorNeededError, "second_factor_needed"),
    (NotPermittedError, "not_allowed"),
    (PermissionDenied, "not_allowed"),
    (EngineError, "not_available"),
    (OnchainError, "not_available"),
)


def _of_framework(error: drf.APIException) -> HttpResponse | None:
    detail = str(error.detail)
    if isinstance(error, drf.NotAuthenticated):
        return problem("sign_in_needed", "Send an API key, or sign in on the pages first.", headers=_challenge(error))
    if isinstance(error, drf.AuthenticationFailed):
        return problem("key_refused", detail, headers=_challenge(error))
    if isinstance(error, drf.MethodNotAllowed):
        return problem("method_not_allowed", "The API takes GET and HEAD only.", headers={"Allow": "GET, HEAD"})
    if isinstance(error, drf.NotAcceptable):
        return problem("not_acceptable", "Ask for application/json; tables also come as text/csv and as Parquet.")
    if isinstance(error, drf.UnsupportedMediaType):
        return problem("unsupported_media_type", "Send no content: the API only reads.")
    if isinstance(error, drf.ParseError):
        return problem("malformed", detail)
    return None


def _challenge(error: drf.APIException) -> dict[str, str]:
    return {"WWW-Authenticate": getattr(error, "auth_header", None) or CHALLENGE}


def is_api(request: HttpRequest) -> bool:
    """Whether a request is to the API, so that what goes wrong before a view has it is told in its form, too."""
    return request.path.startswith("/api/v1/")


def not_found(_request: HttpRequest) -> HttpResponse:
    """Tell that no route has this address."""
    return problem("not_found", "No route of the API has this address. /api/docs/ lists all.")


def malformed(_request: HttpRequest) -> HttpResponse:
    """Tell that a request was refused before it was looked at."""
    return problem("malformed", "The request is too large or not well formed.")


def failed(_request: HttpRequest) -> HttpResponse:
    """Tell that it was our fault; the log has the rest, under the id in X-Request-ID."""
    return problem("failed", "It is noted with the X-Request-ID of this answer. Try again, or tell the operator.")
