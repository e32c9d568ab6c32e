"""Reorganisations: find where the node's chain leaves ours, mark what hangs off, and go on from there.

Source: docs/spec/venues.md, Head, safety, completeness.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction

from onchain.derive import rewind_markets
from onchain.errors import (
    BadChainDataError,
    BlockMissingError,
    NoProviderError,
    ReorgBelowFinalError,
    RpcError,
)
from onchain.fetch import block_hashes
from onchain.models import BackfillRange, Block, Cursor, WatchedContract
from onchain.rpc import Call, RpcClient
from onchain.store import settle_times

SEARCH_BATCH = 32


@dataclass(frozen=True, slots=True)
class Tip:
    """What the node says of its chain. left_us: it has another block than ours where both have one."""

    head: int
    final: int
    left_us: bool


def look(client: RpcClient, *, cursor: Cursor, depth: int) -> Tip:
    """Ask for the head, the final block (by the node's tag, or `depth` below the head) and our newest block.

    A node whose chain ends below ours and agrees with us there lags; only another block in the place of one of ours
    is a reorg. When the preferred provider lags, the one that is furthest counts.
    Raises RpcError, NoProviderError, BadChainDataError.
    """
    tip = _look(client, cursor=cursor, depth=depth)
    if tip.head < cursor.block_number and len(client.providers) > 1:
        for index in range(len(client.providers)):
            with suppress(RpcError, NoProviderError, BadChainDataError):
                other = _look(client.only(index=index, attempts=1), cursor=cursor, depth=depth)
                tip = max(tip, other, key=lambda each: each.head)
    return tip


def _look(client: RpcClient, *, cursor: Cursor, depth: int) -> Tip:
    calls = [Call("eth_blockNumber"), Call("eth_getBlockByNumber", (hex(max(0, cursor.block_number)), False))]
    if depth == 0:
        calls.append(Call("eth_getBlockByNumber", ("finalized", False)))
    answers = client.batch(calls=calls)
    try:
        head = int(answers[0], 16)
        final = head - depth if depth else (int(answers[2]["number"], 16) if answers[2] else -1)
        known = cursor.block_number >= cursor.first_block
        newest = answers[1]["hash"].lower() if answers[1] else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadChainDataError(
            block_number=cursor.block_number, rule=f"the node describes its head in another way ({error})"
        ) from error
    if not known or newest == cursor.block_hash:
        return Tip(head, final, left_us=False)
    return Tip(head, final, left_us=newest is not None or _differs_at_its_head(client, cursor, head))


def _differs_at_its_head(client: RpcClient, cursor: Cursor, head: int) -> bool:
    """Tell whether a chain that ends below ours ends in another block than the one that we have there."""
    if head >= cursor.block_number:
        return False  # it has just got there, or is behind a balancer; the next look will tell
    if head < cursor.first_block:
        return False
    theirs = block_hashes(client, numbers=[head])[0]
    ours = Block.objects.filter(canonical=True, number=head).first()
    return theirs is not None and ours is not None and "0x" + theirs.hex() != ours.hash


def common_ancestor(client: RpcClient, *, cursor: Cursor) -> Block:
    """Return our newest canonical block that the node has too.

    Raises ReorgBelowFinalError when that lies below the newest final block.
    """
    top, differs_at = cursor.block_number, cursor.block_number + 1
    while top >= cursor.first_block:
        ours = list(
            Block.objects.filter(canonical=True, number__lte=top)
            .order_by("-number")
            .only("hash", "number", "timestamp_s")[:SEARCH_BATCH]
        )
        theirs = block_hashes(client, numbers=[block.number for block in ours])
        for block, hash_ in zip(ours, theirs, strict=True):
            if hash_ is not None and block.hash == "0x" + hash_.hex():
                return _not_below_final(block, cursor, differs_at)
            if hash_ is not None:
                differs_at = block.number
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
    settle_times()
    rewind_markets(ancestor=ancestor.number)
    WatchedContract.objects.filter(stored_through__gt=ancestor.number).update(stored_through=ancestor.number)
    BackfillRange.objects.filter(absorbed=False, ahead=False, last_block__gt=ancestor.number).delete()
    cursor.block_number, cursor.block_hash = ancestor.number, ancestor.hash
    cursor.verified_block = min(cursor.verified_block, ancestor.number)
    cursor.save()


def _not_below_final(ancestor: Block, cursor: Cursor, differs_at: int) -> Block:
    if ancestor.number >= cursor.final_block:
        return ancestor
    if differs_at > cursor.final_block:
        raise BlockMissingError(
            block_number=cursor.final_block, rule=f"it was final, and the node's chain ends at {ancestor.number}"
        )
    raise ReorgBelowFinalError(
        f"The node's chain leaves ours after block {ancestor.number}, but block {cursor.final_block} was final. "
        "Nothing was changed. Find out which of the two is right before going on.",
        block_number=ancestor.number,
    )
