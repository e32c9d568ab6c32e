"""`manage.py migrate` as the tables' owner; it also sets the audit triggers and the application's rights."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from audit import triggers
from audit.owner import as_owner, grant

OLDEST_SERVER = 16_00_00
"""The functions of the audit log say IS JSON, which is younger than PostgreSQL 15."""
LIMITS = (
    # Whoever waits for a table's lock holds up everybody who comes after: better to give up and be run again.
    "SET lock_timeout = '5s'",
    # Building an index without a lock takes as long as it takes.
    "SET statement_timeout = 0",
)


class Command(migrate.Command):
    """Django's own command, under the other role, with a short patience for locks."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; a migration to one app or state leaves triggers and rights as they are."""
        using = options["database"]
        with as_owner(using=using):
            _limit(using)
            try:
                self._migrate(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                raise CommandError(
                    f"Somebody holds a lock that a migration needs: {str(error).splitlines()[0]}. That migration has "
                    "changed nothing; those before it are done. Run migrate again."
                ) from error

    def _migrate(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["app_label"] or options["plan"] or options["check_unapplied"]:
            return
        triggers.install(using=options["database"])
        grant(role=settings.DATABASE_ROLE, using=options["database"])


def _limit(using: str) -> None:
    """Set the limits of this session; it ends with the command, or goes on as the owner's, who serves no page."""
    with connections[using].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        if version < OLDEST_SERVER:
            raise CommandError(
                f"This server is PostgreSQL {version // 10_000}. Lamplight needs 16 or newer, and is tested with 18."
            )
        for statement in LIMITS:
            cursor.execute(statement)
