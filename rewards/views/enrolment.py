"""Pages of a request for enrolment: asking, proving addresses, and an operator's review."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import eligibility, roles
from accounts.enrolment import (
    enrolment_address_drop,
    enrolment_address_prove,
    enrolment_ask,
    enrolment_refuse,
    enrolment_withdraw,
)
from accounts.errors import AccountsError, EnrolmentFieldError, IneligibleError, NotPermittedError
from accounts.models import Enrolment, User
from accounts.roles import Deed
from accounts.selectors_makers import enrolment_problems
from rewards.selectors.boundary import next_boundary_ms
from rewards.services.makers import enrolment_accept
from rewards.views import access
from rewards.views.enrolment_form import EnrolmentForm
from rewards.views.pages import page_now_ms
from rewards.views.proving import Panel, asked_of, message_for, panel_again, signed_of, with_node

_NOT_FOR_WATCHERS = "Who decides on makers’ pay, or watches over it, can’t ask for a maker. Use another account."
_FOR_WHOM = "A request is for the person who asked and for those who review it."
_UNKNOWN = "Nothing was changed: choose what to do with the buttons of this page."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def enrol(request: HttpRequest) -> HttpResponseBase:
    """Ask for a maker's enrolment; shows one's earlier requests."""
    if not roles.may_ask_for_enrolment(person=request.user) or not isinstance(request.user, User):
        return access.refuse(request=request, sentence=_NOT_FOR_WATCHERS)
    form = EnrolmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = enrolment_ask(by=request.user, **form.asked)
        except EnrolmentFieldError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except IneligibleError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your request is in. Now prove each address that quotes for the maker.")
            return redirect("enrolment", number=made.pk)
    context = {
        "section": "makers",
        "form": form,
        "terms": eligibility.enrolment_terms(),
        "mine": list(request.user.enrolments.all()[:20]),
    }
    return render(request, "makers/enrol.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def enrolment(request: HttpRequest, number: int) -> HttpResponseBase:
    """Show a request to who asked and to reviewers, and change it."""
    found = Enrolment.objects.select_related("asked_by", "maker").filter(pk=number).first()
    if found is None:
        raise Http404("There is no such request.")
    if not roles.sees_enrolment(person=request.user, asked_by_id=found.asked_by_id):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    if request.method != "POST":
        return _show(request, found, Panel())
    action = request.POST.get("action", "")
    try:
        if action == "message":
            return _show(request, found, _message(request, found))
        if action not in _ACTIONS:
            messages.error(request, _UNKNOWN)
        else:
            messages.success(request, _ACTIONS[action](request, found))
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    except AccountsError as error:
        messages.error(request, str(error))
        if action == "prove":
            return _show(request, found, panel_again(request))
    return redirect("enrolment", number=number)


@require_safe
def enrolments(request: HttpRequest) -> HttpResponseBase:
    """List the requests, those that wait first."""
    if not roles.may(person=request.user, deed=Deed.SEE_ENROLMENTS):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    rows = list(Enrolment.objects.select_related("asked_by").prefetch_related("proofs")[:200])
    listing = eligibility.sanctions_now()
    waiting = [
        (row, enrolment_problems(enrolment=row, listing=listing)) for row in rows if row.state == Enrolment.State.OPEN
    ]
    closed = [row for row in rows if row.state != Enrolment.State.OPEN]
    context = {"section": "treasury", "waiting": waiting, "closed": closed, "listing": listing}
    return render(request, "treasury/enrolments.html", context)


def _show(request: HttpRequest, found: Enrolment, panel: Panel) -> HttpResponseBase:
    is_open = found.state == Enrolment.State.OPEN
    proofs = found.proofs.filter(is_claim=True) if is_open else found.proofs.all()
    asked = request.user.pk == found.asked_by_id
    context: dict[str, Any] = {
        "section": "makers" if asked else "treasury",
        "request_row": found,
        "slug": found.slug,
        "country": eligibility.countries().get(found.region, found.region),
        "proofs": list(proofs),
        "against": enrolment_problems(enrolment=found) if is_open else [],
        "listing": eligibility.sanctions_now(),
        "is_open": is_open,
        "may_change": asked and is_open,
        "may_decide": roles.may(person=request.user, deed=Deed.ENROL_MAKERS) and is_open and not asked,
        "boundary_ms": next_boundary_ms(now_ms=page_now_ms()),
        "panel": panel,
    }
    return render(request, "makers/enrolment.html", context)


def _require_asker(request: HttpRequest, found: Enrolment) -> None:
    if request.user.pk != found.asked_by_id:
        raise NotPermittedError(what="Changing this request", who="the person who asked")


def _message(request: HttpRequest, found: Enrolment) -> Panel:
    _require_asker(request, found)
    return message_for(request, slug=found.slug)


def _prove(request: HttpRequest, found: Enrolment) -> str:
    # Before the form is read: to others even its slips are no answer.
    _require_asker(request, found)
    text, signature = signed_of(request)
    proof = with_node(
        request,
        lambda client: enrolment_address_prove(
            client, by=request.user, asked=asked_of(request), enrolment=found, text=text, signature=signature
        ),
    )
    return f"{proof.address} is proven. It quotes for {found.name} once the request is accepted."


def _drop(request: HttpRequest, found: Enrolment) -> str:
    address = request.POST.get("address", "")
    enrolment_address_drop(by=request.user, enrolment=found, address=address)
    return f"{address} is no longer part of the request."


def _withdraw(request: HttpRequest, found: Enrolment) -> str:
    enrolment_withdraw(by=request.user, enrolment=found)
    return "Your request is withdrawn. Its addresses are free again."


def _accept(request: HttpRequest, found: Enrolment) -> str:
    reason = request.POST.get("reason", "")
    enrolment_accept(by=request.user, enrolment=found, reason=reason, now_ms=page_now_ms())
    return f"{found.name} is enrolled. It counts from the next epoch on."


def _refuse(request: HttpRequest, found: Enrolment) -> str:
    enrolment_refuse(by=request.user, enrolment=found, reason=request.POST.get("reason", ""))
    return "The request is refused. Whoever asked reads your reason."


_ACTIONS: dict[str, Callable[[HttpRequest, Enrolment], str]] = {
    "prove": _prove,
    "drop": _drop,
    "withdraw": _withdraw,
    "accept": _accept,
    "refuse": _refuse,
}
