"""Works out what sampling once a minute would have paid in scored epochs, from their evidence.

Derived and repeatable: whoever dies leaves nothing, whoever comes twice changes nothing, and another evidence (the
epoch was scored again) gets draws of its own.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef

from config import failpoints
from onchain.locks import try_lock
from rewards.analysis.luck import sampling_luck
from rewards.engine.evidence import read_inputs
from rewards.models import Epoch, SamplingLuck
from rewards.services.gathering import SCORED

logger = logging.getLogger(__name__)
DRAWS, SEED = 200, 1
LATEST = 24
"""Only the newest epochs are sampled."""
RETRY = timedelta(hours=1)
"""What could not be worked out is tried again after this: somebody has to put something right first."""


def luck_due(*, now: datetime) -> list[int]:
    """Return the newest scored epochs whose present evidence has not been sampled, newest first, in one query."""
    there = SamplingLuck.objects.filter(epoch=OuterRef("pk"), manifest_hash=OuterRef("manifest_hash"))
    settled = there.exclude(makers=None) | there.filter(retry_at__gt=now)
    rows = Epoch.objects.filter(state__in=SCORED).exclude(evidence_name="")
    newest = rows.order_by("-end_ms", "pk").values_list("pk", flat=True)[:LATEST]
    return list(
        rows.filter(~Exists(settled), pk__in=list(newest)).order_by("-end_ms", "pk").values_list("pk", flat=True)
    )


def luck_compute(*, epoch_id: int, now: datetime, draws: int = DRAWS) -> bool:
    """Sample an epoch's evidence and store it; what is wrong becomes a note. Returns whether it stored draws.

    Does nothing while another process is at it, and nothing for an evidence that was sampled before. `makers` becomes
    {maker: {"exact", "mean", "low", "high", "least", "most"}}, amounts as decimal strings (analysis.luck.Range).
    """
    with try_lock(f"luck of {epoch_id}") as held:
        epoch = Epoch.objects.get(pk=epoch_id)
        key: dict[str, Any] = {"epoch": epoch, "manifest_hash": epoch.manifest_hash}
        if not held or SamplingLuck.objects.filter(**key).exclude(makers=None).exists():
            return False
        try:
            inputs = read_inputs(Path(settings.EVIDENCE_DIR) / epoch.evidence_name)
            found = sampling_luck(inputs, draws=draws, seed=SEED)
        except Exception as error:
            # Whatever it is: the other epochs have their turn, and the page says why this one has no draws.
            logger.exception("The sampling luck of epoch %s can't be worked out", epoch.number)
            SamplingLuck.objects.update_or_create(**key, defaults={"note": str(error), "retry_at": now + RETRY})
            return False
        failpoints.hit("luck.computed")
        names = ("exact", "mean", "low", "high", "least", "most")
        makers = {maker: {name: str(getattr(each, name)) for name in names} for maker, each in found.by_maker.items()}
        values = {"makers": makers, "draws": draws, "note": "", "retry_at": None}
        SamplingLuck.objects.update_or_create(**key, defaults=values)
        failpoints.hit("luck.stored")
        return True
