"""Writes down every sign-in, whichever page it came through, and closes other sessions at the first second factor."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.second_factor import FACTORS
from accounts.sign_in import sessions_end_others, sign_in_record

_SECOND = {"totp": "app code", "recovery_codes": "recovery code", "webauthn": "passkey"}


@receiver(user_logged_in, dispatch_uid="accounts.record_sign_in")
def record_sign_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Record who signed in, when, how and from where."""
    if request.session.session_key is None:
        request.session.save()
    sign_in_record(
        person=user,
        how=_how(request, user),
        from_ip=request.META.get("REMOTE_ADDR") or None,
        browser=request.META.get("HTTP_USER_AGENT", ""),
        session_key=request.session.session_key or "",
    )


@receiver(authenticator_added, dispatch_uid="accounts.second_factor_added")
def second_factor_added(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Count the set-up as a proof in this session, and end the sessions that were begun without a second factor."""
    if authenticator.type not in FACTORS:
        return
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    if Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).count() == 1:
        sessions_end_others(person=user, session_key=request.session.session_key or "")
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


@receiver(email_added, dispatch_uid="accounts.email_added")
def address_added(*, user: User, email_address: EmailAddress, **_: Any) -> None:
    """Mail a notice of a new address to the one that notices go to."""
    get_adapter().send_notification_mail("account/email/email_added", user, {"address": email_address.email})


def _how(request: HttpRequest, user: User) -> str:
    """Say what was shown, in its order: “password and app code”."""
    shown = [_name(record) for record in get_authentication_records(request, user)]
    return " and ".join(dict.fromkeys(shown)) or "password"


def _name(record: dict[str, Any]) -> str:
    if record["method"] == "mfa":
        return _SECOND.get(record["type"], str(record["type"]))
    if record["method"] == "wallet":
        return str(record["address"])
    return {"code": "e-mail code"}.get(record["method"], str(record["method"]))
