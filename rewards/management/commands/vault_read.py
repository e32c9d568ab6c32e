"""`manage.py vault_read`: have a share token read from its deployment on, however old it is."""

from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.selectors import person_called
from onchain.errors import OnchainError
from onchain.indexer import node
from rewards.errors import RewardsError
from rewards.services.vaults import vault_read


class Command(BaseCommand):
    """For a token that is so old that reading it takes long; a maker's admin names it afterwards."""

    help = "Read a share token's transfers from its deployment on, so that a maker's admin can name it as a vault."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("vault", help="the share token's address")
        parser.add_argument("--by", required=True, help="the account name of the operator who decides it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Watch it."""
        by = person_called(name=options["by"])
        if by is None:
            raise CommandError(f"There is no account called {options['by']}.")
        try:
            with closing(node()) as client:
                start = vault_read(by=by, vault=options["vault"], client=client)
        except (AccountsError, OnchainError, RewardsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Its transfers are read from block {start} on. A maker's admin can name it now.")
