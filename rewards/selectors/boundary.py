"""When the next epoch begins, of any programme: makers belong to all programmes."""

from collections.abc import Sequence

from django.db.models import QuerySet

from rewards.models import Epoch


def epochs_to_come(*, now_ms: int) -> QuerySet[Epoch]:
    """Return the epochs that are scheduled and have not begun by the chain's clock, the next one first."""
    return Epoch.objects.filter(state=Epoch.State.SCHEDULED, start_ms__gt=now_ms).order_by("start_ms", "pk")


def boundary_of(*, rows: Sequence[Epoch], now_ms: int) -> int:
    """Return the start of the first of these epochs; with none of them, the moment after now: any later epoch's."""
    return rows[0].start_ms if rows else now_ms + 1


def next_boundary_ms(*, now_ms: int) -> int:
    """Return when the next epoch begins (ms, UTC), to show it; services hold it (services/boundary.py)."""
    return boundary_of(rows=list(epochs_to_come(now_ms=now_ms)[:1]), now_ms=now_ms)
