"""Rooms of the treasury's desk that list things: epochs, disputes, market actions, budget and spend, health."""

import csv
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from onchain.rpc import Policy, connect
from rewards.errors import NotFoundError
from rewards.models import Program
from rewards.selectors.desk_lists import epoch_lines, market_action_groups, treasury_disputes
from rewards.selectors.programs import program_get
from rewards.selectors.relayer_health import relayer_health
from rewards.selectors.spend import program_spends
from rewards.views import access
from rewards.views.figures.spend import spend_over_time
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.treasury_programmes import FOR_WHOM

PAGE = 50
HEALTH_TIMEOUT_S = 3.0
"""A page does not wait longer for the chain."""


@require_safe
@missing_is_404
def epochs(request: HttpRequest) -> HttpResponseBase:
    """List a programme's epochs: state, totals, what is unspent, and until when makers can dispute."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    programs = list(Program.objects.all())
    slug = request.GET.get("program", "")
    program = program_get(slug=slug) if slug else next(iter(programs), None)
    now_ms = page_now_ms()
    context: dict[str, Any] = {"section": "treasury", "programs": programs, "program": program, "now_ms": now_ms}
    if program is not None:
        found = Paginator(program.epochs.brief().order_by("-number"), PAGE)
        page = found.get_page(request.GET.get("page"))
        context |= {"page": page, "lines": epoch_lines(epochs=list(page.object_list), now_ms=now_ms)}
    return render(request, "treasury/epochs.html", context)


@require_safe
def disputes(request: HttpRequest) -> HttpResponseBase:
    """List all disputes, open ones first."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    page = Paginator(treasury_disputes(), PAGE).get_page(request.GET.get("page"))
    return render(request, "treasury/disputes.html", {"section": "treasury", "page": page})


@require_safe
def actions(request: HttpRequest) -> HttpResponseBase:
    """Lead to each programme's splits, halts and closures, with what waits for a second person."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    return render(request, "treasury/all_actions.html", {"section": "treasury", "groups": market_action_groups()})


@require_safe
def spend(request: HttpRequest) -> HttpResponseBase:
    """Show each programme's budget and spend over time."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    found = program_spends()
    context = {
        "section": "treasury",
        "spends": [{"spend": each, "figure": spend_over_time(spend=each)} for each in found if each.scored],
    }
    return render(request, "treasury/spend.html", context)


@require_safe
@missing_is_404
def spend_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Hand out a programme's spend as CSV, amounts in the token's smallest unit."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    found = program_spends(slug=slug)
    if not found:
        raise NotFoundError(kind="programme with epochs", name=slug)
    text = StringIO()
    names = ("number", "start_ms", "end_ms", "state", "budget", "earned", "paid", "unspent")
    sums = ("budget_so_far", "earned_so_far", "paid_so_far", "unspent_so_far")
    writer = csv.writer(text)
    writer.writerow([*names, *sums, "projected"])
    for row in found[0].rows:
        writer.writerow([*(getattr(row, name) for name in (*names, *sums)), "no" if row.is_scored else "yes"])
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="spend-{slug}.csv"'
    return answer


@require_safe
def health(request: HttpRequest) -> HttpResponseBase:
    """Show the relayer's and the proposer's means, and what stands in the way of anything being sent."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    client = connect(urls=settings.RPC_URLS, policy=Policy(timeout_s=HEALTH_TIMEOUT_S, attempts=1))
    try:
        found = relayer_health(client, now=timezone.now())
    finally:
        client.close()
    return render(request, "treasury/health.html", {"section": "treasury", "health": found})
