"""Named points at which a test can kill the process, to prove that a task may die at any line.

Off unless LAMPLIGHT_FAILPOINTS is set, and never on in production. It holds `name:n` or `name:n:group`, comma
separated: at the n-th pass (from 1) the process, or its whole process group, gets SIGKILL. Each fires once: a
file in LAMPLIGHT_FAILPOINTS_DIR remembers it, so that the restarted process gets past.
"""

import os
import signal
from collections import Counter
from pathlib import Path

STAGES: dict[str, tuple[str, ...]] = {
    "following the chain": (
        "lease.begun",
        "indexer.fetched",
        "indexer.blocks_written",
        "indexer.logs_written",
        "indexer.verified",
        "indexer.before_commit",
        "indexer.after_commit",
        "derive.before_commit",
    ),
    "history in ranges": (
        "backfill.planned",
        "backfill.fetched",
        "backfill.before_commit",
        "backfill.after_commit",
        "backfill.advanced",
    ),
    "a market derived again": ("quarantine.before_commit", "quarantine.done"),
    "scoring": (
        "programs.begun",
        "stretches.read",
        "stretches.replayed",
        "stretches.before_commit",
        "stretches.stored",
        "scoring.gathered",
        "allocation.done",
        "scoring.after_evidence",
        "scoring.rows_stored",
        "scoring.before_commit",
        "scoring.stored",
        "live.before_commit",
        "live.stored",
    ),
    "evidence and proof packs": (
        "evidence.inputs_written",
        "evidence.outputs_written",
        "evidence.head_fixed",
        "evidence.manifest_written",
        "evidence.before_rename",
        "evidence.renamed",
        "proofs.begun",
        "proofs.file_written",
        "proofs.before_rename",
        "proofs.renamed",
    ),
    "review": ("review.before_commit", "review.stored", "checks.made", "checks.stored"),
    "sending and what became of it": (
        "transactions.numbered",
        "transactions.signed",
        "transactions.sent",
        "transactions.resolved",
    ),
    "proposing and activating": (
        "publishing.remembered",
        "publishing.signed",
        "publishing.sent",
        "publishing.activate_signed",
        "publishing.activate_sent",
    ),
    "what the chain says": (
        "watch.stored",
        "watch.before_commit",
        "watch.roles_read",
        "mirror.watched",
        "mirror.moved",
    ),
    "corrections": (
        "rescoring.withdraw_signed",
        "rescoring.withdraw_sent",
        "rescoring.before_commit",
        "rescoring.opened",
    ),
    "collecting": (
        "autocollect.asked",
        "relay.resolved",
        "relay.settled",
        "relay.checked",
        "relay.before_commit",
        "relay.signed",
        "relay.sent",
    ),
    "notices": (
        "notices.written",
        "notices.before_commit",
        "deliveries.leased",
        "deliveries.sent",
        "deliveries.written",
    ),
    "what pages draw": (
        "quotes.fed",
        "quotes.before_commit",
        "quotes.stored",
        "luck.computed",
        "luck.stored",
        "whatif.begun",
        "whatif.before_part",
        "whatif.part",
        "whatif.before_end",
    ),
    "signs of life": ("workers.before_seen", "keys.looked"),
    "archiving": (
        "archive.written_out",
        "archive.file_put",
        "archive.evidence_put",
        "archive.partition_put",
        "archive.recorded",
        "archive.dropped",
        "archive.committed",
    ),
}
"""Every point, by what is done there; each stands at one place of the code (tests/faults/test_points.py)."""
POINTS = tuple(point for points in STAGES.values() for point in points)

_passed: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass the point called `name`; returns at once unless a test armed it."""
    armed = os.environ.get("LAMPLIGHT_FAILPOINTS")
    if not armed or os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith("production"):
        return
    _passed[name] += 1
    for entry in armed.split(","):
        point, count, *scope = entry.split(":")
        if point == name and int(count) == _passed[name] and _first_time(entry):
            os.killpg(os.getpgrp(), signal.SIGKILL) if scope == ["group"] else os.kill(os.getpid(), signal.SIGKILL)


def _first_time(entry: str) -> bool:
    folder = os.environ.get("LAMPLIGHT_FAILPOINTS_DIR")
    if folder is None:
        return True
    try:
        (Path(folder) / entry.replace(":", "-")).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
