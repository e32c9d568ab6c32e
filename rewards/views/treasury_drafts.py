"""The treasury's pages on which terms are drafted: the form, and the import of a file."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.errors import NotPermittedError
from accounts.roles import Deed, may
from rewards.errors import RewardsError, TermsInvalidError
from rewards.models import Program, TermsVersion
from rewards.selectors.programs import program_get
from rewards.selectors.terms_history import terms_in_force, terms_source, version_get, version_source
from rewards.selectors.terms_ruling import needs_first_start, usual_days
from rewards.selectors.terms_text import check_terms, read_terms_file
from rewards.services.terms_versions import terms_change, terms_draft
from rewards.views import access
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.terms_buttons import change_entries
from rewards.views.terms_entries import Entries, entries_of_document, entries_of_post, to_document
from rewards.views.terms_fields import money
from rewards.views.terms_length import Length, length_of, length_of_post
from rewards.views.terms_page import form_page

STATE = TermsVersion.State
_DRAFTERS = "Terms are drafted by treasurers."


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def draft_new(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Draft a new version, beginning with the terms in force or with those that `?from=` names."""
    if not may(person=request.user, deed=Deed.DRAFT_TERMS):
        return access.refuse(request=request, sentence=_DRAFTERS)
    program = program_get(slug=slug)
    if request.method == "POST":
        return _form_posted(request, program, None)
    key, now_ms = request.GET.get("from", ""), page_now_ms()
    source = terms_source(program=program, key=key) if key else terms_in_force(program=program, now_ms=now_ms)
    unit = money(program.token_symbol, program.token_decimals)
    entries = entries_of_document(source.document, unit=unit) if source else Entries()
    length = Length(days=str(usual_days(program=program)), asks_start=needs_first_start(program=program, now_ms=now_ms))
    return form_page(request, program=program, version=None, entries=entries, length=length, source=source)


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def draft_edit(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Change one's own draft."""
    if not may(person=request.user, deed=Deed.DRAFT_TERMS):
        return access.refuse(request=request, sentence=_DRAFTERS)
    version = version_get(slug=slug, number=number)
    if version.state != STATE.DRAFT or version.author_id != request.user.pk:
        messages.error(request, "Only its author changes a draft, and only until it is handed in.")
        return redirect("treasury-draft", slug=slug, number=number)
    if request.method == "POST":
        return _form_posted(request, version.program, version)
    unit = money(version.program.token_symbol, version.program.token_decimals)
    entries = entries_of_document(version_source(version=version).document, unit=unit)
    length = length_of(version=version, now_ms=page_now_ms())
    return form_page(request, program=version.program, version=version, entries=entries, length=length)


def _form_posted(request: HttpRequest, program: Program, version: TermsVersion | None) -> HttpResponseBase:
    unit = money(program.token_symbol, program.token_decimals)
    entries, action = entries_of_post(request.POST, unit=unit), request.POST.get("do", "save")
    length = length_of_post(request.POST, program=program, now_ms=page_now_ms())
    if action != "save":
        opened = change_entries(entries, action) or []
        length.errors.clear()
        return form_page(request, program=program, version=version, entries=entries, length=length, opened=opened)
    made = to_document(entries, program=program.slug, token=program.token, unit=unit)
    problems = list(made.problems)
    check_terms(program=program, document=made.document, problems=problems)
    if problems or length.errors:
        return form_page(
            request,
            program=program,
            version=version,
            entries=entries,
            length=length,
            places=made.places,
            problems=problems,
        )
    days, start_ms = length.epoch_days, length.start_ms
    try:
        if version is None:
            version = terms_draft(
                by=request.user, program=program, document=made.document, epoch_days=days, first_start_ms=start_ms
            )
        else:
            terms_change(
                by=request.user, version=version, document=made.document, epoch_days=days, first_start_ms=start_ms
            )
    except (RewardsError, NotPermittedError) as error:
        messages.error(request, str(error))
        return form_page(request, program=program, version=version, entries=entries, length=length)
    messages.success(request, "The draft is kept. Look at what it would mean, then hand it in.")
    return redirect("treasury-draft", slug=program.slug, number=version.number)


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def draft_import(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Draft a version from a TOML or JSON file, or from pasted text; with mistakes, it opens in the form."""
    if not may(person=request.user, deed=Deed.DRAFT_TERMS):
        return access.refuse(request=request, sentence=_DRAFTERS)
    program = program_get(slug=slug)
    context = {"section": "treasury", "program": program, "text": "", "problems": ()}
    if request.method != "POST":
        return render(request, "treasury/terms_import.html", context)
    upload = request.FILES.get("file")
    text = request.POST.get("text", "")
    read = read_terms_file(program=program, raw=upload.read() if upload else text.encode("utf-8", "replace"))
    if read.document is None:
        return render(request, "treasury/terms_import.html", {**context, "text": text, "problems": read.problems})
    if read.has_epoch:
        messages.info(request, "The file names an epoch. That was left out: whoever accepts the terms says from when.")
    now_ms = page_now_ms()
    length = Length(days=str(usual_days(program=program)), asks_start=needs_first_start(program=program, now_ms=now_ms))
    if read.problems or length.asks_start:
        unit = money(program.token_symbol, program.token_decimals)
        entries = entries_of_document(read.document, unit=unit)
        places = to_document(entries, program=program.slug, token=program.token, unit=unit).places
        return form_page(
            request,
            program=program,
            version=None,
            entries=entries,
            length=length,
            places=places,
            problems=read.problems,
        )
    try:
        version = terms_draft(
            by=request.user, program=program, document=read.document, epoch_days=usual_days(program=program)
        )
    except (TermsInvalidError, NotPermittedError) as error:
        messages.error(request, str(error))
        return render(request, "treasury/terms_import.html", {**context, "text": text})
    messages.success(request, "The file is kept as a draft. Look at what it would mean, then hand it in.")
    return redirect("treasury-draft", slug=program.slug, number=version.number)
