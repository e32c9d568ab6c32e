"""Notes when something that leaves no row of its own was last done to its end, for /metrics."""

from datetime import datetime
from typing import Final

from rewards.models import LastDone

BACKUP: Final = "backup"


def last_done_note(*, what: str, now: datetime) -> None:
    """Say that it is done; an earlier moment never replaces a later one."""
    row, made = LastDone.objects.get_or_create(what=what, defaults={"at": now})
    if not made and row.at < now:
        LastDone.objects.filter(what=what, at__lt=now).update(at=now)
