"""`manage.py backfill`: history in ranges, done here, by tasks on any number of workers, or both."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain import backfill
from onchain.errors import OnchainError
from onchain.fetch import final_number, head_number
from onchain.indexer import ensure_cursor, follow, head_lock, node
from onchain.models import BackfillRange, Cursor
from onchain.tasks import backfill_ranges

MAX_FAILURES_IN_A_ROW = 20


class Command(BaseCommand):
    """Plan ranges from the cursor to the newest final block, do them, and let the head process take them over."""

    help = "Fetch history up to the newest final block in ranges that any number of workers take."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the end, the size of ranges and how many tasks to send."""
        parser.add_argument("--to", type=int, default=None, help="stop at this block instead of the newest final one")
        parser.add_argument(
            "--range-blocks", type=int, default=backfill.RANGE_BLOCKS, help="blocks in one range; default %(default)s"
        )
        parser.add_argument(
            "--tasks", type=int, default=0, help="also send so many tasks to the workers; they take ranges as we do"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, work, take over, and say how much it was."""
        if options["range_blocks"] < 1:
            raise CommandError("--range-blocks has to be 1 or more.")
        client, began = node(), time.monotonic()
        try:
            cursor = ensure_cursor(client)
            if cursor is None:
                raise CommandError("Nothing is watched yet. Register a market first, then run this again.")
            final = final_number(client, head=head_number(client), depth=self._depth())
            last = final if options["to"] is None else min(final, options["to"])
            made = backfill.plan(
                cursor=cursor, first=cursor.block_number + 1, last=last, range_blocks=options["range_blocks"]
            )
            for _ in range(options["tasks"]):
                backfill_ranges.delay()
            self._work(client)
            self._take_over(client, last=last)
        except OnchainError as error:
            raise CommandError(str(error)) from error
        finally:
            client.close()
        self._report(made, last=last, took_s=time.monotonic() - began)

    def _depth(self) -> int:
        from django.conf import settings

        return int(settings.CHAIN_CONFIRMATION_DEPTH)

    def _work(self, client: Any) -> None:
        failures = 0
        while True:
            try:
                if not backfill.work(client):
                    return
                failures = 0
            except OnchainError as error:
                failures += 1
                if not error.retryable or failures > MAX_FAILURES_IN_A_ROW:
                    raise
                self.stderr.write(f"Once more: {error}")
                time.sleep(min(5.0, 0.1 * 2.0**failures))

    def _take_over(self, client: Any, *, last: int) -> None:
        chain_id = int(client.call(method="eth_chainId"), 16)
        with head_lock(chain_id=chain_id) as lease:
            if lease is not None:
                follow(client, until_block=last, lease=lease)

    def _report(self, made: int, *, last: int, took_s: float) -> None:
        open_ranges = BackfillRange.objects.filter(absorbed=False).count()
        at = Cursor.objects.get().block_number
        rest = "" if at >= last else f"; {open_ranges} ranges wait for the process that follows the head"
        self.stdout.write(f"{made} ranges planned, indexed through block {at} in {took_s:.1f} s{rest}.")
