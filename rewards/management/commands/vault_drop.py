"""`manage.py vault_drop`: pay a maker at its payout accounts when its vault turned out to be none."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.models import Maker, User
from rewards.errors import RewardsError
from rewards.selectors.programs import epoch_get
from rewards.services.vaults import vault_drop


class Command(BaseCommand):
    """For an epoch that can't be scored because a token changes balances without telling it."""

    help = "Pay a maker at its payout accounts in an epoch that is not scored yet, and from then on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("program", help="the programme's short name")
        parser.add_argument("number", type=int, help="the epoch's number")
        parser.add_argument("maker", help="the maker's id")
        parser.add_argument("--reason", required=True, help="why, for whoever asks later")
        parser.add_argument("--by", required=True, help="the account name of the operator who decides it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Drop it."""
        person = User.objects.filter(username=options["by"]).first()
        maker = Maker.objects.filter(slug=options["maker"]).first()
        if person is None or maker is None:
            missing = f"account called {options['by']}" if person is None else f"maker called {options['maker']}"
            raise CommandError(f"There is no {missing}.")
        try:
            epoch = epoch_get(slug=options["program"], number=options["number"])
            vault_drop(by=person, maker=maker, epoch=epoch, reason=options["reason"])
        except (RewardsError, AccountsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{maker.name} is paid at its payout accounts from epoch {epoch.number} on.")
