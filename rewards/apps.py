"""The Django app of rewards."""

from django.apps import AppConfig


class RewardsConfig(AppConfig):
    """Programmes, epochs, scores, allocations and claims."""

    name = "rewards"
    verbose_name = "Rewards"
