"""The status page for people; /healthz and /metrics for machines."""

import datetime as dt
import hmac

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from onchain import metrics as chain_metrics
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


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, where it brings METRICS_TOKEN; on a machine of one's own the token may be empty."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not (settings.METRICS_OPEN or (settings.METRICS_TOKEN and hmac.compare_digest(given.encode(), wanted.encode()))):
        raise Http404
    body = chain_metrics.metrics_text(now=dt.datetime.now(tz=dt.UTC))
    return HttpResponse(body, content_type=chain_metrics.CONTENT_TYPE)


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
    if view.indexer is not None:
        troubles += [f"{provider.name}: {provider.sentence}" for provider in view.indexer.providers if provider.resting]
    troubles += [
        f"{market.name} stands still: {market.quarantine_reason}" for market in view.markets if market.quarantine_reason
    ]
    return troubles
