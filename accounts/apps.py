"""The Django app of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, makers and their wallets."""

    name = "accounts"
    verbose_name = "Who is who"

    def ready(self) -> None:
        """Have sign-ins written down."""
        from accounts import signals  # noqa: F401 - importing it connects the receiver
