"""`manage.py flow`: recorded Bitstamp order flow the whole way, from the exchange on the chain to a claimed reward."""

import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded import EmbeddedError, Supervisor, stop_on_signals
from rewards.demo import stage
from rewards.demo.chain import LocalChain
from rewards.demo.errors import DemoError
from rewards.demo.node import Node
from rewards.demo.realflow import RealFlow
from rewards.demo.recording import order_rows, sample_folder
from rewards.demo.terminal import Terminal


class Command(BaseCommand):
    """Run the recording through worker and beat on embedded services of its own."""

    help = "Replay real order flow (ob-analytics' Bitstamp sample) through the chain to a claimed reward."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add how much of the recording to take."""
        parser.add_argument("--events", default="22000", help="how many recorded events, or `all` (314,057)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, and say what came out."""
        stop_on_signals()
        events = _events(options["events"])
        terminal = Terminal()
        try:
            first_s = next(order_rows(folder=sample_folder(), most=1)).time_ms // 1000
            url = stage.set_up(chain_start_s=first_s - 2 * stage.SETUP_S)
            call_command("migrate", verbosity=0)
            with Node(url=url) as connection, Supervisor(settings.DATA_DIR) as supervisor:
                chain = LocalChain(node=connection)
                chain.take_over()
                supervisor.start("worker", "beat")
                outcome = RealFlow(chain=chain, poke=lambda: time.sleep(0.5), say=terminal.say, events=events).run()
        except (DemoError, EmbeddedError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            terminal.text("\nStopped.")
            return
        terminal.say(f"Done: {outcome.used:,} real events, {len(outcome.balances)} makers paid, root {outcome.root}.")


def _events(text: str) -> int | None:
    """Return how many events to take, None for all."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"--events takes a number from 1 or the word all, not {text}.")
    return int(text)
