"""`manage.py run`: web server, worker, beat and the head's follower on this machine, until Ctrl-C."""

import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from config.embedded import Supervisor, stop_on_signals


class Command(BaseCommand):
    """Migrate, start the four processes, restart what dies, stop them all at the end."""

    help = "Run web, worker, beat and the head's follower until Ctrl-C, with embedded services where none are set."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the port."""
        parser.add_argument("--port", type=int, default=8000, help="port of the web server; the next free one if taken")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal asks to stop."""
        stop_on_signals()
        call_command("migrate", verbosity=0)
        with Supervisor(settings.DATA_DIR, web_port=options["port"]) as supervisor:
            supervisor.start("web", "worker", "beat", "head", "figures")
            logs = settings.DATA_DIR / "logs"
            self.stdout.write(f"Lamplight is at {supervisor.url} (logs in {logs}). Ctrl-C stops it.")
            try:
                while True:
                    for name in supervisor.watch():
                        self.stderr.write(f"{name} has stopped; starting it again. Its log: logs/{name}.log")
                    time.sleep(0.5)
            except KeyboardInterrupt:
                self.stdout.write("Stopping…")
