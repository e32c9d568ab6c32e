"""The next epoch boundary: what is decided about makers counts from there on, and never in an epoch that has begun."""

from django.db.models import Max

from rewards.models import Epoch
from rewards.selectors.boundary import epochs_to_come


def boundary_hold(*, now_ms: int) -> int:
    """Return the start of the next epoch (ms, UTC), and keep epochs from beginning until this transaction ends.

    now_ms: the chain's clock. What is written before the end thus counts in a whole epoch or not at all. Call it in a
    transaction.
    """
    # Turning live updates the row (epochs_begin), which waits for this lock.
    rows = list(epochs_to_come(now_ms=now_ms).select_for_update())
    if rows:
        return rows[0].start_ms
    # With none scheduled it is the moment after now: whatever begins later. The caller's clock may be a little old,
    # and an epoch that began since then is not one that begins later.
    begun_ms = Epoch.objects.exclude(state=Epoch.State.SCHEDULED).aggregate(last=Max("start_ms"))["last"]
    return max(now_ms, begun_ms if begun_ms is not None else now_ms) + 1
