"""`manage.py backup`: database, evidence and proofs in one new folder, while the service runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from rewards.services.backup import BackupError, backup_make
from rewards.services.last_done import BACKUP, last_done_note


class Command(BaseCommand):
    """Make a backup and say where it is."""

    help = "Write a backup into a new folder below FOLDER; needs the tables' owner (MIGRATE_DATABASE_URL)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to."""
        parser.add_argument("folder", type=Path, help="folder that gets one folder a backup")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Make it."""
        try:
            made, digest = backup_make(into=folder, now=timezone.now())
        except BackupError as error:
            raise CommandError(str(error)) from error
        last_done_note(what=BACKUP, now=timezone.now())
        self.stdout.write(f"{made}\nSHA-256 of its manifest: {digest}")
