"""The sign-in form; messages say what to do next."""

from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """User name and password. It never tells which of the two was wrong."""

    error_messages = {
        "invalid_login": "That name and password do not go together. Check both; passwords care about case.",
        "inactive": "This account is switched off. Ask the operator to switch it on again.",
    }
