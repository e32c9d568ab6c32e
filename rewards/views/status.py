"""The status page for people, and /healthz for machines."""

import datetime as dt

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rewards.selectors.pages import StatusView, status_view

LATE_S = 60
"""Who has not looked at the chain for a minute has stopped: the indexer looks every second."""


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show how far we have read the chain, and what needs a person."""
    view = status_view(now=dt.datetime.now(tz=dt.UTC))
    return render(request, "public/status.html", {"section": "status", "status": view, "troubles": _troubles(view)})


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 while the database answers, 503 when it does not; says nothing more to strangers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


def _troubles(view: StatusView) -> list[str]:
    troubles = list(view.alarms)
    if view.looked_age_s is None:
        troubles.append(
            "The chain has not been read yet. Start the worker and the beat, and see that the node answers."
        )
    elif view.looked_age_s > LATE_S:
        troubles.append(
            f"The chain was last read {view.looked_age_s:,} seconds ago. See that worker, beat and node are running."
        )
    troubles += [
        f"{market.name} stands still: {market.quarantine_reason}" for market in view.markets if market.quarantine_reason
    ]
    return troubles
