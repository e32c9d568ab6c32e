"""Pages of disputes: open one, follow it, add to it, decide it; files go out as downloads that nothing runs."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import roles
from accounts.errors import AccountsError
from accounts.models import Maker
from accounts.roles import Deed
from rewards.errors import RewardsError
from rewards.models import Dispute, Epoch
from rewards.selectors.disputes import dispute_file, dispute_get, disputes_of_maker
from rewards.selectors.parsed_terms import terms_document
from rewards.selectors.programs import epoch_get
from rewards.selectors.review_window import review_window
from rewards.services.attachments import CheckedFile, file_checked
from rewards.services.correction_kinds import kind_of
from rewards.services.disputes import (
    dispute_attach,
    dispute_decide,
    dispute_open,
    dispute_say,
    dispute_withdraw,
)
from rewards.views import access
from rewards.views.action_words import late_lines
from rewards.views.dispute_forms import CorrectionForm, DisputeForm, MessageForm, utc_initial
from rewards.views.pages import missing_is_404, page_now_ms

_PARTIES = "This dispute is for the maker that opened it and for those who review epochs."
_DECISIONS = (
    (Dispute.State.REFUSED, "Refuse it"),
    (Dispute.State.NO_EFFECT, "Uphold it, nothing to correct"),
    (Dispute.State.UPHELD, "Uphold it, with the correction above"),
)


@require_safe
def maker_disputes(request: HttpRequest, slug: str) -> HttpResponseBase:
    """List a maker's disputes to its members and to those who review."""
    maker = _maker(slug)
    if not access.sees_maker(user=request.user, maker=maker):
        return access.refuse(request=request, sentence=f"These disputes are for members of {maker.name}.")
    context = {"section": "makers", "maker": maker, "disputes": disputes_of_maker(maker=maker)}
    return render(request, "makers/disputes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def dispute_new(request: HttpRequest, slug: str, program: str, number: int) -> HttpResponseBase:
    """Show the form, filled from the address where a page has linked to a place; take it when it is sent."""
    maker = _maker(slug)
    if not roles.belongs_to(person=request.user, maker=maker):
        return access.refuse(request=request, sentence=f"Only members of {maker.name} dispute for it.")
    epoch = epoch_get(slug=program, number=number)
    markets = sorted(terms_document(epoch=epoch)["markets"])
    if request.method == "POST":
        form = DisputeForm(request.POST, request.FILES, markets=markets)
        if form.is_valid() and (made := _open(request, form, epoch=epoch, maker=maker)) is not None:
            return redirect("dispute", dispute_id=made.pk)
    else:
        form = DisputeForm(initial=_initial(request, epoch, markets), markets=markets)
    now_ms = page_now_ms()
    context = {
        "section": "makers",
        "maker": maker,
        "epoch": epoch,
        "program": epoch.program,
        "form": form,
        "window": review_window(epoch=epoch, now_ms=now_ms),
        "can_dispute": epoch.review_until_ms is not None and now_ms < epoch.review_until_ms,
        "now_ms": now_ms,
        "contact": settings.DISPUTE_CONTACT,
    }
    return render(request, "makers/dispute_new.html", context)


@require_safe
@missing_is_404
def dispute(request: HttpRequest, dispute_id: int) -> HttpResponseBase:
    """Show a dispute with everything that was said, and the forms of whoever looks at it."""
    found = dispute_get(dispute_id=dispute_id)
    if not access.sees_maker(user=request.user, maker=found.maker):
        return access.refuse(request=request, sentence=_PARTIES)
    user = request.user
    is_open = found.state == Dispute.State.OPEN
    is_member = roles.belongs_to(person=user, maker=found.maker)
    corrects = is_open and roles.may(person=user, deed=Deed.CORRECT_EPOCH)
    now_ms = page_now_ms()
    context = {
        "section": "makers" if is_member else "treasury",
        "dispute": found,
        "epoch": found.epoch,
        "program": found.epoch.program,
        "window": review_window(epoch=found.epoch, now_ms=now_ms),
        "now_ms": now_ms,
        "thread": found.messages.select_related("author"),
        "files": found.files.defer("content").select_related("added_by"),
        "corrections": correction_items(found.corrections.select_related("entered_by", "confirmed_by")),
        "message_form": MessageForm() if is_open and (is_member or _answers(request)) else None,
        "is_member": is_member,
        "decisions": _DECISIONS if is_open and roles.may(person=user, deed=Deed.DECIDE_DISPUTE) else (),
        "correction_form": CorrectionForm() if corrects else None,
        "late": late_lines(epoch=found.epoch) if corrects else (),
        "may_correct": roles.may(person=user, deed=Deed.CORRECT_EPOCH),
        "person_id": user.pk,
    }
    return render(request, "makers/dispute.html", context)


@require_POST
@missing_is_404
def say(request: HttpRequest, dispute_id: int) -> HttpResponseBase:
    """Add a message with its files."""
    found = dispute_get(dispute_id=dispute_id)
    if not (roles.belongs_to(person=request.user, maker=found.maker) or _answers(request)):
        return access.refuse(request=request, sentence=_PARTIES)
    form = MessageForm(request.POST, request.FILES)

    def write() -> str:
        files = _files(form)
        # All of it or nothing: words about a file that was refused would mislead.
        with transaction.atomic():
            dispute_say(by=request.user, dispute=found, text=form.cleaned_data["text"])
            for file in files:
                dispute_attach(by=request.user, dispute=found, file=file)
        return "Sent."

    if form.is_valid():
        attempt(request, write)
    else:
        messages.error(request, "Write a sentence or two; files alone are not taken.")
    return redirect("dispute", dispute_id=dispute_id)


@require_POST
@missing_is_404
def decide(request: HttpRequest, dispute_id: int) -> HttpResponseBase:
    """Close a dispute with a treasurer's decision."""
    if not roles.may(person=request.user, deed=Deed.DECIDE_DISPUTE):
        return access.refuse(request=request, sentence="Only a treasurer decides a dispute.")
    found = dispute_get(dispute_id=dispute_id)
    given = request.POST.get("decision", "")

    def write() -> str:
        decision = Dispute.State(given) if given in Dispute.State.values else Dispute.State.OPEN
        dispute_decide(by=request.user, dispute=found, decision=decision, reason=request.POST.get("reason", ""))
        return "Decided. The maker reads your reason here."

    attempt(request, write)
    return redirect("dispute", dispute_id=dispute_id)


@require_POST
@missing_is_404
def withdraw(request: HttpRequest, dispute_id: int) -> HttpResponseBase:
    """Take a dispute back."""
    found = dispute_get(dispute_id=dispute_id)
    if not roles.belongs_to(person=request.user, maker=found.maker):
        return access.refuse(request=request, sentence=_PARTIES)

    def write() -> str:
        dispute_withdraw(by=request.user, dispute=found)
        return "Withdrawn."

    attempt(request, write)
    return redirect("dispute", dispute_id=dispute_id)


@require_safe
@missing_is_404
def download(request: HttpRequest, dispute_id: int, file_id: int) -> HttpResponseBase:
    """Send an attached file as bytes to save: no browser shows it, guesses its kind or runs anything of it."""
    found = dispute_get(dispute_id=dispute_id)
    if not access.sees_maker(user=request.user, maker=found.maker):
        return access.refuse(request=request, sentence=_PARTIES)
    file = dispute_file(dispute=found, file_id=file_id)
    response = HttpResponse(bytes(file.content), content_type="application/octet-stream")
    # The name was made of letters, digits, dots, dashes and underscores when it was kept.
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def correction_items(corrections: Any) -> list[dict[str, Any]]:
    """Give each correction its sentence and the name of its kind."""
    return [
        {"row": row, "label": kind_of(row.kind).label, "words": kind_of(row.kind).words(data=row.data)}
        for row in corrections
    ]


def attempt(request: HttpRequest, write: Callable[[], str]) -> bool:
    """Do it and say what it says, or why it was refused; whether it was done."""
    try:
        messages.success(request, write())
    except (RewardsError, AccountsError) as error:
        messages.error(request, str(error))
        return False
    return True


def _open(request: HttpRequest, form: DisputeForm, *, epoch: Epoch, maker: Maker) -> Dispute | None:
    fields = form.cleaned_data
    try:
        return dispute_open(
            by=request.user, epoch=epoch, maker=maker, market=fields["market"], from_ms=form.from_ms,
            to_ms=form.to_ms, kind=Dispute.Kind(fields["kind"]), text=fields["text"], refers_to=fields["refers_to"],
            files=_files(form), now_ms=page_now_ms(),
        )  # fmt: skip
    except RewardsError as error:
        form.add_error(None, str(error))
        return None


def _files(form: DisputeForm | MessageForm) -> list[CheckedFile]:
    return [file_checked(name=file.name or "", content=file.read()) for file in form.cleaned_data["attachments"]]


def _initial(request: HttpRequest, epoch: Epoch, markets: list[str]) -> dict[str, Any]:
    asked = request.GET
    return {
        "market": asked.get("market") if asked.get("market") in markets else None,
        "kind": asked.get("kind") if asked.get("kind") in Dispute.Kind.values else Dispute.Kind.DATA,
        "from_utc": utc_initial(_time(asked.get("from", ""), epoch, otherwise=epoch.start_ms)),
        "to_utc": utc_initial(_time(asked.get("to", ""), epoch, otherwise=epoch.end_ms)),
    }


def _time(text: str, epoch: Epoch, *, otherwise: int) -> int:
    given = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else otherwise
    return min(max(given, epoch.start_ms), epoch.end_ms)


def _answers(request: HttpRequest) -> bool:
    return roles.may(person=request.user, deed=Deed.ANSWER_DISPUTE)


def _maker(slug: str) -> Maker:
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    return maker
