"""`manage.py database_roles`: give the application's database role its rights, and say which it has."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit import triggers
from audit.owner import as_owner, grant
from audit.rights import faults


class Command(BaseCommand):
    """Grant as the owner, then look with the application's own eyes."""

    help = "Give the application's database role exactly the rights that it needs; migrate does it too."

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant and look."""
        role = settings.DATABASE_ROLE
        with as_owner():
            triggers.install()
            separate = grant(role=role)
        if not separate:
            raise CommandError(
                f"{role} owns the tables, so nothing can be kept from it. Give the application a role of its own "
                "(DATABASE_URL), and the owner's to this command alone (MIGRATE_DATABASE_URL); see docs/security.md."
            )
        if found := faults():
            raise CommandError("\n".join(found))
        self.stdout.write(f"{role} reads and writes rows, and can neither change the audit log nor alter a table.")
