"""A person's notices, and which of them are mailed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from rewards.selectors.notices import Kind, kinds_for, mail_rows, notices_of
from rewards.services.notices.mailing import mail_choose, mail_stop, read_token
from rewards.services.notices.words import words_of


@require_safe
@login_required
@never_cache
def notices(request: HttpRequest) -> HttpResponseBase:
    """Show what happened that the person wanted to know, and what is mailed of it."""
    person = _person(request)
    rows = [{"notice": notice, "words": words_of(notice=notice)} for notice in notices_of(person=person)]
    context = {"section": "notices", "rows": rows, "mail": mail_rows(person=person), "address": person.email}
    return render(request, "accounts/notices.html", context)


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponseBase:
    """Store which kinds are mailed: those that are ticked."""
    person = _person(request)
    ticked = set(request.POST.getlist("kind"))
    mail_choose(by=person, wanted={kind: kind.value in ticked for kind in kinds_for(person=person)})
    messages.success(request, "Saved.")
    return redirect("notices")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """End mail of one kind by the link in it; the signature in the link stands for a sign-in and a form's token."""
    read = mail_stop(token=token) if request.method == "POST" else read_token(token=token)
    context = {
        "section": "", "label": Kind(read[1]).label if read else "", "token": token,
        "is_done": bool(read) and request.method == "POST",
    }  # fmt: skip
    return render(request, "accounts/notices_stop.html", context, status=200 if read else 404)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("Only somebody who has signed in has notices.")
    return request.user
