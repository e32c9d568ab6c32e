"""Follows the chain: verified blocks, their logs, the events that follow from them and the cursor, in one transaction.

Source: spec/venues.md, Head, safety, completeness.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise

from django.conf import settings
from django.db import transaction

from config import failpoints
from onchain.derive import derive_markets
from onchain.errors import (
    AlarmError,
    BadChainDataError,
    BrokenLinkError,
    IndexerStoppedError,
    NoProviderError,
    RpcRangeTooLargeError,
    WrongChainError,
)
from onchain.fetch import FetchedBlock, fetch_blocks, final_number, head_number
from onchain.locks import try_lock
from onchain.models import Alarm, Block, Cursor, WatchedContract
from onchain.partitions import ensure_partitions
from onchain.reorgs import common_ancestor, rewind
from onchain.rpc import Policy, RpcClient, connect
from onchain.store import settle_times, write_blocks, write_logs

logger = logging.getLogger(__name__)
BATCH_BLOCKS = 128
MAX_REORGS_A_RUN = 16


@dataclass(slots=True)
class Progress:
    """What one run has done."""

    blocks: int = 0
    logs: int = 0
    events: int = 0
    reorgs: int = 0
    caught_up: bool = False


def node() -> RpcClient:
    """Return a client of the nodes in the settings."""
    return connect(urls=settings.RPC_URLS, policy=Policy(timeout_s=settings.CHAIN_TIMEOUT_S))


def head_lock(*, chain_id: int) -> AbstractContextManager[bool]:
    """Hold the chain's lock, or give False: some other process follows it."""
    return try_lock(f"head of chain {chain_id}")


def follow(
    client: RpcClient, *, until_block: int | None = None, keep_going: Callable[[], bool] = lambda: True
) -> Progress:
    """Index until the head (or `until_block`) is reached or `keep_going` says no.

    Needs no lock of its own: call it under `head_lock`. Raises IndexerStoppedError while an alarm is open, an
    AlarmError when one is raised now, and the client's errors, after which it can be called again.
    """
    if (alarm := Alarm.objects.filter(resolved_at=None).first()) is not None:
        raise IndexerStoppedError(alarm=alarm.message)
    progress = Progress()
    try:
        cursor = _cursor(client)
        if cursor is None:
            progress.caught_up = True
            return progress
        _catch_up_contracts(client, cursor=cursor, progress=progress)
        while keep_going():
            if _step(client, cursor=cursor, until_block=until_block, progress=progress):
                progress.caught_up = True
                break
    except AlarmError as error:
        Alarm.objects.get_or_create(
            kind=error.kind, resolved_at=None, defaults={"message": str(error), "block_number": error.block_number}
        )
        logger.critical("The indexer stopped: %s", error)
        raise
    return progress


def _cursor(client: RpcClient) -> Cursor | None:
    """Return the cursor, made at the first watched block; None while nothing is watched."""
    chain_id = int(client.call(method="eth_chainId"), 16)
    cursor = Cursor.objects.first()
    if cursor is None:
        first = WatchedContract.objects.order_by("start_block").values_list("start_block", flat=True).first()
        if first is None:
            return None
        return Cursor.objects.create(
            chain_id=chain_id, first_block=first, block_number=first - 1, block_hash=b"", final_block=first - 1,
            head_number=first - 1,
        )  # fmt: skip
    if cursor.chain_id != chain_id:
        raise WrongChainError(
            f"The database holds chain {cursor.chain_id}, the node serves chain {chain_id}. "
            "Check RPC_URLS and DATABASE_URL."
        )
    return cursor


def _step(client: RpcClient, *, cursor: Cursor, until_block: int | None, progress: Progress) -> bool:
    """Index one batch; returns whether the end is reached."""
    head = head_number(client)
    end = head if until_block is None else min(head, until_block)
    final = final_number(client, head=head, depth=settings.CHAIN_CONFIRMATION_DEPTH)
    if _left_our_branch(client, cursor=cursor, head=head):
        _reorganise(client, cursor=cursor, progress=progress)
        return False
    first, last = cursor.block_number + 1, min(end, cursor.block_number + BATCH_BLOCKS)
    blocks = _fetch_halving(client, first=first, last=last) if first <= last else []
    failpoints.hit("indexer.fetched")
    if blocks and not _linked(cursor, blocks):
        _reorganise(client, cursor=cursor, progress=progress)
        return False
    _commit(blocks, cursor=cursor, head=head, final=final, progress=progress)
    return cursor.block_number >= end


def _left_our_branch(client: RpcClient, *, cursor: Cursor, head: int) -> bool:
    """Tell whether the node no longer has our newest block: a reorg to a shorter or equal branch shows only so."""
    if cursor.block_number < cursor.first_block:
        return False
    if head < cursor.block_number:
        return True
    block = client.call(method="eth_getBlockByNumber", params=[hex(cursor.block_number), False])
    return block is None or bool(block["hash"] != cursor.block_hash)


def _reorganise(client: RpcClient, *, cursor: Cursor, progress: Progress) -> None:
    progress.reorgs += 1
    if progress.reorgs > MAX_REORGS_A_RUN:
        raise BadChainDataError(block_number=cursor.block_number, rule="the node changes its mind at every question")
    ancestor = common_ancestor(client, cursor=cursor)
    if ancestor.number == cursor.block_number:
        return  # a lagging node behind a balancer, which has our block after all
    logger.warning("The chain was reorganised: back from block %s to %s", cursor.block_number, ancestor.number)
    rewind(cursor=cursor, ancestor=ancestor)


def _linked(cursor: Cursor, blocks: list[FetchedBlock]) -> bool:
    """Tell whether the batch follows our newest block. Raises BrokenLinkError when it doesn't hold together itself."""
    for before, after in pairwise(blocks):
        if after.parent_hash != before.hash:
            raise BrokenLinkError(block_number=after.number, rule="its parent is not the block before it")
    if cursor.block_number < cursor.first_block:
        return True
    return bool(cursor.block_hash == "0x" + blocks[0].parent_hash.hex())


def _fetch_halving(client: RpcClient, *, first: int, last: int) -> list[FetchedBlock]:
    """Fetch a batch; what a provider refuses as too large is halved by our own count, down to one block."""
    while True:
        try:
            return fetch_blocks(client, first=first, last=last)
        except RpcRangeTooLargeError:
            if last == first:
                raise
            last = first + (last - first) // 2
        except NoProviderError as error:
            too_large = any(isinstance(failure, RpcRangeTooLargeError) for failure in error.failures)
            if last == first or not too_large:
                raise
            last = first + (last - first) // 2


def _commit(blocks: list[FetchedBlock], *, cursor: Cursor, head: int, final: int, progress: Progress) -> None:
    with transaction.atomic():
        stored = 0
        if blocks:
            ensure_partitions(first_block=blocks[0].number, last_block=blocks[-1].number)
            write_blocks(blocks)
            watched = dict(
                WatchedContract.objects.filter(start_block__lte=blocks[-1].number).values_list("pk", "address")
            )
            stored = write_logs(blocks, addresses=frozenset(watched.values()))
            # Only those whose logs went in now: one registered this very moment has its blocks fetched again.
            WatchedContract.objects.filter(
                pk__in=watched, stored_through__gte=blocks[0].number - 1, stored_through__lt=blocks[-1].number
            ).update(stored_through=blocks[-1].number)
            cursor.block_number, cursor.block_hash = blocks[-1].number, "0x" + blocks[-1].hash.hex()
            settle_times(up_to=cursor.block_number)
        cursor.head_number = head
        _finalise(cursor, final=min(final, cursor.block_number))
        cursor.save()
        events = derive_markets(cursor=cursor)
        failpoints.hit("indexer.before_commit")
    failpoints.hit("indexer.after_commit")
    progress.blocks += len(blocks)
    progress.logs += stored
    progress.events += events


def _finalise(cursor: Cursor, *, final: int) -> None:
    if final > cursor.final_block:
        Block.objects.filter(canonical=True, number__gt=cursor.final_block, number__lte=final).update(
            status=Block.Status.FINAL
        )
        cursor.final_block = final


def _catch_up_contracts(client: RpcClient, *, cursor: Cursor, progress: Progress) -> None:
    """Fetch again, for contracts that were registered after their blocks went by, what the cursor has passed."""
    behind = list(WatchedContract.objects.filter(stored_through__lt=cursor.block_number).order_by("pk"))
    for contract in behind:
        first = max(contract.stored_through + 1, cursor.first_block)
        while first <= cursor.block_number:
            blocks = _fetch_halving(client, first=first, last=min(cursor.block_number, first + BATCH_BLOCKS - 1))
            ours = dict(
                Block.objects.filter(canonical=True, number__range=(first, blocks[-1].number)).values_list(
                    "number", "hash"
                )
            )
            if any(ours.get(block.number) != "0x" + block.hash.hex() for block in blocks):
                return  # a reorg is under way; the next step sees to it, the next run goes on here
            with transaction.atomic():
                ensure_partitions(first_block=blocks[0].number, last_block=blocks[-1].number)
                progress.logs += write_logs(blocks, addresses=frozenset([contract.address]))
                contract.stored_through = blocks[-1].number
                contract.save(update_fields=["stored_through"])
            first = blocks[-1].number + 1
