"""`manage.py accept_outliers`: somebody has looked at the accounts that stand out and says why they are right."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

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

    def handle(self, *args: Any, **options: Any) -> None:
        """Store it."""
        try:
            epoch = epoch_get(slug=options["program"], number=options["epoch"])
            check_waive(epoch=epoch, code="outliers", reason=options["reason"], given_by=getpass.getuser())
        except RewardsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Accepted for the root {epoch.root}; the checks are made again in a moment.")
