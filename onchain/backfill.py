"""History in ranges that any number of workers take, and the head process takes over in the chain's order.

A range is a row; a worker keeps the row locked and stores all of it in that one transaction. Losing, doubling or
killing workers at any line changes nothing: an unfinished range is as if nobody had begun it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import F, Q, QuerySet

from config import failpoints
from onchain import backfill_below, confirm
from onchain.backfill_below import chain_of
from onchain.errors import OnchainError
from onchain.models import BackfillRange, Block, Cursor, WatchedContract
from onchain.partitions import ensure_partitions
from onchain.pipeline import Pipeline
from onchain.rpc import RpcClient
from onchain.store import make_canonical, write_blocks_ahead, write_logs

logger = logging.getLogger(__name__)
RANGE_BLOCKS = 256
"""What a killed worker has to do again; and at most so many blocks' rows are in one transaction."""
MAX_BLOCKS = 128
PATIENT_RANGES = 8
"""So many ranges of share tokens' history the head process does in a run; workers do the others meanwhile."""


@transaction.atomic
def plan(*, cursor: Cursor, first: int, last: int, range_blocks: int = RANGE_BLOCKS) -> int:
    """Make ranges of [first, last] ahead of the cursor, as far as there are none yet; returns how many were made.

    `last` has to be final: ahead of the cursor nobody looks for reorgs.
    """
    Cursor.objects.select_for_update().get(pk=cursor.pk)
    planned = BackfillRange.objects.filter(ahead=True, absorbed=False).order_by("-last_block").first()
    first = max(first, cursor.block_number + 1, planned.last_block + 1 if planned else 0)
    return _make(first, last, _addresses(through=last), ahead=True, range_blocks=range_blocks)


def work(client: RpcClient, *, among: Q | None = None) -> bool:
    """Take one open range (of those `among`) and do it; returns whether there was one.

    Raises what fetching raises, after noting it.
    """
    taken: BackfillRange | None = None
    try:
        with transaction.atomic():
            taken = (
                BackfillRange.objects.select_for_update(skip_locked=True)
                .filter(among or Q(), done=False)
                .order_by("failures", "first_block")
                .first()
            )
            if taken is None:
                return False
            _do(client, taken)
            failpoints.hit("backfill.before_commit")
    except OnchainError as error:
        if taken is not None:
            BackfillRange.objects.filter(pk=taken.pk).update(failures=F("failures") + 1, last_error=str(error))
        raise
    failpoints.hit("backfill.after_commit")
    return True


def _do(client: RpcClient, taken: BackfillRange) -> None:
    addresses, logs = frozenset(taken.addresses), 0
    ensure_partitions(first_block=taken.first_block, last_block=taken.last_block)
    with Pipeline(
        client, first=taken.first_block, last=taken.last_block, addresses=addresses, max_blocks=MAX_BLOCKS
    ) as ranges:
        for fetched in ranges:
            failpoints.hit("backfill.fetched")
            if taken.ahead or taken.below:
                write_blocks_ahead(fetched, status=confirm.initial_status(client))
            logs += write_logs(fetched, addresses=addresses)
            taken.last_hash = fetched.hash_of(fetched.last)
    taken.done, taken.logs = True, logs
    taken.save(update_fields=["done", "logs", "last_hash"])


# --- for the head process ----------------------------------------------------------------------------------------


def next_ahead(cursor: Cursor) -> int | None:
    """Return where the lowest range ahead of the cursor begins."""
    _drop_passed(cursor)
    return _ahead().values_list("first_block", flat=True).first()


def ready(cursor: Cursor) -> bool:
    """Tell whether the blocks right after the cursor are stored already."""
    return _ahead().filter(done=True, first_block=cursor.block_number + 1).exists()


def absorb(cursor: Cursor) -> int:
    """Move the cursor over the range that follows it; returns its logs. In the caller's transaction, without a save.

    A range that turns out not to follow the cursor's block is given back to be done again.
    """
    taken = _ahead().filter(done=True, first_block=cursor.block_number + 1).select_for_update().first()
    if taken is None:
        return 0
    known = cursor.block_number >= cursor.first_block
    hashes = chain_of(taken, hangs_on=cursor.block_hash if known else None)
    if hashes is None:
        logger.warning("%s do not follow block %s; they are fetched again", taken, cursor.block_number)
        BackfillRange.objects.filter(pk=taken.pk).update(done=False, failures=F("failures") + 1)
        return 0
    make_canonical(hashes)
    WatchedContract.objects.filter(
        address__in=taken.addresses, stored_through__gte=taken.first_block - 1, stored_through__lt=taken.last_block
    ).update(stored_through=taken.last_block)
    cursor.block_number, cursor.block_hash = taken.last_block, taken.last_hash
    BackfillRange.objects.filter(pk=taken.pk).update(absorbed=True)
    return taken.logs


def catch_up_contracts(client: RpcClient, *, cursor: Cursor, keep_going: Callable[[], bool]) -> None:
    """Fetch again, for contracts that were registered after their blocks went by, what the cursor has passed."""
    behind = list(WatchedContract.objects.filter(stored_through__lt=cursor.block_number).order_by("pk"))
    if not behind:
        return
    backfill_below.plan(cursor=cursor, range_blocks=RANGE_BLOCKS)
    for contract in behind:
        _plan_again(contract, cursor)
    failpoints.hit("backfill.planned")
    # A share token may be years old and is named by a maker: the head does not stand still for it.
    patient = Q(below=True) | Q(addresses__contained_by=_whole_addresses())
    while keep_going() and work(client, among=Q(ahead=False) & ~patient):
        pass
    for _ in range(PATIENT_RANGES):
        if not keep_going() or not work(client, among=Q(ahead=False) & patient):
            break
    backfill_below.take_over(cursor=cursor)
    for contract in behind:
        _advance(contract)
        failpoints.hit("backfill.advanced")


def _plan_again(contract: WatchedContract, cursor: Cursor) -> None:
    if not _again(contract).exists():
        # Blocks before the first indexed one are ranges of their own (backfill_below).
        first = max(contract.stored_through + 1, cursor.first_block)
        _make(first, cursor.block_number, [contract.address], ahead=False, range_blocks=RANGE_BLOCKS)


@transaction.atomic
def _advance(contract: WatchedContract) -> None:
    """Move a late contract over the ranges that are done, as long as their blocks are still ours."""
    if contract.whole and _first_block() > contract.start_block:
        return  # what lies before the first indexed block comes first
    for taken in _again(contract).filter(done=True).select_for_update():
        current = Block.objects.filter(canonical=True, number=taken.last_block).first()
        if current is None or current.hash != taken.last_hash:
            taken.delete()  # a reorg went over it; it is planned again
            return
        contract.refresh_from_db()
        if contract.stored_through < taken.first_block - 1 and taken.first_block > _first_block():
            return
        contract.stored_through = max(contract.stored_through, taken.last_block)
        contract.save(update_fields=["stored_through"])
        BackfillRange.objects.filter(pk=taken.pk).update(absorbed=True)


def _whole_addresses() -> list[str]:
    return list(WatchedContract.objects.filter(whole=True).values_list("address", flat=True))


def _first_block() -> int:
    return Cursor.objects.values_list("first_block", flat=True).get()


def _again(contract: WatchedContract) -> QuerySet[BackfillRange]:
    ranges = BackfillRange.objects.filter(ahead=False, below=False, absorbed=False)
    return ranges.filter(addresses__contains=[contract.address])


def _ahead() -> QuerySet[BackfillRange]:
    return BackfillRange.objects.filter(ahead=True, absorbed=False).order_by("first_block")


def _drop_passed(cursor: Cursor) -> None:
    BackfillRange.objects.filter(ahead=True, absorbed=False, last_block__lte=cursor.block_number).delete()


def _make(first: int, last: int, addresses: Sequence[str], *, ahead: bool, range_blocks: int) -> int:
    rows = [
        BackfillRange(
            first_block=start, last_block=min(last, start + range_blocks - 1), addresses=list(addresses), ahead=ahead
        )
        for start in range(first, last + 1, range_blocks)
    ]
    BackfillRange.objects.bulk_create(rows)
    return len(rows)


def _addresses(*, through: int) -> list[str]:
    return sorted(WatchedContract.objects.filter(start_block__lte=through).values_list("address", flat=True))
