"""Keeps the treasury's people on the page that sets up a second factor until they have one and have shown it."""

from collections.abc import Callable
from typing import Any, Final

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.roles import lacks_second_factor, needs_second_factor
from accounts.second_factor import session_showed_second_factor

SETTING_UP: Final = frozenset(
    {
        *("accounts:second-factor", "accounts:logout", "accounts:confirm-wallet"),
        *("accounts:wallet-message", "accounts:wallet-sign-in"),
        *("mfa_add_webauthn", "mfa_activate_totp", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
        *("account_reauthenticate", "account_request_reauthentication_code", "account_confirm_reauthentication_code"),
        # A machine looks whether the service is up.
        *("healthz", "readyz", "metrics"),
        # It says how to set a factor up.
        *("documents", "documents-page"),
    }
)
"""All that such a session reaches: setting a factor up, showing who one is, and signing out."""


class SecondFactorMiddleware:
    """Asks before every page; services ask again by accounts.roles.require, for whether the person has a factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; `process_view` knows the page."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        """Lead elsewhere who still lacks the second factor in this session; None lets everybody else through."""
        match = request.resolver_match
        if match is not None and match.app_name == "api":
            # It says no itself, in its own form (rewards/api/callers.py), and a key is asked for its person's factor.
            return None
        if match is None or match.view_name in SETTING_UP or not needs_second_factor(person=request.user):
            return None
        if lacks_second_factor(person=request.user):
            return redirect("accounts:second-factor")
        if session_showed_second_factor(request):
            return None
        # Set up elsewhere, while this session was open: it has to show the factor, too.
        here = request.get_full_path() if request.method == "GET" else reverse("home")
        return redirect(
            f"{get_adapter().get_reauthentication_methods(request.user)[0]['url']}?{urlencode({'next': here})}"
        )
