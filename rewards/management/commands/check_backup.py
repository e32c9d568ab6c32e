"""`manage.py check_backup`: whether a backup is whole, without a database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards.services.backup import BackupError, backup_check


class Command(BaseCommand):
    """Check every file against the manifest and read the dump's contents."""

    help = "Check a backup without restoring it: every file's SHA-256, the dump's contents, the epochs' evidence."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which."""
        parser.add_argument("folder", type=Path, help="the backup's own folder")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Check it."""
        try:
            manifest = backup_check(folder=folder)
        except BackupError as error:
            raise CommandError(str(error)) from error
        size = sum(entry.bytes for entry in manifest.files)
        self.stdout.write(
            f"The backup of {manifest.made_at} is whole: {len(manifest.files):,} files, {size:,} bytes, "
            f"{sum(manifest.counts.values()):,} rows, {len(manifest.epochs):,} epochs."
        )
        for chain, at in manifest.chains.items():
            self.stdout.write(f"Chain {chain} up to block {at['block']} ({at['hash']}).")
        for name in manifest.missing_evidence:
            self.stdout.write(f"The evidence {name} was not there when it was made; look for it in the archive.")
