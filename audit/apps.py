"""The audit application: triggers on what is tracked, and who is at work for each write."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AuditConfig(AppConfig):
    """Registers the triggers of audit/tracked.py, and has every connection say who writes."""

    name = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        """Connect what needs the models."""
        from audit import checks, triggers  # noqa: F401 - importing the checks registers them
        from audit.stamping import stamp_connection

        triggers.register()
        connection_created.connect(stamp_connection, dispatch_uid="audit.stamp_connection")
