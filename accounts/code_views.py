"""Signing in with a code that is mailed, and the e-mail addresses of one's account: allauth's views with our rules."""

import logging
from typing import Any, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.models import EmailAddress
from allauth.account.stages import LoginByCodeStage
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ConfirmLoginCodeView, EmailView, RequestLoginCodeView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.email_codes import EmailCode
from accounts.errors import LastWayInError
from accounts.models import User
from accounts.ways_in import require_another_way_in

logger = logging.getLogger(__name__)


class RequestCode(RequestLoginCodeView):  # type: ignore[misc]
    """Mails a code to any address, with the same answer for each."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Send the code, and go on to the page that takes it."""
        try:
            EmailCode.begin(self.request, person=form._user, address=form.cleaned_data["email"].lower())
        except OSError:
            logger.exception("A sign-in code could not be mailed.")
            form.add_error("email", "The code could not be mailed. Try again in a minute, or sign in another way.")
            return self.form_invalid(form)
        return HttpResponseRedirect(self.get_success_url())

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> None:
        """Let somebody ask for another code, or for another address, at any time."""
        return


@method_decorator(
    login_stage_required(stage=LoginByCodeStage.key, redirect_urlname="account_request_login_code"), name="dispatch"
)
class ConfirmCode(ConfirmLoginCodeView):  # type: ignore[misc]
    """Takes the code, and signs in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for a new code where none is on its way in this session."""
        self.stage = request._login_stage  # type: ignore[attr-defined]
        self._process = EmailCode.resume(self.stage)
        if self._process is None:
            messages.error(request, "That code has expired. Ask for a new one.")
            return redirect("account_request_login_code")
        # Past allauth's own look for its own kind of code.
        return super(ConfirmLoginCodeView, self).dispatch(request, *args, **kwargs)


class Emails(EmailView):  # type: ignore[misc]
    """Adds and removes addresses; they are shown on the page of one's account."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show one's account."""
        return redirect("accounts:account")

    def form_invalid(self, form: Form) -> HttpResponseBase:
        """Say what is wrong with the address, on the page of one's account."""
        for errors in form.errors.values():
            for error in errors:
                messages.error(self.request, str(error))
        return redirect("accounts:account")

    def _action_remove(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        address = self._get_email_address(request)
        try:
            with transaction.atomic():
                if address is not None and address.verified:
                    require_another_way_in(person=cast(User, request.user), than=address.email)
                super()._action_remove(request)
                _keep_a_primary(request)
        except LastWayInError as error:
            messages.error(request, str(error))
        return redirect("accounts:account")


def _keep_a_primary(request: HttpRequest) -> None:
    """Have notices go to another address of the person when the one that they went to is gone."""
    left = EmailAddress.objects.filter(user=request.user, verified=True).order_by("-primary", "pk").first()
    if left is not None and not left.primary:
        left.set_as_primary()


@require_safe
@login_required
@never_cache
def confirm_with_wallet(request: HttpRequest) -> HttpResponse:
    """Show again who one is by signing in with a wallet once more."""
    onward = get_next_redirect_url(request) or ""
    return render(request, "accounts/confirm_wallet.html", {"next": onward})
