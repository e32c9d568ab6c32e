"""Who answers when something goes wrong outside of a view: the API in its own form, and pages in theirs."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults

from rewards.api import errors as api
from rewards.views import errors as pages


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return api.malformed(request) if api.is_api(request) else defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """Answer 404."""
    return api.not_found(request) if api.is_api(request) else pages.not_found(request, exception)


def not_allowed(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Answer 403: no view of the API lets this reach Django."""
    return pages.not_allowed(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return api.failed(request) if api.is_api(request) else pages.failed(request)
