"""Signing in with a code that is mailed: the same answer for every address, and an account made by the first proof.

allauth mails a code to known addresses only. Here every address gets one, so that neither the page nor the mail tells
whether it has an account; entering the code proves the mailbox, and whoever is new gets an account by that.
"""

import secrets
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.models import EmailAddress, Login
from allauth.account.stages import LoginByCodeStage, LoginStageController
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import User


class EmailCode(LoginCodeVerificationProcess):  # type: ignore[misc]
    """A code on its way: kept in the session that asked, with its tries and its time."""

    def send_by_email(self, email: str, skip_enumeration_mails: bool = False) -> None:
        """Mail a new code, whoever the address belongs to."""
        context = {"request": self.request, "code": self.generate_code(), "reauthentication": False}
        get_adapter().send_mail("account/email/login_code", email, context)
        self.add_sent_message({"email": email, "recipient": email})

    def finish(self, redirect_url: str | None) -> HttpResponse:
        """Sign in who proved the address, made as a provider at the first time."""
        address = self.state["email"]
        person = self._user = self.user or person_of_address(address=address)
        if not EmailAddress.objects.filter(user=person, email__iexact=address).exists():
            # An operator wrote this address down for the person; now its mailbox has been proven.
            EmailAddress.objects.create(user=person, email=address, verified=True).set_as_primary(conditional=True)
        return super().finish(redirect_url)

    @classmethod
    def begin(cls, request: HttpRequest, *, person: User | None, address: str) -> "EmailCode":
        """Mail a code and remember it in the session. `person` is None for an address without an account."""
        login = Login(user=person, email=address)
        login.state["stages"] = {"current": LoginByCodeStage.key}
        stage = LoginByCodeStage(LoginStageController(request, login), request, login)
        stage.state.update(cls.initial_state(user=person, email=address) | {"initiated_by_user": True})
        process = cls(stage=stage)
        process.send()
        process.persist()
        return process

    @classmethod
    def resume(cls, stage: Any) -> "EmailCode | None":
        """Return the code on its way, or None when its time is over."""
        process: EmailCode | None = cls(stage=stage).abort_if_invalid()
        return process


def person_of_address(*, address: str) -> User:
    """Return whose address it is, also somebody who is switched off; made as a provider if it is nobody's.

    For an address whose mailbox has just been proven, and for no other. Of two at once, one makes the account.
    """
    found = _known(address)
    if found is not None:
        return found
    name = address[:140]
    if User.objects.filter(username=name).exists():
        # Whoever had this address before keeps the account and its name.
        name = f"{name}-{secrets.token_hex(4)}"
    try:
        with transaction.atomic():
            person = User(username=name, email=address)
            person.set_unusable_password()
            person.save()
            EmailAddress.objects.create(user=person, email=address, verified=True, primary=True)
    except IntegrityError:
        return person_of_address(address=address)
    return person


def _known(address: str) -> User | None:
    held = EmailAddress.objects.filter(email__iexact=address, verified=True).select_related("user").first()
    return held.user if held else None
