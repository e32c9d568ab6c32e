"""`manage.py flush` as the tables' owner: the application's role may not empty a table at once."""

from typing import Any

from django.core.management.commands import flush

from audit.owner import as_owner


class Command(flush.Command):
    """Django's own command, under the other role. The audit log stays."""

    def handle(self, **options: Any) -> None:
        """Flush."""
        with as_owner(using=options["database"]):
            super().handle(**options)
