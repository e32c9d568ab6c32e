"""`manage.py verify_epoch`: recompute an epoch from its evidence and from the chain, without our database or a key."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from onchain.errors import OnchainError
from onchain.rpc import Policy, connect
from onchain.venues import ImpossibleEventError
from rewards.engine.errors import EngineError
from rewards.services.recompute import recompute

EXIT_DIFFERS, EXIT_UNREADABLE = 1, 2


class Command(BaseCommand):
    """Exit status as of the engine's verify: 0 agrees, 1 differs, 2 can't be read."""

    help = "Read an epoch's blocks again from a node, compare the events with the evidence, and recompute its root."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("bundle", type=Path, help="the evidence's folder")
        parser.add_argument("--rpc", required=True, help="JSON-RPC URL of a node that has the epoch's blocks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what agrees, the root last."""
        client = connect(urls=[options["rpc"]], policy=Policy(timeout_s=60.0))
        try:
            result = recompute(client, bundle=options["bundle"])
        except (EngineError, OnchainError, ImpossibleEventError) as error:
            raise CommandError(str(error), returncode=EXIT_UNREADABLE) from error
        finally:
            client.close()
        if result.difference is not None:
            raise CommandError(str(result.difference), returncode=EXIT_DIFFERS)
        if not result.report.ok:
            raise CommandError("\n".join(result.report.lines()), returncode=EXIT_DIFFERS)
        self.stdout.write(f"{result.events} events read from the chain are those of the evidence")
        for line in result.report.lines():
            self.stdout.write(line)
