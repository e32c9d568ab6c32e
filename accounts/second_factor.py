"""Second factors: who has one, which sessions have shown it, and whether somebody has just shown who they are."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as one: an authenticator app, or a passkey. Recovery codes only stand in for them."""


def has_second_factor(*, person: User) -> bool:
    """Whether the person has set up a passkey or an authenticator app."""
    return Authenticator.objects.filter(user_id=person.pk, type__in=FACTORS).exists()


def session_showed_second_factor(request: HttpRequest) -> bool:
    """Whether the session's person has shown a second factor in it: at the sign-in, or since."""
    return any(record["method"] == "mfa" for record in _records(request))


def showed_recently_who_they_are(request: HttpRequest, *, person: User) -> bool:
    """Whether the last proof is recent enough to change ways in; who has a second factor must have shown that one."""
    records = _records(request)
    if has_second_factor(person=person):
        records = [record for record in records if record["method"] == "mfa"]
    latest_s = max((record["at"] for record in records), default=0.0)
    return bool(time.time() - latest_s < app_settings.REAUTHENTICATION_TIMEOUT)


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    # What allauth, and our sign-in with a wallet, noted in this session about this person: method, time, kind.
    return list(get_authentication_records(request, request.user))
