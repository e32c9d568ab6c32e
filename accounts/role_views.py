"""The page on which operators give and take roles, and see who gave which when and why."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.errors import AccountsError, NotPermittedError
from accounts.members import MOST_REASON_CHARS, role_set
from accounts.models import User
from accounts.roles import APART_FROM_MAKERS, Deed, require

GIVEN_HERE = (User.Role.PROVIDER, *sorted(APART_FROM_MAKERS))
"""Roles that the page offers; a maker's member becomes one on the maker's own page."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def roles(request: HttpRequest) -> HttpResponseBase:
    """Show people and their roles, and change one."""
    try:
        require(person=request.user, deed=Deed.SET_ROLES)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    return _change(request) if request.method == "POST" else _show(request)


def _show(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:150]
    context = {
        "q": text,
        "found": selectors.people_found(text=text),
        "most_found": selectors.FOUND_ROWS,
        "holders": selectors.people_with_roles(),
        "changes": selectors.role_changes(),
        "offered": [(role.value, role.label) for role in GIVEN_HERE],
        "labels": dict(User.Role.choices),
        "most_reason_chars": MOST_REASON_CHARS,
    }
    return render(request, "accounts/roles.html", context)


def _change(request: HttpRequest) -> HttpResponse:
    name, wanted = request.POST.get("person", ""), request.POST.get("role", "")
    person = User.objects.filter(username=name).first()
    if person is None or wanted not in GIVEN_HERE:
        messages.error(request, "Nothing was changed: choose a person and a role of this page.")
        return redirect("accounts:roles")
    role = User.Role(wanted)
    try:
        role_set(by=cast(User, request.user), person=person, role=role, reason=request.POST.get("reason", ""))
    except AccountsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{person.username} is now: {role.label.lower()}.")
    return redirect(f"{reverse('accounts:roles')}?{urlencode({'q': person.username})}")
