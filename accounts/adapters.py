"""How allauth does its part here: the steps of a sign-in, who must show again who they are, and where secrets lie."""

import base64
import hashlib
import logging
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.errors import AccountOffError
from accounts.models import User
from accounts.second_factor import has_second_factor, showed_recently_who_they_are

logger = logging.getLogger(__name__)

WORDS: Final = {
    "reauthenticate": "Use your password",
    "reauthenticate_by_code": "Have a code mailed to you",
    "mfa_reauthenticate": "Use a code of your app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-ins and e-mail addresses."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": "That code is not the one that we sent. Check it, or ask for a new one.",
        "too_many_login_attempts": "That code was tried too often. Ask for a new one.",
        "duplicate_email": "This address is linked to your account already.",
        "email_taken": "This address can't be linked to your account. Use another one.",
        "max_email_addresses": "An account has at most %d e-mail addresses. Remove one first.",
        "incorrect_password": "That is not your password. Check it; passwords care about case.",
    }

    def get_login_stages(self) -> list[str]:
        """Return the steps: the code that was mailed, then the second factor. Nobody needs an e-mail address."""
        return ["allauth.account.stages.LoginByCodeStage", "allauth.mfa.stages.AuthenticateStage"]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up with a form: the first code that proves an address makes the account (email_codes.py)."""
        return False

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """Ask again only where the last proof is too old; a sign-in of a minute ago is one."""
        request = context.request
        return not showed_recently_who_they_are(request, person=request.user)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show again who one is: a second factor where there is one, else any way in."""
        methods = [m | {"description": WORDS[m["id"]]} for m in super().get_reauthentication_methods(user)]
        if not isinstance(user, User):
            return methods
        if has_second_factor(person=user):
            # A passkey is one touch, a code has to be typed: it comes first.
            return sorted(
                (m for m in methods if m["id"].startswith("mfa")), key=lambda m: m["id"] == "mfa_reauthenticate"
            )
        if user.wallets.exists():
            wallet = {"id": "wallet", "description": "Use a wallet", "url": reverse("accounts:confirm-wallet")}
            methods = [wallet, *methods]
        return methods

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Tell somebody who has shown who they are that the account is off."""
        messages.error(request, str(AccountOffError()))
        return redirect("accounts:login")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        """Return to one's account when an address has been added."""
        return reverse("accounts:account")

    def can_delete_email(self, email_address: Any) -> bool:
        """Yes: whether it is the last way in is asked before (ways_in.py)."""
        return True

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a sign-in may go on to `url`: to this host alone, not to whatever else ALLOWED_HOSTS names."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Mail a notice of what was done. The deed stands even if the mail server does not answer."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:
            logger.exception("A notice could not be mailed.")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the sign-in log shows, too."""
        return request.META.get("REMOTE_ADDR") or "unknown"


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Passkeys, authenticator apps and recovery codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That did not work. Codes count once and for a minute; a passkey must be one of this account."
    }

    def encrypt(self, text: str) -> str:
        """Encrypt what is stored, so that a copy of the database alone makes no codes."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt what `encrypt` made, under the present secret key or a former one."""
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """Return the name of a passkey whose owner gives it none."""
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"accounts.second-factor " + str(key).encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
