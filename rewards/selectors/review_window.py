"""What holds an epoch back from its proposal and its approval: the review window, disputes, corrections."""

from dataclasses import dataclass

from rewards.models import Correction, Dispute, Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWindow:
    """Where the review of a scored epoch stands. until_ms: makers can dispute until then (None: not scored).

    open_disputes and open_corrections count also those of earlier epochs that pay nobody: this one's tree
    continues theirs. is_open: the window has not ended.
    """

    until_ms: int | None
    is_open: bool
    open_disputes: int
    unconfirmed: int
    rescoring: int

    @property
    def holds(self) -> bool:
        """Whether the epoch must be neither proposed nor approved now."""
        return self.is_open or bool(self.open_disputes or self.unconfirmed or self.rescoring)

    @property
    def sentence(self) -> str:
        """Why it is held back, in a plain sentence; empty when it is not."""
        if self.rescoring:
            return "A correction is confirmed: the epoch is scored again, and what was there before can't be approved."
        if self.unconfirmed:
            return "A correction waits for a second person to confirm or withdraw it."
        if self.open_disputes:
            return f"{self.open_disputes} dispute{'s wait' if self.open_disputes > 1 else ' waits'} for a decision."
        return "Makers can still dispute the result." if self.is_open else ""


def review_window(*, epoch: Epoch, now_ms: int) -> ReviewWindow:
    """Return where an epoch's review stands by the chain's clock `now_ms`, in three queries."""
    concerned = list(
        Epoch.objects.filter(program_id=epoch.program_id, number__lte=epoch.number)
        .exclude(state__in=[Epoch.State.ACTIVE, Epoch.State.APPROVED])
        .values_list("pk", "review_until_ms")
    )
    ids = [pk for pk, _ in concerned]
    until = max((until_ms for _, until_ms in concerned if until_ms is not None), default=None)
    states = list(
        Correction.objects.filter(
            epoch__in=ids, state__in=[Correction.State.ENTERED, Correction.State.CONFIRMED]
        ).values_list("state", flat=True)
    )
    return ReviewWindow(
        until_ms=until,
        is_open=until is not None and now_ms < until,
        open_disputes=Dispute.objects.filter(epoch__in=ids, state=Dispute.State.OPEN).count(),
        unconfirmed=states.count(Correction.State.ENTERED),
        rescoring=states.count(Correction.State.CONFIRMED),
    )
