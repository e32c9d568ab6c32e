"""The sign-in form; messages say what to do next."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """User name and password. It never tells which of the two was wrong."""

    error_messages = {
        "invalid_login": "That name and password do not go together. Check both; passwords care about case.",
        "inactive": "This account is switched off. Ask the operator to switch it on again.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The page has other ways in above this one, which a phone would scroll past.
        self.fields["username"].widget.attrs.pop("autofocus", None)
