"""Draws the page with the form of the terms, for a new draft and for one that is changed."""

from collections.abc import Iterable, Mapping, Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rewards.calendars import calendar_zone
from rewards.engine.errors import JsonError
from rewards.models import Program, TermsVersion
from rewards.selectors.terms_facts import known_markets
from rewards.selectors.terms_history import TermsSource
from rewards.views.terms_entries import Entries
from rewards.views.terms_fields import money
from rewards.views.terms_form import Mistake, form_view
from rewards.views.terms_length import Length


def form_page(
    request: HttpRequest,
    *,
    program: Program,
    version: TermsVersion | None,
    entries: Entries,
    length: Length,
    source: TermsSource | None = None,
    places: Mapping[str, str] | None = None,
    problems: Sequence[JsonError] = (),
    opened: Iterable[int] = (),
) -> HttpResponse:
    """Draw the form. version: the draft that is changed, None for a new one. source: what a new one begins with."""
    unit = money(program.token_symbol, program.token_decimals)
    form = form_view(entries=entries, unit=unit, places=dict(places or {}), problems=problems, opened=opened)
    form.mistakes += [Mistake(place, place, sentence) for place, sentence in length.errors.items()]
    context = {
        "section": "treasury",
        "program": program,
        "version": version,
        "form": form,
        "length": length,
        "source": source,
        "known_markets": known_markets(),
        "zone": str(calendar_zone(program.calendar)).split("/")[-1].replace("_", " "),
    }
    return render(request, "treasury/terms_form.html", context)
