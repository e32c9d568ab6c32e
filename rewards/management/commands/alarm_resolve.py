"""`manage.py alarm_resolve`: let the indexer look at the chain again after an alarm that a person has looked into."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.errors import AccountsError
from accounts.selectors import person_called
from rewards.errors import RewardsError
from rewards.services.chain_alarms import chain_alarm_resolve


class Command(BaseCommand):
    """Close one alarm of the chain."""

    help = "Resolve an alarm of the chain (docs/operators/runbook.md) once somebody has found out who is right."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which alarm, who and why."""
        parser.add_argument("kind", help="the alarm's code, such as reorg_below_final")
        parser.add_argument("--by", required=True, help="the account name of the operator who decides it")
        parser.add_argument("--reason", required=True, help="what was found out, for whoever reads it later")

    def handle(self, *args: Any, **options: Any) -> None:
        """Resolve it."""
        by = person_called(name=options["by"])
        if by is None:
            raise CommandError(f"There is no account called {options['by']}.")
        try:
            chain_alarm_resolve(by=by, kind=options["kind"], reason=options["reason"], now=timezone.now())
        except (AccountsError, RewardsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Resolved. The indexer looks at the chain again with its next turn.")
