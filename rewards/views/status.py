"""The status page for people; /metrics for machines."""

import datetime as dt
import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.queues import queue_depths
from rewards.selectors.metrics import CONTENT_TYPE, metrics_text
from rewards.selectors.pages import StatusView, status_view
from rewards.selectors.running import running_view
from rewards.selectors.running_limits import LATE_S
from rewards.services.tallies import tallies
from rewards.views import access
from rewards.views.running import Line, running_lines


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show how far we have read the chain, and what needs a person; hosts, keys and messages to who watches over it."""
    now, detailed = dt.datetime.now(tz=dt.UTC), access.sees_running(user=request.user)
    view = status_view(now=now)
    context = {
        "section": "status",
        "status": view,
        "troubles": _troubles(view) if detailed else _public_troubles(view),
        "lines": _lines(view, now) if detailed else (),
    }
    return render(request, "public/status.html", context)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, where it brings METRICS_TOKEN; on a machine of one's own the token may be empty."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not (settings.METRICS_OPEN or (settings.METRICS_TOKEN and hmac.compare_digest(given.encode(), wanted.encode()))):
        raise Http404
    now = dt.datetime.now(tz=dt.UTC)
    tallies.store(now=now)
    try:
        queues = queue_depths()
    except OSError:
        queues = None
    return HttpResponse(metrics_text(now=now, queues=queues), content_type=CONTENT_TYPE)


def _lines(view: StatusView, now: dt.datetime) -> list[Line]:
    try:
        queues, error = queue_depths(), ""
    except OSError as broken:
        queues, error = None, str(broken)
    return running_lines(status=view, running=running_view(now=now), queues=queues, queue_error=error)


def _public_troubles(view: StatusView) -> list[str]:
    """Say what everybody may know: that something is being looked at, and which markets are affected."""
    troubles = [*view.program_alarms, *_late(view)]
    if len(view.alarms) > len(view.program_alarms):
        troubles.append("Something needs a person. The operators see what, and are looking at it.")
    return troubles + [f"{market.name} stands still and is being looked at." for market in view.markets
                       if market.quarantine_reason]  # fmt: skip


def _troubles(view: StatusView) -> list[str]:
    troubles = [*view.alarms, *_late(view)]
    if view.indexer is not None:
        troubles += [f"{provider.name}: {provider.sentence}" for provider in view.indexer.providers if provider.resting]
    troubles += [
        f"{market.name} stands still: {market.quarantine_reason}" for market in view.markets if market.quarantine_reason
    ]
    return troubles


def _late(view: StatusView) -> list[str]:
    troubles = []
    if view.looked_age_s is None:
        troubles.append(
            "The chain has not been read yet. Start the worker and the beat, and see that the node answers."
        )
    elif view.looked_age_s > LATE_S:
        troubles.append(
            f"The chain was last read {view.looked_age_s:,} seconds ago. See that worker, beat and node are running."
        )
    return troubles
