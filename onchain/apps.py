"""The Django app of onchain."""

from django.apps import AppConfig


class OnchainConfig(AppConfig):
    """Blocks, logs, market events and transactions."""

    name = "onchain"
    verbose_name = "Facts from the chain"
