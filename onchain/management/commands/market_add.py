"""`manage.py market_add`: have the market of a market file read from the chain."""

from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import OnchainError
from onchain.indexer import node
from onchain.services import market_add, market_file_check
from onchain.venues.market import read_market


class Command(BaseCommand):
    """Register it; doing it twice is the same as doing it once."""

    help = "Add a market from a market file (docs/venues.md); its contract is read from start_block on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file."""
        parser.add_argument("file", type=Path, help="the market file, TOML; a file of events lies beside it")
        parser.add_argument("--check", action="store_true", help="only say whether the file is right")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the file, and register the market unless it is only checked."""
        try:
            file = read_market(options["file"])
            if options["check"]:
                market_file_check(file=file)
                self.stdout.write(f"{file.name}: the file is right. Nothing was added.")
                return
            with closing(node()) as client:
                market = market_add(client, file=file)
        except OnchainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{market.name} is read from block {market.start_block} of {market.address} on.")
