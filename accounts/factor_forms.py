"""The forms of second factors: codes, which count once, and what a passkey answers, whatever somebody sends as one."""

import time
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.db import transaction

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What the readers of passkeys' answers raise at nonsense."""


class _OnceOnly:
    """Refuses a code of an app that was used before. allauth remembers it in the memory of one process; here it is in
    the database, under a lock, so that of two at once one counts."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Return the code if it is right and new."""
        with transaction.atomic():
            list(Authenticator.objects.select_for_update().filter(user_id=self.user.pk).order_by("pk"))
            code: str = super().clean_code()  # type: ignore[misc]
            if self.authenticator.type == Authenticator.Type.TOTP:
                self._take(code)
        return code

    def _take(self, code: str) -> None:
        now_s = int(time.time())
        lives_s = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        digits = "".join(character for character in code if character.isdigit())
        taken = {c: at_s for c, at_s in self.authenticator.data.get("taken", {}).items() if now_s - at_s < lives_s}
        if digits in taken:
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator.data["taken"] = taken | {digits: now_s}
        self.authenticator.save(update_fields=["data"])


class SecondFactorForm(_OnceOnly, AuthenticateForm):  # type: ignore[misc]
    """The second step of a sign-in."""


class ConfirmingSecondFactorForm(_OnceOnly, ReauthenticateForm):  # type: ignore[misc]
    """Showing again who one is."""


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, with a name that fits a line."""

    name = forms.CharField(required=False, max_length=60)

    def clean(self) -> dict[str, Any]:
        """Check the passkey; an answer that can't be read is refused like a wrong one."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


class _Readable:
    """Refuses an answer that can't be read like a wrong one."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey that answered."""
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except UNREADABLE:
            raise get_adapter().validation_error("incorrect_code") from None
        return found


class PasskeySignInForm(_Readable, LoginWebAuthnForm):  # type: ignore[misc]
    """A sign-in by passkey alone."""


class PasskeyStepForm(_Readable, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step."""


class ConfirmingPasskeyForm(_Readable, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey that shows again who one is."""
