"""Enters a list of splits, halts and closures from a file; each still needs another person to confirm it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from accounts.models import User
from rewards.errors import RewardsError
from rewards.services.action_import import actions_import, drafts_read


class Command(BaseCommand):
    """Reads the file, says what it holds, and enters it."""

    help = "Enter splits, halts and closures of a TOML or CSV file; another person confirms them on the page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and who enters it."""
        parser.add_argument("file", type=Path, help="a .toml or .csv file; docs/market-actions.md shows both")
        parser.add_argument("--by", metavar="NAME", help="the operator or treasurer who enters the list")
        parser.add_argument("--check", action="store_true", help="only say whether the file is right")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enter the list, all or nothing."""
        try:
            drafts = drafts_read(path=options["file"])
            if options["check"]:
                self.stdout.write(f"{len(drafts)} entries, all of them right.")
                return
            by = User.objects.filter(username=options["by"] or "").first()
            if by is None:
                raise CommandError("Say who enters the list: --by NAME, an operator or treasurer.")
            entered = actions_import(by=by, drafts=drafts)
        except (RewardsError, AccountsError) as error:
            raise CommandError(str(error)) from error
        for action in entered:
            self.stdout.write(str(action))
        there = len(drafts) - len(entered)
        self.stdout.write(f"{len(entered)} entered, {there} stood in the list already. Another person confirms them.")
