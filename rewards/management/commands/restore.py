"""`manage.py restore`: a backup into an empty database and empty folders."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards.services.backup import BackupError, backup_restore
from rewards.services.backup.restoring import rights_faults


class Command(BaseCommand):
    """Check the backup, restore it, migrate, and look at the rights."""

    help = "Restore a backup into an empty database and empty folders; needs the tables' owner (MIGRATE_DATABASE_URL)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which."""
        parser.add_argument("folder", type=Path, help="the backup's own folder")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Restore it."""
        try:
            manifest = backup_restore(folder=folder)
        except BackupError as error:
            raise CommandError(str(error)) from error
        for fault in rights_faults():
            self.stderr.write(fault)
        chains = ", ".join(f"chain {chain} at block {at['block']}" for chain, at in manifest.chains.items())
        self.stdout.write(
            f"Restored: {sum(manifest.counts.values()):,} rows, {len(manifest.epochs):,} epochs, "
            f"{chains or 'no chain'}. Start the follower and the workers; what has happened on the chain since is read "
            "from there."
        )
