"""`manage.py migrate` as the tables' owner; it also sets the audit triggers and the application's rights."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from audit import triggers
from audit.owner import as_owner, grant


class Command(migrate.Command):
    """Django's own command, under the other role."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; a migration to one app or state leaves triggers and rights as they are."""
        using = options["database"]
        with as_owner(using=using):
            super().handle(*args, **options)
            if options["app_label"] or options["plan"] or options["check_unapplied"]:
                return
            triggers.install(using=using)
            grant(role=settings.DATABASE_ROLE, using=using)
