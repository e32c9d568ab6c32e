"""`manage.py follow`: the process that follows the chain's head, until it is told to stop."""

import signal
import threading
import time
from queue import SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.life import alive
from onchain.errors import IndexerStoppedError, LeaseLostError, OnchainError
from onchain.follow import Follower, head_watch
from onchain.heads import HeadWatch
from onchain.indexer import head_lock, node

WAIT_FOR_TURN_S = 1.0
"""Whoever stands by asks so often; when the one that follows is stopped, nobody follows for that long at most."""
ALIVE_S = 120.0
"""Longer than any range takes, and than a stalled node holds a call up with all its attempts."""
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
        ends_at = None if options["for_s"] is None else time.monotonic() + options["for_s"]

        def keep_going() -> bool:
            alive(for_s=ALIVE_S)
            return not stopped and (ends_at is None or time.monotonic() < ends_at)

        client = node()
        try:
            with head_watch() as watch:
                _stop_on_signals(stopped, watch)
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


def _stop_on_signals(stopped: list[int], watch: HeadWatch) -> None:
    """Note the signal and end the wait for a new head: the next process takes over at once."""
    wakes: SimpleQueue[None] = SimpleQueue()

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)
        # It may interrupt the very wait that it is to end, which holds a lock then; this queue bears that.
        wakes.put(None)

    def wake() -> None:
        while True:
            wakes.get()
            watch.wake()

    threading.Thread(target=wake, name="stopping", daemon=True).start()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
