"""A system check: the application must not be able to change its own audit log."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError

from audit.rights import faults


@register(Tags.database, deploy=True)
def database_role_is_restricted(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn where the role of DATABASE_URL can do more than an application needs (`check --deploy --database ...`)."""
    if not databases:
        return []
    try:
        found = faults()
    except DatabaseError:
        # There is no database, or no table yet: other checks and the first request say so.
        return []
    hint = "Use a role of its own in DATABASE_URL and run `manage.py database_roles`; see docs/security.md."
    return [Warning(sentence, hint=hint, id="audit.W001") for sentence in found]
