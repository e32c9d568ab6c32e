"""The page of splits, halts and closures: listed for who watches, entered and confirmed by operators and treasurers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import NotPermittedError
from rewards.calendars import calendar_zone
from rewards.errors import ActionRefusedError
from rewards.models import MarketAction, Program
from rewards.selectors.actions import (
    epochs_behind,
    epochs_scored_already,
    program_actions,
    program_markets,
)
from rewards.selectors.programs import program_get
from rewards.services.actions import ActionDraft, action_check, action_confirm, action_enter, action_withdraw
from rewards.views import access
from rewards.views.action_forms import FORMS, ActionForm
from rewards.views.action_words import CITIES, action_line, action_sentence
from rewards.views.pages import missing_is_404

_FOR_WHOM = "This list is for treasurers, reviewers, guardians, operators and auditors."
_WHO_ENTERS = "Only operators and treasurers enter and confirm what happened to a market."


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def listed(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show the list, and look at or enter a new entry."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    program = program_get(slug=slug)
    if request.method != "POST":
        return _page(request, program)
    if not access.enters_market_actions(user=request.user):
        return access.refuse(request=request, sentence=_WHO_ENTERS)
    return _posted(request, program)


@require_POST
@missing_is_404
def decide(request: HttpRequest, slug: str, action_id: int) -> HttpResponseBase:
    """Confirm or withdraw an entry of the list."""
    if not access.enters_market_actions(user=request.user):
        return access.refuse(request=request, sentence=_WHO_ENTERS)
    program = program_get(slug=slug)
    try:
        if action_id not in {each.pk for each in program_actions(program=program)}:
            raise ActionRefusedError(reason="this programme has no such entry")
        _decide(request, action_id)
    except (ActionRefusedError, NotPermittedError) as error:
        messages.error(request, str(error))
    return redirect("market-actions", slug=slug)


def _decide(request: HttpRequest, action_id: int) -> None:
    if request.POST.get("do") == "confirm":
        action_confirm(by=request.user, action_id=action_id)
        messages.success(request, "Confirmed. It counts for every epoch that is not scored yet.")
    elif request.POST.get("do") == "withdraw":
        action_withdraw(by=request.user, action_id=action_id, why=request.POST.get("why", "")[:300])
        messages.success(request, "Withdrawn. It counts no more for epochs that are not scored yet.")
    else:
        raise ActionRefusedError(reason="choose what to do with the buttons of the list")


def _posted(request: HttpRequest, program: Program) -> HttpResponseBase:
    form_type = FORMS.get(request.POST.get("kind", ""))
    if form_type is None:
        messages.error(request, "Nothing was changed: choose a split, a halt or a closure.")
        return redirect("market-actions", slug=program.slug)
    form = form_type(request.POST, program=program, markets=program_markets(program=program))
    if not form.is_valid():
        return _page(request, program, form=form)
    try:
        draft = form.draft()
        action_check(draft=draft)
        if request.POST.get("do") != "enter":
            return _page(request, program, form=form, draft=draft)
        action_enter(by=request.user, draft=draft)
    except (ActionRefusedError, NotPermittedError) as error:
        form.add_error(None, str(error))
        return _page(request, program, form=form)
    messages.success(request, "Entered. It counts as soon as another operator or treasurer has confirmed it.")
    return redirect("market-actions", slug=program.slug)


def _page(
    request: HttpRequest, program: Program, *, form: ActionForm | None = None, draft: ActionDraft | None = None
) -> HttpResponse:
    zone, markets = calendar_zone(program.calendar), program_markets(program=program)
    forms = [
        form if form is not None and form.kind == kind else form_type(program=program, markets=markets)
        for kind, form_type in FORMS.items()
    ]
    behind = epochs_behind(program=program)
    lines = [
        action_line(action=action, zone=zone, behind=behind.get(action.pk, ()))
        for action in program_actions(program=program)
    ]
    context = {
        "section": "treasury",
        "program": program,
        "clock": CITIES.get(zone.key, zone.key),
        "waiting": [line for line in lines if not line.action.confirmed_at and not line.action.withdrawn_at],
        "lines": [line for line in lines if line.action.confirmed_at or line.action.withdrawn_at],
        "forms": forms if access.enters_market_actions(user=request.user) and markets else (),
        "may_enter": access.enters_market_actions(user=request.user),
        "sent": form,
        "preview": None if draft is None else action_sentence(action=draft, zone=zone),
        "too_late_for": [] if draft is None else epochs_scored_already(program=program, action=_as_action(draft)),
    }
    return render(request, "treasury/actions.html", context, status=200)


def _as_action(draft: ActionDraft) -> MarketAction:
    return MarketAction(kind=draft.kind, subject=draft.subject, from_ms=draft.from_ms, to_ms=draft.to_ms)
