"""Follows the chain: proven blocks, their logs, the events that follow from them and the cursor, in one transaction.

Source: docs/spec/venues.md, Head, safety, completeness.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, transaction

from config import failpoints
from config.spans import span
from onchain import backfill, confirm
from onchain.derive import Deriver
from onchain.errors import (
    AlarmError,
    BadChainDataError,
    IndexerStoppedError,
    ProvidersDisagreeError,
    WrongChainError,
)
from onchain.fetch import FetchedRange, fetch_whole
from onchain.heads import LiveTimes
from onchain.lease import Lease, head_lease
from onchain.models import Alarm, Block, Cursor, WatchedContract
from onchain.partitions import ensure_partitions
from onchain.pipeline import Pipeline
from onchain.reorgs import Tip, common_ancestor, look, rewind
from onchain.rpc import Policy, RpcClient, connect
from onchain.store import write_blocks, write_logs

logger = logging.getLogger(__name__)
BATCH_BLOCKS = 512
"""Blocks in one transaction at most; fewer where they are full (pipeline.TARGET_BYTES)."""
PIPELINE_FROM = 4
"""With fewer blocks to fetch than that, threads are not worth their start."""
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


def head_lock(*, chain_id: int) -> AbstractContextManager[Lease | None]:
    """Hold the chain's lock, or give None: some other process follows it."""
    return head_lease(chain_id=chain_id)


def follow(
    client: RpcClient,
    *,
    until_block: int | None = None,
    keep_going: Callable[[], bool] = lambda: True,
    lease: Lease | None = None,
) -> Progress:
    """Index until the head (or `until_block`) is reached or `keep_going` says no; see Indexer.run for what it raises.

    Where others may follow the same chain, call it under `head_lock` and hand its lease on.
    """
    return Indexer(client, lease=lease).run(until_block=until_block, keep_going=keep_going)


@dataclass(slots=True)
class Indexer:
    """One process's turn at following a chain; markets' states stay in memory between its runs."""

    client: RpcClient
    lease: Lease | None = None
    live: LiveTimes = field(default_factory=LiveTimes)
    deriver: Deriver = field(default_factory=Deriver)
    progress: Progress = field(default_factory=Progress)

    def run(
        self, *, until_block: int | None = None, keep_going: Callable[[], bool] = lambda: True, flush: bool = True
    ) -> Progress:
        """Index until the head (or `until_block`) is reached or `keep_going` says no.

        `flush`: write the markets' states at the end, so that the next process need not replay their newest logs.
        Raises IndexerStoppedError while an alarm is open, an AlarmError when one is raised now, and the client's
        errors, after which it can be called again.
        """
        if (alarm := Alarm.objects.filter(resolved_at=None, stops=True).first()) is not None:
            raise IndexerStoppedError(alarm=alarm.message)
        self.progress = Progress()
        try:
            self._run(until_block, keep_going)
        except AlarmError as error:
            Alarm.objects.get_or_create(
                kind=error.kind, resolved_at=None, defaults={"message": str(error), "block_number": error.block_number}
            )
            logger.critical("The indexer stopped: %s", error)
            raise
        except ProvidersDisagreeError as error:
            confirm.raise_alarm(error)
            raise
        if flush:
            self.deriver.flush()
        return self.progress

    def _run(self, until_block: int | None, keep_going: Callable[[], bool]) -> None:
        cursor = ensure_cursor(self.client)
        if cursor is None:
            self.progress.caught_up = True
            return
        backfill.catch_up_contracts(self.client, cursor=cursor, keep_going=keep_going)
        while keep_going() and not self.progress.caught_up:
            self.progress.caught_up = self._step(cursor, until_block=until_block, keep_going=keep_going)

    def _step(self, cursor: Cursor, *, until_block: int | None, keep_going: Callable[[], bool]) -> bool:
        """Index to the head as it is now, or see to a reorg; returns whether the end is reached."""
        tip = look(self.client, cursor=cursor, depth=settings.CHAIN_CONFIRMATION_DEPTH)
        if tip.left_us:
            self._reorganise(cursor)
            return False
        end = tip.head if until_block is None else min(tip.head, until_block)
        if backfill.ready(cursor):
            self._commit(None, cursor=cursor, tip=tip, absorb=True)
            return False
        first, ahead = cursor.block_number + 1, backfill.next_ahead(cursor)
        if ahead is not None:
            end = min(end, ahead - 1)
        if first > end:
            self._commit(None, cursor=cursor, tip=tip)
            # What comes next is somebody's range: one that nobody works on is ours to do.
            return ahead != first or not backfill.work(self.client)
        addresses = _watched(end)
        if end - first < min(PIPELINE_FROM, BATCH_BLOCKS):
            return self._take(fetch_whole(self.client, first=first, last=end, addresses=addresses), cursor, tip, end)
        with Pipeline(self.client, first=first, last=end, addresses=addresses, max_blocks=BATCH_BLOCKS) as ranges:
            for fetched in ranges:
                if not keep_going():
                    return False
                if not self._take([fetched], cursor, tip, fetched.last):
                    return False
        return cursor.block_number >= end

    def _take(self, pieces: list[FetchedRange], cursor: Cursor, tip: Tip, end: int) -> bool:
        """Store fetched blocks that follow our newest one; False when they don't and a reorg is to be seen to."""
        failpoints.hit("indexer.fetched")
        for fetched in pieces:
            known = cursor.block_number >= cursor.first_block
            if known and "0x" + fetched.headers.parent_hash[0].tobytes().hex() != cursor.block_hash:
                self._reorganise(cursor)
                return False
            self._commit(fetched, cursor=cursor, tip=tip)
        return cursor.block_number >= end

    def _reorganise(self, cursor: Cursor) -> None:
        self.progress.reorgs += 1
        if self.progress.reorgs > MAX_REORGS_A_RUN:
            raise BadChainDataError(
                block_number=cursor.block_number, rule="the node changes its mind at every question"
            )
        ancestor = common_ancestor(self.client, cursor=cursor)
        if ancestor.number == cursor.block_number:
            return  # a lagging node behind a balancer, which has our block after all
        logger.warning("The chain was reorganised: back from block %s to %s", cursor.block_number, ancestor.number)
        self.deriver = Deriver()
        with span("rewind blocks", to_block=ancestor.number), transaction.atomic():
            self._renew()
            rewind(cursor=cursor, ancestor=ancestor)

    def _commit(self, fetched: FetchedRange | None, *, cursor: Cursor, tip: Tip, absorb: bool = False) -> None:
        """Store one range, or take one over, with all that follows. Nothing of it is seen before all of it is."""
        stored = events = 0
        try:
            last = cursor.block_number if fetched is None else fetched.last
            with span("store blocks", last_block=last, is_fetched=fetched is not None), transaction.atomic():
                self._renew()
                if fetched is not None:
                    stored = self._store(fetched, cursor)
                if absorb:
                    stored = backfill.absorb(cursor)
                cursor.head_number = max(tip.head, cursor.block_number)
                if len(self.client.providers) < confirm.CONFIRMATIONS:
                    confirm.verify(self.client, cursor=cursor)
                self._finalise(cursor, tip)
                cursor.save()
                failpoints.hit("indexer.verified")
                events = self.deriver.derive(cursor=cursor, fresh=fetched)
                failpoints.hit("indexer.before_commit")
        except BaseException:
            # The markets in memory are ahead of the database now.
            self.deriver = Deriver()
            with suppress(DatabaseError):
                cursor.refresh_from_db()
            raise
        failpoints.hit("indexer.after_commit")
        self.progress.blocks += len(fetched.headers) if fetched else 0
        self.progress.logs += stored
        self.progress.events += events
        if cursor.verified_block < cursor.block_number:
            self._confirm(cursor, tip)

    def _store(self, fetched: FetchedRange, cursor: Cursor) -> int:
        ensure_partitions(first_block=fetched.first, last_block=fetched.last)
        live = {number: stamp for number in fetched.headers.number.tolist() if (stamp := self.live.of(number))}
        write_blocks(fetched, status=confirm.initial_status(self.client), live=live)
        failpoints.hit("indexer.blocks_written")
        stored = write_logs(fetched, addresses=fetched.addresses)
        failpoints.hit("indexer.logs_written")
        # Only those whose logs were fetched: one registered this very moment has its blocks fetched again.
        WatchedContract.objects.filter(
            address__in=fetched.addresses, stored_through__gte=fetched.first - 1, stored_through__lt=fetched.last
        ).update(stored_through=fetched.last)
        cursor.block_number, cursor.block_hash = fetched.last, fetched.hash_of(fetched.last)
        return stored

    def _confirm(self, cursor: Cursor, tip: Tip) -> None:
        """Ask for a second opinion after the commit: people see events at once, scores wait for it anyway."""
        confirm.verify(self.client, cursor=cursor)
        with transaction.atomic():
            self._renew()
            self._finalise(cursor, tip)
            cursor.save()

    def _finalise(self, cursor: Cursor, tip: Tip) -> None:
        final = min(tip.final, cursor.verified_block)
        if final > cursor.final_block:
            Block.objects.filter(canonical=True, number__gt=cursor.final_block, number__lte=final).update(
                status=Block.Status.FINAL
            )
            cursor.final_block = final

    def _renew(self) -> None:
        if self.lease is not None:
            self.lease.renew()


def ensure_cursor(client: RpcClient) -> Cursor | None:
    """Return the cursor, made at the first watched block; None while nothing is watched. Raises WrongChainError."""
    chain_id = int(client.call(method="eth_chainId"), 16)
    cursor = Cursor.objects.first()
    if cursor is None:
        first = WatchedContract.objects.order_by("start_block").values_list("start_block", flat=True).first()
        if first is None:
            return None
        # Several processes may begin at once.
        before = dict.fromkeys(("block_number", "final_block", "verified_block", "head_number"), first - 1)
        cursor, _ = Cursor.objects.get_or_create(
            chain_id=chain_id, defaults={"first_block": first, "block_hash": b"", **before}
        )
    if cursor.chain_id != chain_id:
        raise WrongChainError(
            f"The database holds chain {cursor.chain_id}, the node serves chain {chain_id}. "
            "Check RPC_URLS and DATABASE_URL."
        )
    return cursor


def _watched(through: int) -> frozenset[str]:
    return frozenset(WatchedContract.objects.filter(start_block__lte=through).values_list("address", flat=True))
