"""Disputes and corrections as pages show them: to everybody by number and outcome, to those concerned in full."""

from collections import Counter
from dataclasses import dataclass

from accounts.models import Maker, MakerAddress
from rewards.errors import NotFoundError
from rewards.models import Correction, Dispute, DisputeFile, Epoch, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeCounts:
    """How many disputes an epoch has had, and how they ended, in words for everybody."""

    total: int
    outcomes: tuple[tuple[str, int], ...]


def dispute_counts(*, epoch: Epoch) -> DisputeCounts:
    """Return number and outcomes of an epoch's disputes, nothing of what they say, in one query."""
    found = Counter(Dispute.objects.filter(epoch=epoch).values_list("state", flat=True))
    outcomes = tuple((str(state.label), found[state]) for state in Dispute.State if found[state])
    return DisputeCounts(total=sum(found.values()), outcomes=outcomes)


def dispute_get(*, dispute_id: int) -> Dispute:
    """Return a dispute with its epoch, programme and maker; NotFoundError when there is none."""
    rows = Dispute.objects.select_related("epoch__program", "maker", "opened_by", "closed_by")
    found = rows.filter(pk=dispute_id).first()
    if found is None:
        raise NotFoundError(kind="dispute", name=str(dispute_id))
    return found


def dispute_file(*, dispute: Dispute, file_id: int) -> DisputeFile:
    """Return a file of this dispute; NotFoundError when it has none of this number."""
    found = DisputeFile.objects.filter(dispute=dispute, pk=file_id).first()
    if found is None:
        raise NotFoundError(kind="file of this dispute", name=str(file_id))
    return found


def disputes_of_epoch(*, epoch: Epoch) -> list[Dispute]:
    """Return an epoch's disputes, open ones first, in one query."""
    rows = Dispute.objects.filter(epoch=epoch).select_related("maker", "epoch__program", "opened_by")
    return sorted(rows, key=lambda row: (row.state != Dispute.State.OPEN, -row.pk))


def disputes_of_maker(*, maker: Maker) -> list[Dispute]:
    """Return a maker's disputes, newest first, in one query."""
    return list(Dispute.objects.filter(maker=maker).select_related("maker", "epoch__program", "opened_by"))


def open_disputes() -> list[Dispute]:
    """Return every open dispute, oldest first, in one query."""
    rows = Dispute.objects.filter(state=Dispute.State.OPEN).select_related("maker", "epoch__program", "opened_by")
    return list(rows.order_by("pk"))


def corrections_of_epoch(*, epoch: Epoch) -> list[Correction]:
    """Return an epoch's corrections in their order, in one query."""
    rows = Correction.objects.filter(epoch=epoch).select_related("entered_by", "confirmed_by", "dispute", "revision")
    return list(rows.order_by("pk"))


def correction_get(*, correction_id: int) -> Correction:
    """Return a correction with its epoch; NotFoundError when there is none."""
    found = Correction.objects.select_related("epoch__program").filter(pk=correction_id).first()
    if found is None:
        raise NotFoundError(kind="correction", name=str(correction_id))
    return found


def is_maker_of(*, epoch: Epoch, maker: Maker) -> bool:
    """Whether the maker took part: an address of it was enrolled when the epoch began, or it has a score there."""
    enrolled = MakerAddress.objects.filter(maker=maker, since_ms__lte=epoch.start_ms).exists()
    return enrolled or Score.objects.filter(epoch=epoch, maker=maker.slug).exists()
