"""Signing in and out with a name and a password."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.views import LoginView, LogoutView
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.errors import ThrottledError
from accounts.forms import SignInForm
from accounts.models import User
from accounts.throttle import MOST_FOR_ONE_NAME, MOST_FROM_ONE_PLACE, count_try, place_key


class SignIn(LoginView):
    """The sign-in page. A demo lists its accounts here; any other service never does."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Count the try, for the place and for the name, before the password is looked at."""
        now = timezone.now()
        name = request.POST.get("username", "").casefold()
        try:
            count_try(
                key=f"password {place_key(ip=request.META.get('REMOTE_ADDR'))}", most=MOST_FROM_ONE_PLACE, now=now
            )
            count_try(key=f"password name {name}", most=MOST_FOR_ONE_NAME, now=now)
        except ThrottledError as error:
            context = {"throttled": str(error), "form": SignInForm(request), "next": self.get_redirect_url()}
            return self.render_to_response(self.get_context_data(**context), status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in; who has set up a second factor is led to it first."""
        login = Login(user=form.get_user(), redirect_url=self.get_success_url())
        credentials = {"username": form.cleaned_data["username"]}
        answer: HttpResponse = perform_password_login(self.request, credentials, login)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the demo's accounts and their common password where the settings say that this is a demo."""
        context = super().get_context_data(**kwargs)
        if getattr(settings, "DEMO", False):
            context["demo_accounts"] = _demo_accounts()
            context["demo_password"] = getattr(settings, "DEMO_PASSWORD", "")
        return context


class SignOut(LogoutView):
    """Signing out, by POST only, so that no other site's picture or link can do it."""

    http_method_names = ["post", "options"]


def _demo_accounts() -> QuerySet[User]:
    # Who came with a wallet has no password to sign in with here.
    people = User.objects.filter(is_active=True).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return people.prefetch_related("makers").order_by("role", "username")
