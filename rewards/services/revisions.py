"""Keeps an epoch's result as a revision just before it is scored again."""

from rewards.models import Correction, Epoch, EpochRevision
from rewards.selectors.revisions import current_revision, result_rows


def revision_keep(*, epoch: Epoch, because: str) -> EpochRevision:
    """Keep the epoch's result as it stands, and mark its confirmed corrections as applied to what comes next.

    Call inside the transaction that opens the epoch again, with its row locked. because: for everybody to read.
    """
    revision = EpochRevision.objects.create(
        epoch=epoch, number=current_revision(epoch=epoch), because=because, scored_at=epoch.scored_at,
        root=epoch.root, parent_root=epoch.parent_root, manifest_hash=epoch.manifest_hash, digest=epoch.digest,
        chain_epoch=epoch.chain_epoch, evidence_name=epoch.evidence_name, paid_total=epoch.paid_total,
        unspent=epoch.unspent, carried_in_total=epoch.carried_in_total, carried_out_total=epoch.carried_out_total,
        result=result_rows(epoch=epoch),
    )  # fmt: skip
    confirmed = Correction.objects.filter(epoch=epoch, state=Correction.State.CONFIRMED)
    confirmed.update(state=Correction.State.APPLIED, revision=revision)
    return revision


def replaced_manifest(*, epoch: Epoch) -> str | None:
    """Return the manifest hash of the epoch's newest former result, None when it was never replaced."""
    newest = epoch.revisions.order_by("-number").values_list("manifest_hash", flat=True).first()
    return newest or None
