"""`manage.py doctor`: says in plain words what is wrong with settings, node, database, queue, clock and contracts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from onchain.doctor import examine
from onchain.indexer import node


class Command(BaseCommand):
    """Examine everything; exit status 1 when something is wrong."""

    help = "Say what is wrong with settings, nodes, database, queue, clock and contracts, and what to do."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each thing."""
        try:
            client = node()
        except ValueError as error:
            raise CommandError(f"RPC_URLS: {error}.") from error
        troubles = 0
        try:
            for verdict in examine(client):
                troubles += bool(verdict.trouble)
                state = "wrong" if verdict.trouble else "fine "
                said = verdict.trouble or verdict.remark
                self.stdout.write(f"{state}  {verdict.subject}{': ' + said if said else ''}")
        finally:
            client.close()
        if troubles:
            raise CommandError(f"{troubles} to mend." if troubles > 1 else "One thing to mend.")
        self.stdout.write("All is well.")
