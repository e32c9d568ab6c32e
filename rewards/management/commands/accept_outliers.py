"""`manage.py accept_outliers`: somebody has looked at the accounts that stand out and says why they are right."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.models import User
from rewards.errors import RewardsError
from rewards.selectors.programs import epoch_get
from rewards.services.checks import check_waive


class Command(BaseCommand):
    """Store the reason; the epoch's checks are then made again."""

    help = "Accept the accounts that stand out in an epoch, with a reason that the treasury reads."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("program", help="the programme's slug")
        parser.add_argument("epoch", type=int, help="the epoch's number")
        parser.add_argument("--reason", required=True, help="why it is right, in a sentence for the treasury")
        parser.add_argument("--by", required=True, help="the account name of the treasurer or reviewer who says so")

    def handle(self, *args: Any, **options: Any) -> None:
        """Store it."""
        person = User.objects.filter(username=options["by"]).first()
        if person is None:
            raise CommandError(f"There is no account called {options['by']}.")
        try:
            epoch = epoch_get(slug=options["program"], number=options["epoch"])
            check_waive(by=person, epoch=epoch, code="outliers", reason=options["reason"])
        except (RewardsError, AccountsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Accepted for the root {epoch.root}; the checks are made again in a moment.")
