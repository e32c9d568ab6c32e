"""`manage.py withhold_pay`: a treasurer keeps back what a maker earned in an epoch and may not be paid."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.models import Maker
from accounts.selectors import person_called
from rewards.errors import RewardsError
from rewards.selectors.programs import epoch_get
from rewards.services.withholding import pay_withhold


class Command(BaseCommand):
    """Store the decision; the epoch is scored again with the treasury's account in the maker's place."""

    help = "Keep back a maker's pay of an epoch, because it may not be paid; nobody else's pay changes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("program", help="the programme's slug")
        parser.add_argument("epoch", type=int, help="the epoch's number")
        parser.add_argument("maker", help="the maker's id")
        parser.add_argument("--by", required=True, help="the treasurer's user name")
        parser.add_argument("--reason", required=True, help="why, in a sentence for the maker and the treasury")

    def handle(self, *args: Any, **options: Any) -> None:
        """Store it."""
        by = person_called(name=options["by"])
        maker = Maker.objects.filter(slug=options["maker"]).first()
        if by is None or maker is None:
            raise CommandError(f"There is no account {options['by']}, or no maker {options['maker']}.")
        try:
            epoch = epoch_get(slug=options["program"], number=options["epoch"])
            row = pay_withhold(by=by, epoch=epoch, maker=maker, reason=options["reason"])
        except (AccountsError, RewardsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"What {maker.name} earned in epoch {epoch.number} goes to the treasury, {row.account}.")
