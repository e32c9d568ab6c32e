"""History before the first indexed block, for contracts that need all logs since their deployment (share tokens).

Ranges are done by whoever comes first, as any other; the head process then takes them over from the top down, each
only if the lowest indexed block names its last block as its parent. So all of it hangs by hash on verified blocks.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import F, QuerySet

from onchain.models import BackfillRange, Block, Cursor, WatchedContract
from onchain.store import make_canonical

logger = logging.getLogger(__name__)


@transaction.atomic
def plan(*, cursor: Cursor, range_blocks: int) -> int:
    """Make the ranges below the first indexed block that are not there yet; returns how many were made."""
    lowest = WatchedContract.objects.filter(whole=True, start_block__lt=cursor.first_block).order_by("start_block")
    first = lowest.values_list("start_block", flat=True).first()
    # Until the lowest indexed block is final, its ancestors may be others tomorrow.
    if first is None or cursor.final_block < cursor.first_block:
        return 0
    planned = _below().order_by("first_block").first()
    known = set(planned.addresses) if planned else set()
    wanted = set(lowest.values_list("address", flat=True))
    if planned is not None and (planned.first_block > first or not wanted <= known):
        # Another contract came in between: what is not taken over yet is fetched again, for all of them.
        _below().delete()
        planned = None
    if planned is not None:
        return 0
    starts = range(first, cursor.first_block, range_blocks)
    BackfillRange.objects.bulk_create(
        BackfillRange(
            first_block=start, last_block=min(start + range_blocks, cursor.first_block) - 1, ahead=False, below=True,
            addresses=sorted(wanted),
        )
        for start in starts
    )  # fmt: skip
    return len(starts)


@transaction.atomic
def take_over(*, cursor: Cursor) -> None:
    """Lower the first indexed block over the ranges that are done, as long as the block above hangs on them."""
    while (
        taken := _below().filter(done=True, last_block=cursor.first_block - 1).select_for_update().first()
    ) is not None:
        lowest = Block.objects.get(canonical=True, number=cursor.first_block)
        hashes = chain_of(taken, hangs_on=None)
        if taken.last_hash != lowest.parent_hash or hashes is None:
            logger.warning("%s do not lead to block %s; they are fetched again", taken, cursor.first_block)
            BackfillRange.objects.filter(pk=taken.pk).update(done=False, failures=F("failures") + 1)
            return
        make_canonical(hashes)
        # They are the ancestors of a block that is final.
        Block.objects.filter(hash__in=hashes).update(status=Block.Status.FINAL)
        cursor.first_block = taken.first_block
        cursor.save(update_fields=["first_block", "updated_at"])
        BackfillRange.objects.filter(pk=taken.pk).update(absorbed=True)
        _advance(cursor)


def _advance(cursor: Cursor) -> None:
    """Say of the contracts whose start is reached how far up their ranges went; what comes after is fetched as ever."""
    for contract in WatchedContract.objects.filter(
        whole=True, start_block__gte=cursor.first_block, stored_through=F("start_block") - 1
    ):
        done = BackfillRange.objects.filter(below=True, absorbed=True, addresses__contains=[contract.address])
        top = done.order_by("-last_block").values_list("last_block", flat=True).first()
        if top is not None and top >= contract.start_block:
            contract.stored_through = top
            contract.save(update_fields=["stored_through"])


def chain_of(taken: BackfillRange, *, hangs_on: str | None) -> list[str] | None:
    """Return the hashes of a done range from its last block down; None when it is not whole or hangs elsewhere.

    hangs_on: the hash of the block that has to come before it, None when any may.
    """
    rows = Block.objects.filter(number__range=(taken.first_block, taken.last_block)).values_list("hash", "parent_hash")
    parents, hashes, at = dict(rows), [], taken.last_hash
    while at in parents:
        hashes.append(at)
        at = parents[at]
    whole = len(hashes) == taken.last_block - taken.first_block + 1
    return hashes if whole and hangs_on in (None, at) else None


def _below() -> QuerySet[BackfillRange]:
    return BackfillRange.objects.filter(below=True, absorbed=False)
