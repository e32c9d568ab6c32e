"""Pages for everybody: the programmes, what they pay when, their epochs, and how to check them."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from rewards.selectors.disputes import dispute_counts
from rewards.selectors.evidence import evidence_files
from rewards.selectors.programs import (
    ProgramOverview,
    epoch_get,
    epoch_sessions,
    program_get,
    program_list,
    program_overview,
)
from rewards.selectors.review_window import review_window
from rewards.selectors.revisions import current_revision
from rewards.selectors.rows import EpochRow, SessionsView, epoch_row
from rewards.selectors.standings import standings
from rewards.selectors.terms import epoch_terms
from rewards.views.action_words import action_lines
from rewards.views.announced import announced_changes
from rewards.views.evidence import bundle_name
from rewards.views.figures.rates import kind_rates
from rewards.views.figures.week import week_figure
from rewards.views.helped import helped_context
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.rate_now import rate_now_context
from rewards.views.terms_words import terms_sentences
from rewards.views.words import KIND_NAMES, boost_text


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the one programme there is, or a list to choose from."""
    now_ms = page_now_ms()
    programs = program_list(now_ms=now_ms)
    if len(programs) == 1:
        return _programme_page(request, slug=programs[0].slug, now_ms=now_ms)
    return render(request, "public/programmes.html", {"section": "programmes", "programs": programs, "now_ms": now_ms})


@require_safe
@missing_is_404
def programme(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show what a programme pays when, its terms, its makers and its epochs."""
    return _programme_page(request, slug=slug, now_ms=page_now_ms())


@require_safe
@missing_is_404
def epoch(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Show one epoch's result, and everything that it takes to recompute it."""
    now_ms = page_now_ms()
    stored = epoch_get(slug=slug, number=number)
    row = epoch_row(epoch=stored, now_ms=now_ms)
    sessions = epoch_sessions(epoch_id=stored.pk, now_ms=now_ms)
    context = {
        "section": "programmes",
        "program": stored.program,
        "epoch": row,
        "now_ms": now_ms,
        "standings": standings(epoch=stored),
        "files": evidence_files(evidence_name=row.evidence_name),
        "actions": action_lines(epoch=stored),
        "window": review_window(epoch=stored, now_ms=now_ms),
        "disputes": dispute_counts(epoch=stored),
        "revision": current_revision(epoch=stored),
        **_terms_context(row, sessions, symbol=stored.program.token_symbol, decimals=stored.program.token_decimals),
        **_week_context(row, sessions, now_ms=now_ms),
        **check_context(request, slug=slug, number=number),
    }
    return render(request, "public/epoch.html", context)


def _programme_page(request: HttpRequest, *, slug: str, now_ms: int) -> HttpResponse:
    overview = program_overview(slug=slug, now_ms=now_ms)
    context: dict[str, Any] = {
        "section": "programmes",
        "overview": overview,
        "program": overview.program,
        "epoch": overview.shown_epoch,
        "now_ms": now_ms,
        "latest_scored": next((row for row in overview.epochs if row.evidence_name), None),
        "announced": announced_changes(slug=slug, now_ms=now_ms),
    }
    if overview.shown_epoch is not None and overview.sessions is not None:
        context |= _shown_epoch_context(request, overview, overview.shown_epoch, overview.sessions, now_ms)
        context |= helped_context(request, program=program_get(slug=slug), markets=overview.markets)
    return render(request, "public/programme.html", context)


def _shown_epoch_context(
    request: HttpRequest, overview: ProgramOverview, row: EpochRow, sessions: SessionsView, now_ms: int
) -> dict[str, Any]:
    program = overview.program
    ranked = program.live_epoch or next((epoch for epoch in overview.epochs if epoch.is_scored), None)
    stored = epoch_get(slug=program.slug, number=ranked.number) if ranked else None
    context = {
        "actions": action_lines(epoch=epoch_get(slug=program.slug, number=row.number)),
        "ranked": ranked,
        "standings": standings(epoch=stored) if stored else [],
        **_terms_context(row, sessions, symbol=program.token_symbol, decimals=program.token_decimals),
        **_week_context(row, sessions, now_ms=now_ms),
        "current": sessions.current,
        "upcoming": sessions.upcoming,
    }
    checked = next((epoch for epoch in overview.epochs if epoch.evidence_name), None)
    if checked is not None:
        context |= check_context(request, slug=program.slug, number=checked.number)
    if sessions.current is not None:
        terms = json.loads(context["terms"].canonical_json)
        context |= rate_now_context(
            program=program, terms=terms, rates=context["rates"], sessions=sessions.sessions, now_ms=now_ms
        )
    return context


def _terms_context(row: EpochRow, sessions: SessionsView, *, symbol: str, decimals: int) -> dict[str, Any]:
    terms = epoch_terms(epoch_id=row.id)
    document = json.loads(terms.canonical_json)
    return {
        "terms": terms,
        "sentences": terms_sentences(terms=document, symbol=symbol, decimals=decimals),
        "rates": kind_rates(terms=document, sessions=sessions.sessions),
        "boosts": terms.boosts,
    }


def _week_context(row: EpochRow, sessions: SessionsView, *, now_ms: int) -> dict[str, Any]:
    boosts = {session.kind: session.boost_percent for session in sessions.sessions}
    clock_ms = now_ms if row.start_ms <= now_ms < row.end_ms else None
    week = week_figure(sessions=sessions.sessions, boosts=boosts, clock_ms=clock_ms) if boosts else None
    return {"week": week, "week_caption": _week_caption(row, boosts)}


def _week_caption(row: EpochRow, boosts: dict[str, int]) -> str:
    if not boosts or min(boosts.values()) == max(boosts.values()):
        return f"Epoch {row.number} pays the same in every hour."
    most = max(boosts.values())
    names = [_WHERE_PAID_MOST[kind] for kind in KIND_NAMES if boosts.get(kind) == most]
    return (
        f"The brighter, the more an hour pays: epoch {row.number} pays {boost_text(percent=most)} "
        f"the base rate {' and '.join(names)}."
    )


_WHERE_PAID_MOST = {
    "regular": "in regular hours",
    "pre": "before the open",
    "post": "after the close",
    "overnight": "overnight",
    "weekend": "on the weekend",
    "holiday": "on the holiday",
}


def check_context(request: HttpRequest, *, slug: str, number: int) -> dict[str, str]:
    """Return the command by which anybody recomputes an epoch from what they download."""
    name = bundle_name(slug=slug, number=number)
    address = request.build_absolute_uri(reverse("evidence-tar", args=[slug, number]))
    return {
        "check_command": f"curl -fsSo {name}.tar {address}\ntar -xf {name}.tar\npython -m rewards.engine verify {name}"
    }
