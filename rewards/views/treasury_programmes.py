"""The treasury's pages of programmes: which there are, a programme's terms through time, two of them side by side."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.roles import Deed, may
from rewards.engine.jsontext import canonical_json
from rewards.engine.tomltext import write_toml
from rewards.errors import NotFoundError
from rewards.models import Program
from rewards.selectors.programs import program_get, program_list
from rewards.selectors.terms_history import ProgramTerms, TermsSource, program_terms, terms_source, version_source
from rewards.views import access
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.terms_diff import Difference, terms_differences
from rewards.views.terms_fields import money
from rewards.views.terms_words import terms_sentences

FOR_WHOM = "The treasury’s pages are for treasurers, reviewers, guardians, operators and auditors."


@require_safe
def programmes(request: HttpRequest) -> HttpResponseBase:
    """List the programmes with the epoch that runs."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    context = {
        "section": "treasury",
        "programs": program_list(now_ms=page_now_ms()),
        "may_open": may(person=request.user, deed=Deed.OPEN_PROGRAM),
    }
    return render(request, "treasury/programmes.html", context)


@require_safe
@missing_is_404
def programme(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show a programme's terms: in force, coming, drafted, past; and the difference between any two of them."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    program = program_get(slug=slug)
    now_ms = page_now_ms()
    view = program_terms(program=program, now_ms=now_ms)
    context = {
        "section": "treasury",
        "program": program,
        "view": view,
        "now_ms": now_ms,
        "sentences": _sentences(view),
        "coming": [
            {"version": version, "differences": _against_force(view, version_source(version=version))}
            for version in view.coming
        ],
        "may_draft": may(person=request.user, deed=Deed.DRAFT_TERMS),
        "sources": _sources(view),
        **_compared(request, program, labels=dict(_sources(view))),
    }
    return render(request, "treasury/programme.html", context)


@require_safe
@missing_is_404
def terms_file(request: HttpRequest, slug: str, key: str, form: str) -> HttpResponseBase:
    """Hand out terms without their epoch as a file: canonical JSON, or TOML that maps onto it."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    source = terms_source(program=program_get(slug=slug), key=key)
    if form == "toml":
        answer = HttpResponse(write_toml(source.document), content_type="application/toml; charset=utf-8")
    else:
        answer = HttpResponse(canonical_json(source.document), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{slug}-{key}.{form}"'
    return answer


def differences(program: Program, before: TermsSource, after: TermsSource) -> list[Difference]:
    """Say what differs between two of a programme's terms."""
    unit = money(program.token_symbol, program.token_decimals)
    return terms_differences(before=before.document, after=after.document, unit=unit)


def _against_force(view: ProgramTerms, source: TermsSource) -> list[Difference]:
    return differences(view.program, view.force, source) if view.force else []


def _sentences(view: ProgramTerms) -> list[str]:
    if view.force is None or not view.force.document.get("markets"):
        return []
    program = view.program
    return terms_sentences(terms=view.force.document, symbol=program.token_symbol, decimals=program.token_decimals)


def _sources(view: ProgramTerms) -> list[tuple[str, str]]:
    """Everything that can be compared: epochs with the same terms stand together, then the versions."""
    choices = [(source.key, source.label) for source in view.past]
    return choices + [
        (f"version-{row.version.number}", f"Version {row.version.number} ({row.status.lower()})")
        for row in view.versions
    ]


def _compared(request: HttpRequest, program: Program, *, labels: dict[str, str]) -> dict[str, object]:
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    if not before or not after:
        return {"before": before, "after": after}
    try:
        old, new = terms_source(program=program, key=before), terms_source(program=program, key=after)
    except NotFoundError as error:
        return {"before": before, "after": after, "compare_error": str(error)}
    return {
        "before": before,
        "after": after,
        "compared": (labels.get(before, old.label).lower(), labels.get(after, new.label).lower()),
        "differences": differences(program, old, new),
    }
