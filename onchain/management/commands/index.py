"""`manage.py index`: index once to the head (or to a block), in this process."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import OnchainError
from onchain.indexer import follow, head_lock, node


class Command(BaseCommand):
    """Follow the chain until the head is reached."""

    help = "Index the chain once, to its head or to --until-block."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the last block."""
        parser.add_argument("--until-block", type=int, default=None, help="stop after this block")

    def handle(self, *args: Any, **options: Any) -> None:
        """Index, and say how much and how fast."""
        client, began = node(), time.monotonic()
        try:
            chain_id = int(client.call(method="eth_chainId"), 16)
            with head_lock(chain_id=chain_id) as lease:
                if lease is None:
                    raise CommandError("Another process follows this chain already (a worker?); stop it first.")
                done = follow(client, until_block=options["until_block"], lease=lease)
        except OnchainError as error:
            raise CommandError(str(error)) from error
        finally:
            client.close()
        took_s = time.monotonic() - began
        self.stdout.write(
            f"{done.blocks} blocks, {done.logs} logs, {done.events} market events, {done.reorgs} reorgs "
            f"in {took_s:.1f} s"
        )
