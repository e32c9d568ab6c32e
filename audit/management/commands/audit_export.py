"""`manage.py audit_export`: the whole audit log as JSON lines, for anybody to check without our database."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.selectors import export_lines


class Command(BaseCommand):
    """Write every entry, oldest first."""

    help = "Write the audit log as JSON lines; `python -m audit FILE` recomputes its chain."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to."""
        parser.add_argument("--out", type=Path, help="a file; without it, standard output")

    def handle(self, *args: Any, out: Path | None, **options: Any) -> None:
        """Write."""
        if out is None:
            sys.stdout.writelines(export_lines())
            return
        with out.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(export_lines())
        self.stdout.write(f"Written to {out}. Check it with: python -m audit {out}")
