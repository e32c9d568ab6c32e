"""`manage.py sanctions_load`: a newer sanctions list takes the place of the one in use; shows what differs."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.selectors import person_called
from rewards.selectors.clock import chain_now_ms
from rewards.services.sanctions import sanctions_load


class Command(BaseCommand):
    """Compare, then load."""

    help = "Load a sanctions list (format: accounts/data/sanctions.csv), or only show what it would change."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("file", type=Path, help="the list: “# source:”, “# as_of:”, then CSV with address,name")
        parser.add_argument("--by", required=True, help="the operator's user name; the list keeps it")
        parser.add_argument("--dry-run", action="store_true", help="only show what it would change")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the difference; load unless it is a dry run."""
        by = person_called(name=options["by"])
        if by is None:
            raise CommandError(f"No account is called {options['by']}.")
        now_ms = chain_now_ms() or int(time.time() * 1000)
        try:
            content = options["file"].read_bytes()
            diff = sanctions_load(by=by, content=content, now_ms=now_ms, dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}.") from error
        except AccountsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"In use: {diff.before.title}, SHA-256 {diff.before.sha256}")
        self.stdout.write(f"File:   {diff.listing.title}, SHA-256 {diff.listing.sha256}")
        for sign, names in (("+", diff.added), ("-", diff.removed)):
            for address, name in sorted(names.items()):
                self.stdout.write(f"{sign} {address} {name}")
        counts = f"{len(diff.added)} added, {len(diff.removed)} removed, {len(diff.listing.names)} in all"
        done = "Nothing was loaded" if diff.since_ms is None else f"Loaded by {by.get_username()}"
        self.stdout.write(f"{done}: {counts}.")
