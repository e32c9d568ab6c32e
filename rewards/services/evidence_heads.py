"""Fixes which head of the audit log an epoch's manifest names: once, so that scoring again gives the same bytes."""

from audit import selectors as audit
from config import failpoints
from rewards.models import Epoch, EvidenceHead


def evidence_head_fix(*, epoch: Epoch, content: str) -> dict[str, object] | None:
    """Return what the manifest says of the audit log; None while the log is empty.

    content: the hash of the manifest without it, 0x hex. The first who asks for a content fixes the head; whoever
    asks later, or at the same time, gets the same.
    """
    head = audit.head()
    fixed, _ = EvidenceHead.objects.get_or_create(
        epoch=epoch, content=content, defaults={"sequence": head.sequence, "hash": f"0x{head.hash}"}
    )
    failpoints.hit("evidence.head_fixed")
    return {"sequence": fixed.sequence, "hash": fixed.hash} if fixed.sequence else None
