"""The Django app of rewards."""

from django.apps import AppConfig


class RewardsConfig(AppConfig):
    """Programmes, epochs, scores, allocations and claims."""

    name = "rewards"
    verbose_name = "Rewards"

    def ready(self) -> None:
        """Have live scores follow the head, and a maker's people warned when somebody changes who belongs to it.

        Beat's poke every few seconds is only for when the head's is lost.
        """
        from accounts.maker_signals import people_changed
        from onchain.signals import indexed
        from rewards.poking import poke_live
        from rewards.services.notices.warning import people_warn

        people_changed.connect(people_warn, dispatch_uid="rewards.people_warn")
        indexed.connect(poke_live, dispatch_uid="rewards.poke_live")
