"""The page on which a maker's admins, and operators, say who belongs to the maker."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.errors import AccountsError, NotPermittedError
from accounts.members import member_add, member_admin_set, member_remove
from accounts.models import Maker, User
from accounts.roles import Person, require_manages_maker


def _add(by: Person, maker: Maker, person: User) -> None:
    member_add(by=by, maker=maker, person=person)


def _remove(by: Person, maker: Maker, person: User) -> None:
    member_remove(by=by, maker=maker, person=person)


def _make_admin(by: Person, maker: Maker, person: User) -> None:
    member_admin_set(by=by, maker=maker, person=person, is_admin=True)


def _end_admin(by: Person, maker: Maker, person: User) -> None:
    member_admin_set(by=by, maker=maker, person=person, is_admin=False)


ACTIONS: dict[str, tuple[Callable[[Person, Maker, User], None], str]] = {
    "add": (_add, "{person} is a member of {maker} now."),
    "remove": (_remove, "{person} is no member of {maker} any more."),
    "make-admin": (_make_admin, "{person} is an admin of {maker} now."),
    "end-admin": (_end_admin, "{person} is no admin of {maker} any more."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def members(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show a maker's members, and change them."""
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    try:
        require_manages_maker(person=request.user, maker=maker)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    return _change(request, maker) if request.method == "POST" else _show(request, maker)


def _show(request: HttpRequest, maker: Maker) -> HttpResponse:
    rows = selectors.members_of(maker=maker)
    return render(request, "accounts/members.html", {"section": "makers", "maker": maker, "members": rows})


def _change(request: HttpRequest, maker: Maker) -> HttpResponse:
    action, name = request.POST.get("action", ""), request.POST.get("person", "").strip()
    person = selectors.person_called(name=name)
    if action not in ACTIONS:
        messages.error(request, "Nothing was changed: choose what to do with the buttons of this page.")
    elif person is None:
        messages.error(request, f"No account is called “{name}” or has that wallet. They have to sign in once before.")
    else:
        change, done = ACTIONS[action]
        try:
            change(request.user, maker, person)
        except AccountsError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done.format(person=person.username, maker=maker.name))
    return redirect("accounts:members", slug=maker.slug)
