"""The Django app of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, makers and their wallets."""

    name = "accounts"
    verbose_name = "Who is who"
