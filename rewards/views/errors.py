"""Pages for what went wrong, in plain sentences; the 500 page asks nothing of the database."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template import loader

_NOT_ALLOWED = "Your account does not have the role that this needs. Sign in with another one, or ask the operator."


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """Say that nothing is here; a view's own sentence is shown, a resolver's inner details are not."""
    detail = exception.args[0] if exception.args else ""
    sentence = detail if isinstance(detail, str) else ""
    return render(request, "404.html", {"sentence": sentence}, status=404)


def not_allowed(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Say no, and why."""
    sentence = str(exception) or _NOT_ALLOWED
    return render(request, "403.html", {"sentence": sentence}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    """Say that it was our fault; the log has the rest, under the reference."""
    return HttpResponseServerError(loader.get_template("500.html").render({"request": request}))
