"""Writes down every sign-in, whichever page it came through."""

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sign_in import sign_in_record

WALLET_SESSION_KEY = "signed_in_with_wallet"


@receiver(user_logged_in, dispatch_uid="accounts.record_sign_in")
def record_sign_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record who signed in, when, how and from where."""
    by_wallet = request.session.get(BACKEND_SESSION_KEY, "").endswith(".WalletBackend")
    if request.session.session_key is None:
        request.session.save()
    sign_in_record(
        person=user,
        how=request.session.get(WALLET_SESSION_KEY, "wallet") if by_wallet else "password",
        from_ip=request.META.get("REMOTE_ADDR") or None,
        browser=request.META.get("HTTP_USER_AGENT", ""),
        session_key=request.session.session_key or "",
    )
