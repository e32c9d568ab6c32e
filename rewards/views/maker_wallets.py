"""A maker's page of quoting addresses: which count when, what its people changed, and adding, removing, leaving."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import roles
from accounts.errors import AccountsError, NotPermittedError
from accounts.models import Maker, MakerAddress
from accounts.roles import Deed
from accounts.selectors_makers import maker_problems
from rewards.selectors.boundary import next_boundary_ms
from rewards.services.makers import address_add, address_remove, maker_leave
from rewards.views import access
from rewards.views.pages import page_now_ms
from rewards.views.proving import Panel, asked_of, message_for, panel_again, signed_of, with_node

_UNKNOWN = "Nothing was changed: choose what to do with the buttons of this page."
_MOST_CHANGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One time in which an address quotes. state: coming, counts, ends or ended."""

    row: MakerAddress
    state: str


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def wallets(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show a maker's quoting addresses to its members and to reviewers; its admins change them."""
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    if not roles.sees_maker(person=request.user, maker=maker):
        return access.refuse(request=request, sentence=f"This page is for members of {maker.name}.")
    if request.method != "POST":
        return _show(request, maker, Panel())
    action = request.POST.get("action", "")
    try:
        if action == "message":
            return _show(request, maker, _message(request, maker))
        if action not in _ACTIONS:
            messages.error(request, _UNKNOWN)
        else:
            messages.success(request, _ACTIONS[action](request, maker))
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    except AccountsError as error:
        messages.error(request, str(error))
        if action == "prove":
            return _show(request, maker, panel_again(request))
    return redirect("maker-wallets", slug=slug)


def _show(request: HttpRequest, maker: Maker, panel: Panel) -> HttpResponseBase:
    now_ms = page_now_ms()
    boundary_ms = next_boundary_ms(now_ms=now_ms)
    lines = [Line(row=row, state=_state(row, now_ms)) for row in maker.addresses.select_related("proof")]
    is_admin = roles.is_makers_admin(person=request.user, maker=maker)
    context: dict[str, Any] = {
        "section": "makers",
        "maker": maker,
        "slug": maker.slug,
        "lines": [line for line in lines if line.state != "ended"],
        "ended": [line for line in lines if line.state == "ended"],
        "against": maker_problems(maker=maker, start_ms=boundary_ms or now_ms + 1),
        "changes": list(maker.changes.all()[:_MOST_CHANGES]),
        "may_change": is_admin,
        "may_end": is_admin or roles.may(person=request.user, deed=Deed.ENROL_MAKERS),
        "boundary_ms": boundary_ms,
        "panel": panel,
    }
    return render(request, "makers/wallets.html", context)


def _state(row: MakerAddress, now_ms: int) -> str:
    if row.until_ms is not None and row.until_ms <= max(now_ms, row.since_ms):
        return "ended"
    if row.since_ms > now_ms:
        return "coming"
    return "counts" if row.until_ms is None else "ends"


def _message(request: HttpRequest, maker: Maker) -> Panel:
    roles.require_makers_admin(person=request.user, maker=maker, what="Adding a quoting address")
    return message_for(request, slug=maker.slug)


def _prove(request: HttpRequest, maker: Maker) -> str:
    # Before the form is read: to others even its slips are no answer.
    roles.require_makers_admin(person=request.user, maker=maker, what="Adding a quoting address")
    text, signature = signed_of(request)
    row = with_node(
        request,
        lambda client: address_add(
            client, by=request.user, asked=asked_of(request), maker=maker, text=text, signature=signature,
            now_ms=page_now_ms(),
        ),
    )  # fmt: skip
    return f"{row.address} quotes for {maker.name} from the next epoch on."


def _remove(request: HttpRequest, maker: Maker) -> str:
    address, reason = request.POST.get("address", ""), request.POST.get("reason", "")
    address_remove(by=request.user, maker=maker, address=address, reason=reason, now_ms=page_now_ms())
    return f"{address} no longer quotes for {maker.name} from the next epoch on."


def _leave(request: HttpRequest, maker: Maker) -> str:
    maker_leave(by=request.user, maker=maker, reason=request.POST.get("reason", ""), now_ms=page_now_ms())
    return f"{maker.name} takes part in no epoch that begins from now on. What it has earned is still paid."


_ACTIONS: dict[str, Callable[[HttpRequest, Maker], str]] = {"prove": _prove, "remove": _remove, "leave": _leave}
