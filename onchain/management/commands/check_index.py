"""`manage.py check_index`: hold a range of what is stored against the chain, and say what differs."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.check import Finding, check_events, check_range
from onchain.errors import OnchainError
from onchain.indexer import node
from onchain.models import Cursor, Market
from onchain.rpc import Policy, connect

MOST_SHOWN = 50


class Command(BaseCommand):
    """Check blocks, logs and events; exit status 1 when our rows differ."""

    help = "Re-verify a range of the index against the chain, and say what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the range and the provider."""
        parser.add_argument("--from", type=int, dest="first", default=None, help="first block; default: the lowest")
        parser.add_argument("--to", type=int, dest="last", default=None, help="last block; default: the newest")
        parser.add_argument("--provider", default=None, help="URL of a node to check against instead of RPC_URLS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, print every difference in a sentence, and sum up."""
        cursor = Cursor.objects.first()
        if cursor is None or cursor.block_number < cursor.first_block:
            raise CommandError("Nothing is indexed yet, so there is nothing to check.")
        first = cursor.first_block if options["first"] is None else max(options["first"], cursor.first_block)
        last = cursor.block_number if options["last"] is None else min(options["last"], cursor.block_number)
        if first > last:
            raise CommandError(f"Blocks {cursor.first_block} to {cursor.block_number} are stored; choose among them.")
        client = self._client(options["provider"])
        try:
            found = list(check_range(client, first=first, last=last))
        except OnchainError as error:
            raise CommandError(f"The check could not be finished: {error}") from error
        finally:
            client.close()
        for market in Market.objects.all():
            found += check_events(market=market, first=first, last=last)
        self._report(found, first=first, last=last)

    def _client(self, url: str | None) -> Any:
        if url is None:
            return node()
        try:
            return connect(urls=[url], policy=Policy(timeout_s=settings.CHAIN_TIMEOUT_S))
        except ValueError as error:
            raise CommandError(f"{error}.") from error

    def _report(self, found: list[Finding], *, first: int, last: int) -> None:
        serious = [finding for finding in found if finding.serious]
        for finding in (serious + [each for each in found if not each.serious])[:MOST_SHOWN]:
            self.stdout.write(str(finding))
        if len(found) > MOST_SHOWN:
            self.stdout.write(f"… and {len(found) - MOST_SHOWN} more.")
        if serious:
            raise CommandError(
                f"Blocks {first} to {last}: {len(serious)} differences. If the provider is right, put back a database "
                "from before, or index again from the first block; nothing was changed."
            )
        rest = f"; {len(found)} remark{'s' if len(found) > 1 else ''} on the provider" if found else ""
        self.stdout.write(f"Blocks {first} to {last} are what the chain says: hashes, every log, every event{rest}.")
