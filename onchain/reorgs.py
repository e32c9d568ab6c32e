"""Reorganisations: find where the node's chain leaves ours, mark what hangs off, and go on from there.

Source: spec/venues.md, Head, safety, completeness.
"""

from django.db import transaction

from onchain.derive import rewind_markets
from onchain.errors import ReorgBelowFinalError
from onchain.fetch import block_hashes
from onchain.models import Block, Cursor, WatchedContract
from onchain.rpc import RpcClient

SEARCH_BATCH = 32


def common_ancestor(client: RpcClient, *, cursor: Cursor) -> Block:
    """Return our newest canonical block that the node has too.

    Raises ReorgBelowFinalError when that lies below the newest final block.
    """
    top = cursor.block_number
    while top >= cursor.first_block:
        ours = list(
            Block.objects.filter(canonical=True, number__lte=top)
            .order_by("-number")
            .only("hash", "number")[:SEARCH_BATCH]
        )
        theirs = block_hashes(client, numbers=[block.number for block in ours])
        for block, hash_ in zip(ours, theirs, strict=True):
            if hash_ is not None and block.hash == "0x" + hash_.hex():
                return _not_below_final(block, cursor)
        top = ours[-1].number - 1 if ours else -1
    raise ReorgBelowFinalError(
        f"The node shares no block with ours, not even {cursor.first_block}, the first that is stored.",
        block_number=cursor.first_block,
    )


@transaction.atomic
def rewind(*, cursor: Cursor, ancestor: Block) -> None:
    """Make `ancestor` the newest canonical block. Raw logs of the dead branch stay as they came."""
    Block.objects.filter(canonical=True, number__gt=ancestor.number).update(canonical=False)
    # The ancestor's second is open again: other blocks may carry it on the new branch.
    Block.objects.filter(canonical=True, timestamp_s=ancestor.timestamp_s).update(settled=False)
    rewind_markets(ancestor=ancestor.number)
    WatchedContract.objects.filter(stored_through__gt=ancestor.number).update(stored_through=ancestor.number)
    cursor.block_number, cursor.block_hash = ancestor.number, ancestor.hash
    cursor.save()


def _not_below_final(ancestor: Block, cursor: Cursor) -> Block:
    if ancestor.number < cursor.final_block:
        raise ReorgBelowFinalError(
            f"The node's chain leaves ours after block {ancestor.number}, but block {cursor.final_block} was final. "
            "Nothing was changed. Find out which of the two is right before going on.",
            block_number=ancestor.number,
        )
    return ancestor
