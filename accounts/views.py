"""Signing in and out with the accounts that this service keeps."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.db.models import QuerySet

from accounts.forms import SignInForm
from accounts.models import User


class SignIn(LoginView):
    """The sign-in page. A demo lists its accounts here; any other service never does."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

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
    return User.objects.filter(is_active=True).prefetch_related("makers").order_by("role", "username")
