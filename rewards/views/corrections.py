"""Corrections on the treasury's pages: one person enters, another confirms."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import roles
from accounts.roles import Deed
from rewards.models import Dispute, Epoch
from rewards.selectors.disputes import correction_get, corrections_of_epoch, disputes_of_epoch
from rewards.selectors.programs import epoch_get
from rewards.selectors.review_window import review_window
from rewards.services.corrections import correction_confirm, correction_enter, correction_withdraw
from rewards.views import access
from rewards.views.action_words import late_lines
from rewards.views.dispute_forms import CorrectionForm
from rewards.views.disputes import attempt, correction_items
from rewards.views.pages import missing_is_404, page_now_ms

_FOR_WHOM = "The treasury’s pages are for treasurers, reviewers, guardians, operators and auditors."
_WHO_CORRECTS = "Treasurers, reviewers and operators correct an epoch, two of them for each correction."


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def corrections(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    """Show an epoch's disputes and corrections; enter a correction."""
    if request.method == "POST":
        return _enter(request, program, number)
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    epoch = epoch_get(slug=program, number=number)
    may_correct = roles.may(person=request.user, deed=Deed.CORRECT_EPOCH)
    context = {
        "section": "treasury",
        "program": epoch.program,
        "epoch": epoch,
        "window": review_window(epoch=epoch, now_ms=page_now_ms()),
        "now_ms": page_now_ms(),
        "disputes": disputes_of_epoch(epoch=epoch),
        "corrections": correction_items(corrections_of_epoch(epoch=epoch)),
        "correction_form": CorrectionForm() if may_correct and epoch.state in Epoch.CORRECTABLE else None,
        "late": late_lines(epoch=epoch),
        "may_correct": may_correct,
        "person_id": request.user.pk,
    }
    return render(request, "treasury/corrections.html", context)


@require_POST
@missing_is_404
def confirm(request: HttpRequest, correction_id: int) -> HttpResponseBase:
    """Confirm what another person has entered."""
    if not roles.may(person=request.user, deed=Deed.CORRECT_EPOCH):
        return access.refuse(request=request, sentence=_WHO_CORRECTS)
    found = correction_get(correction_id=correction_id)

    def write() -> str:
        correction_confirm(by=request.user, correction=found)
        return "Confirmed. The epoch is scored again by itself; this takes a few minutes."

    attempt(request, write)
    return redirect("treasury-corrections", program=found.epoch.program.slug, number=found.epoch.number)


@require_POST
@missing_is_404
def withdraw(request: HttpRequest, correction_id: int) -> HttpResponseBase:
    """Take back a correction that nobody has confirmed."""
    if not roles.may(person=request.user, deed=Deed.CORRECT_EPOCH):
        return access.refuse(request=request, sentence=_WHO_CORRECTS)
    found = correction_get(correction_id=correction_id)

    def write() -> str:
        correction_withdraw(by=request.user, correction=found)
        return "Withdrawn. Nothing is changed."

    attempt(request, write)
    return redirect("treasury-corrections", program=found.epoch.program.slug, number=found.epoch.number)


def _enter(request: HttpRequest, program: str, number: int) -> HttpResponseBase:
    if not roles.may(person=request.user, deed=Deed.CORRECT_EPOCH):
        return access.refuse(request=request, sentence=_WHO_CORRECTS)
    epoch = epoch_get(slug=program, number=number)
    asked = request.POST.get("dispute", "")
    dispute = Dispute.objects.filter(pk=int(asked), epoch=epoch).first() if asked.isdecimal() else None
    given = {name: value for name, value in request.POST.items() if isinstance(value, str)}

    def write() -> str:
        correction_enter(
            by=request.user, epoch=epoch, kind=given.get("kind", ""), given=given,
            reason=given.get("reason", ""), dispute=dispute,
        )  # fmt: skip
        return "Entered. It changes nothing until a second person has confirmed it."

    attempt(request, write)
    return redirect("treasury-corrections", program=program, number=number)
