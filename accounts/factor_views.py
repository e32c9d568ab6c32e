"""Passkeys, authenticator apps and recovery codes: allauth's views with our rules and without its scripts."""

import json
from typing import Any, cast

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    LoginWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.errors import LastWayInError
from accounts.models import User
from accounts.roles import needs_second_factor
from accounts.second_factor import has_second_factor
from accounts.ways_in import require_another_way_in


class _PasskeyOptions:
    """Gives the template what the browser asks the passkey, as JSON for a data attribute: no inline script."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `passkey_options`."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        data = context.get("js_data", {})
        options = data.get("creation_options") or data.get("request_options")
        return context | {"passkey_options": json.dumps(options and options["publicKey"])}


class SecondStep(_PasskeyOptions, AuthenticateView):  # type: ignore[misc]
    """The second step of a sign-in: a passkey, a code of an app, or a recovery code."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say which of them the person has."""
        person = self.stage.login.user
        types = set(Authenticator.objects.filter(user=person).values_list("type", flat=True))
        return super().get_context_data(**kwargs) | {"types": types}

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say what a passkey lacked; a code's error stands at its field."""
        for sentence in form.errors.get("credential", []):
            messages.error(self.request, sentence)
        return super().form_invalid(form)


class AddPasskey(_PasskeyOptions, AddWebAuthnView):  # type: ignore[misc]
    """Makes a passkey: one that finds its account by itself, and that checks its owner by PIN, finger or face."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Ask for such a passkey only; allauth's page would also take a bare security key."""
        context = super().get_context_data(**kwargs)
        options = auth.begin_registration(self.request.user, passwordless=True)
        return context | {"passkey_options": json.dumps(options["publicKey"])}

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say what went wrong, and let the person try again."""
        for sentence in form.errors.get("credential", []):
            messages.error(self.request, sentence)
        return super().form_invalid(form)


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """Takes a passkey away, unless it is the last way in."""

    def get_success_url(self) -> str:
        """Return to one's account."""
        return reverse("accounts:account")

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it, or say why not."""
        try:
            with transaction.atomic():
                require_another_way_in(person=self.request.user, than=f"The passkey “{self.object.wrap().name}”")
                return super().form_valid(form)
        except LastWayInError as error:
            messages.error(self.request, str(error))
            return redirect("accounts:account")


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """Signs in with a passkey alone: the browser asks for the options first, and posts what the passkey answered."""


class ConfirmWithPasskey(_PasskeyOptions, ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Shows again who one is."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say what went wrong, and let the person try again."""
        for sentence in form.errors.get("credential", []):
            messages.error(self.request, sentence)
        return redirect(self.request.get_full_path())


@require_safe
@login_required
@never_cache
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """Show the one page that somebody of the treasury sees until a second factor is set up."""
    if has_second_factor(person=cast(User, request.user)):
        return redirect("accounts:account")
    context = {"needed": needs_second_factor(person=request.user)}
    return render(request, "accounts/second_factor.html", context)
