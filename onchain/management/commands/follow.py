"""`manage.py follow`: the process that follows the chain's head, until it is told to stop."""

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import IndexerStoppedError, LeaseLostError, OnchainError
from onchain.follow import Follower, head_watch
from onchain.indexer import head_lock, node

WAIT_FOR_TURN_S = 5.0
ALARM_WAIT_S = 10.0


class Command(BaseCommand):
    """Follow the head; where another process does already, stand by and take over when it dies or hangs."""

    help = "Follow the chain's head until stopped; stands by while another process does."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the time limit."""
        parser.add_argument("--for-s", type=float, default=None, help="stop after so many seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal, or the time limit."""
        stopped: list[int] = []
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, _frame: stopped.append(number))
        ends_at = None if options["for_s"] is None else time.monotonic() + options["for_s"]

        def keep_going() -> bool:
            return not stopped and (ends_at is None or time.monotonic() < ends_at)

        client = node()
        try:
            with head_watch() as watch:
                while keep_going():
                    self._turn(client, watch, keep_going)
        finally:
            client.close()

    def _turn(self, client: Any, watch: Any, keep_going: Any) -> None:
        try:
            chain_id = int(client.call(method="eth_chainId"), 16)
            with head_lock(chain_id=chain_id) as lease:
                if lease is not None:
                    Follower(client, lease, watch).run(keep_going=keep_going)
                    return
            wait_s = WAIT_FOR_TURN_S
        except (IndexerStoppedError, LeaseLostError) as error:
            self.stderr.write(str(error))
            wait_s = ALARM_WAIT_S
        except OnchainError as error:
            if not error.retryable:
                raise CommandError(str(error)) from error
            self.stderr.write(str(error))
            wait_s = WAIT_FOR_TURN_S
        ends = time.monotonic() + wait_s
        while keep_going() and time.monotonic() < ends:
            time.sleep(0.2)
