"""Where notices are posted to: the webhooks of a maker, and those of the treasury."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.errors import NotPermittedError
from accounts.models import Maker
from rewards.errors import RewardsError
from rewards.models import Delivery, WebhookEndpoint
from rewards.selectors.notices import FOR_MAKERS, FOR_TREASURY, deliveries_of, endpoints_of
from rewards.services.notices.endpoints import (
    require_manages_webhooks,
    webhook_add,
    webhook_change_secret,
    webhook_remove,
    webhook_send_again,
    webhook_switch,
    webhook_test,
)
from rewards.views import access

_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
@never_cache
def of_treasury(request: HttpRequest) -> HttpResponseBase:
    """The treasury's webhooks."""
    return _list(request, None)


@require_http_methods(_METHODS)
@never_cache
def of_maker(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A maker's webhooks."""
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    return _list(request, maker)


@require_http_methods(_METHODS)
@never_cache
def webhook(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One webhook: how its posts went, and what can be done with it."""
    endpoint = WebhookEndpoint.objects.select_related("maker").filter(pk=pk).first()
    if endpoint is None:
        raise Http404("There is no such webhook.")
    if (refused := _refused(request, endpoint.maker)) is not None:
        return refused
    if request.method != "POST":
        return _page(request, endpoint)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        messages.error(request, "Nothing was changed: choose what to do with the buttons of this page.")
        return redirect("webhook", pk=pk)
    try:
        return action(request, endpoint)
    except RewardsError as error:
        messages.error(request, str(error))
        return redirect("webhook", pk=pk)


def _refused(request: HttpRequest, maker: Maker | None) -> HttpResponseBase | None:
    try:
        require_manages_webhooks(person=request.user, maker=maker)
    except NotPermittedError as error:
        if request.user.is_authenticated:
            raise PermissionDenied(str(error)) from error
        return access.refuse(request=request, sentence=str(error))
    return None


def _list(request: HttpRequest, maker: Maker | None) -> HttpResponseBase:
    if (refused := _refused(request, maker)) is not None:
        return refused
    given: dict[str, Any] = {"url": request.POST.get("url", ""), "error": ""}
    if request.method == "POST":
        try:
            endpoint, secret = webhook_add(
                by=request.user, maker=maker, url=given["url"], kinds=request.POST.getlist("kind")
            )
        except RewardsError as error:
            given["error"] = str(error)
        else:
            return _page(request, endpoint, secret=secret)
    context = given | {
        "section": "makers" if maker else "treasury", "maker": maker, "endpoints": endpoints_of(maker=maker),
        "kinds": FOR_MAKERS if maker else FOR_TREASURY,
    }  # fmt: skip
    return render(request, "accounts/webhooks.html", context, status=422 if given["error"] else 200)


def _page(request: HttpRequest, endpoint: WebhookEndpoint, *, secret: str = "") -> HttpResponse:
    context = {
        "section": "makers" if endpoint.maker else "treasury", "endpoint": endpoint, "secret": secret,
        "deliveries": deliveries_of(endpoint=endpoint),
    }  # fmt: skip
    return render(request, "accounts/webhook.html", context)


def _back(request: HttpRequest, endpoint: WebhookEndpoint, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("webhook", pk=endpoint.pk)


def _change_secret(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    secret = webhook_change_secret(by=request.user, endpoint=endpoint, now=timezone.now())
    endpoint.refresh_from_db()
    return _page(request, endpoint, secret=secret)


def _switch_on(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    webhook_switch(by=request.user, endpoint=endpoint, on=True)
    return _back(request, endpoint, "Notices are posted there from now on.")


def _switch_off(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    webhook_switch(by=request.user, endpoint=endpoint, on=False)
    return _back(request, endpoint, "Nothing is posted there until you switch it on again.")


def _remove(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    webhook_remove(by=request.user, endpoint=endpoint)
    messages.success(request, f"{endpoint.url} is removed.")
    if endpoint.maker is None:
        return redirect("treasury-webhooks")
    return redirect("maker-webhooks", slug=endpoint.maker.slug)


def _test(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    delivery = webhook_test(by=request.user, endpoint=endpoint, now=timezone.now())
    if delivery.state == Delivery.State.DONE:
        return _back(request, endpoint, f"It arrived, and the answer was {delivery.status}.")
    said = f"The answer was {delivery.status}." if delivery.status else delivery.answer
    messages.error(request, f"The test did not arrive. {said}")
    return redirect("webhook", pk=endpoint.pk)


def _send_again(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    number = request.POST.get("delivery", "")
    delivery = endpoint.deliveries.filter(pk=int(number)).first() if number.isascii() and number.isdigit() else None
    if delivery is None:
        raise Http404("There is no such delivery.")
    webhook_send_again(by=request.user, delivery=delivery, now=timezone.now())
    return _back(request, endpoint, "It is sent once more, under the id that it had.")


ACTIONS: dict[str, Callable[[HttpRequest, WebhookEndpoint], HttpResponse]] = {
    "new-secret": _change_secret,
    "on": _switch_on,
    "off": _switch_off,
    "remove": _remove,
    "test": _test,
    "again": _send_again,
}
