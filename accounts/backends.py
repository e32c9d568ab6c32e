"""Marks the sessions that a wallet's signature began; what somebody may do there is the same."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest


class WalletBackend(ModelBackend):
    """Named at a sign-in with a wallet. It accepts no password: the signature was checked before."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:  # type: ignore[override]
        """Accept nobody here."""
        return
