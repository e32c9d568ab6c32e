"""The Django app of rewards."""

from django.apps import AppConfig


class RewardsConfig(AppConfig):
    """Programmes, epochs, scores, allocations and claims."""

    name = "rewards"
    verbose_name = "Rewards"

    def ready(self) -> None:
        """Have live scores follow the head: beat's poke every few seconds is only for when this one is lost."""
        from onchain.signals import indexed
        from rewards.poking import poke_live

        indexed.connect(poke_live, dispatch_uid="rewards.poke_live")
