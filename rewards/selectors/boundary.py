"""When the next epoch begins, of any programme: makers belong to all programmes."""

from django.db.models import QuerySet

from rewards.models import Epoch


def epochs_to_come(*, now_ms: int) -> QuerySet[Epoch]:
    """Return the epochs that are scheduled and have not begun by the chain's clock, the next one first."""
    return Epoch.objects.filter(state=Epoch.State.SCHEDULED, start_ms__gt=now_ms).order_by("start_ms", "pk")


def next_boundary_ms(*, now_ms: int) -> int | None:
    """Return when the next epoch begins (ms, UTC), None while none is scheduled. Services hold it (boundary_hold)."""
    return epochs_to_come(now_ms=now_ms).values_list("start_ms", flat=True).first()
