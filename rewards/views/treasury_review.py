"""The treasury's page of one version of the terms: what it would mean, what was said, and each step with its button."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import NotPermittedError
from accounts.roles import Deed, may
from rewards.errors import RewardsError
from rewards.models import TermsVersion
from rewards.selectors.terms_history import version_get, version_row
from rewards.selectors.terms_ruling import free_epochs
from rewards.selectors.whatif import scored_epochs
from rewards.services.terms_versions import (
    terms_accept,
    terms_comment,
    terms_hand_in,
    terms_send_back,
    terms_withdraw,
)
from rewards.views import access
from rewards.views.pages import missing_is_404, page_now_ms
from rewards.views.terms_preview import terms_preview
from rewards.views.treasury_programmes import FOR_WHOM

STATE = TermsVersion.State


@require_safe
@missing_is_404
def draft(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Show a version: what it would mean, what changes, what was said, and the next step."""
    if not access.sees_treasury(user=request.user):
        return access.refuse(request=request, sentence=FOR_WHOM)
    version, now_ms = version_get(slug=slug, number=number), page_now_ms()
    program, is_author = version.program, version.author_id == request.user.pk
    scheduled = list(program.terms_versions.filter(state=STATE.SCHEDULED))
    in_review = version.state == STATE.IN_REVIEW
    may_withdraw = may(person=request.user, deed=Deed.WITHDRAW_TERMS)
    withdrawable = version.state == STATE.SCHEDULED and (version.from_ms or 0) > now_ms
    context = {
        "section": "treasury",
        "program": program,
        "version": version,
        "key": f"version-{version.number}",
        "row": version_row(version=version, versions=scheduled, now_ms=now_ms),
        "preview": terms_preview(version=version, now_ms=now_ms),
        "now_ms": now_ms,
        "comments": version.comments.select_related("author"),
        "choices": free_epochs(version=version, now_ms=now_ms),
        "may_edit": is_author and version.state == STATE.DRAFT and may(person=request.user, deed=Deed.DRAFT_TERMS),
        "may_draft": may(person=request.user, deed=Deed.DRAFT_TERMS),
        "may_review": in_review and not is_author and may(person=request.user, deed=Deed.REVIEW_TERMS),
        "waits_for_another": in_review and is_author,
        "may_withdraw": may_withdraw
        and (withdrawable or (is_author and version.state in (STATE.DRAFT, STATE.IN_REVIEW))),
        "may_comment": may(person=request.user, deed=Deed.COMMENT_ON_TERMS),
        "may_ask_what_if": may(person=request.user, deed=Deed.ASK_WHAT_IF),
        "scored": min(4, scored_epochs(program=version.program).count()),
    }
    return render(request, "treasury/draft.html", context)


@require_POST
@missing_is_404
def hand_in(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Hand one's own draft in."""
    if not may(person=request.user, deed=Deed.DRAFT_TERMS):
        return access.refuse(request=request, sentence="Terms are drafted by treasurers.")
    version = version_get(slug=slug, number=number)
    return _step(
        request,
        version,
        lambda: terms_hand_in(
            by=request.user,
            version=version,
            sha256=request.POST.get("sha256", ""),
            now=timezone.now(),
            now_ms=page_now_ms(),
            comment=request.POST.get("comment", ""),
        ),
        done="Handed in. Another treasurer or a reviewer looks at it now; nothing in it can change any more.",
    )


@require_POST
@missing_is_404
def review(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Accept somebody else's version for an epoch to come, or send it back."""
    if not may(person=request.user, deed=Deed.REVIEW_TERMS):
        return access.refuse(request=request, sentence="Terms are reviewed by treasurers and reviewers.")
    version, comment = version_get(slug=slug, number=number), request.POST.get("comment", "")
    if request.POST.get("do") == "send-back":
        return _step(
            request,
            version,
            lambda: terms_send_back(by=request.user, version=version, comment=comment, now=timezone.now()),
            done="Sent back with your comment.",
        )
    chosen = request.POST.get("from_epoch", "")
    number_chosen = int(chosen) if chosen.isdecimal() and len(chosen) < 9 else 0
    return _step(
        request,
        version,
        lambda: terms_accept(
            by=request.user,
            version=version,
            sha256=request.POST.get("sha256", ""),
            from_epoch=number_chosen,
            now=timezone.now(),
            now_ms=page_now_ms(),
            comment=comment,
        ),
        done=f"Accepted: these terms hold from epoch {number_chosen} on. The programme’s page announces them.",
    )


@require_POST
@missing_is_404
def withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Withdraw a version with a reason."""
    if not may(person=request.user, deed=Deed.WITHDRAW_TERMS):
        return access.refuse(request=request, sentence="Terms are withdrawn by treasurers and reviewers.")
    version = version_get(slug=slug, number=number)
    return _step(
        request,
        version,
        lambda: terms_withdraw(
            by=request.user,
            version=version,
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
            now_ms=page_now_ms(),
        ),
        done="Withdrawn. The epochs to come have the terms that hold without it.",
    )


@require_POST
@missing_is_404
def comment(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Say something about a version."""
    if not may(person=request.user, deed=Deed.COMMENT_ON_TERMS):
        return access.refuse(request=request, sentence="Treasurers and reviewers comment on terms.")
    version = version_get(slug=slug, number=number)
    text = request.POST.get("comment", "")
    return _step(
        request,
        version,
        lambda: terms_comment(by=request.user, version=version, text=text),
        done="Your comment stands below.",
    )


def _step(request: HttpRequest, version: TermsVersion, step: Callable[[], None], *, done: str) -> HttpResponseBase:
    """Take a step, say what came of it, and show the version again."""
    try:
        step()
    except (RewardsError, NotPermittedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("treasury-draft", slug=version.program.slug, number=version.number)
