"""The site's addresses, one that has tasks done and one that breaks."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import handler400, handler403, handler404, handler500, urlpatterns
from tests.watching.tasks_for_test import does, fails

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def asks(_request: HttpRequest) -> HttpResponse:
    """Have two tasks done."""
    does.delay()
    fails.delay()
    return HttpResponse("asked")


def breaks(_request: HttpRequest) -> HttpResponse:
    """Break."""
    raise RuntimeError("Authorization: Bearer lamp_aaaaaaaa_secretbbbb")


urlpatterns = [path("asks-a-task/", asks, name="asks-a-task"), path("breaks/", breaks, name="breaks"), *urlpatterns]
