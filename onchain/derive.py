"""Market events from raw logs: runs each market's adapter over what is stored, and keeps its state."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from config import failpoints
from onchain.archive import EVENTS, LOGS, require_here
from onchain.book import Book
from onchain.columns import BlockColumns, LogColumns
from onchain.errors import AdapterStateError, ArchivedError
from onchain.fetch import FetchedRange
from onchain.models import AdapterState, Cursor, Market, MarketEvent, WatchedContract
from onchain.store import read_columns, write_events
from onchain.venues import Adapter, make_adapter

logger = logging.getLogger(__name__)
CHECKPOINT_BLOCKS = 256
"""States that far apart are kept for ever: where a reorg or a carry-in goes on from. Newer ones replace each other."""
SAVE_BLOCKS = 64
"""A state is written after so many blocks, and at the end of a run; what came after it is replayed from the logs."""
BATCH_BLOCKS = 4096
"""Logs of so many blocks are in memory at a time."""


@dataclass(slots=True)
class Standing:
    """A market's adapter and book as of block `at`, kept in memory between batches; `saved`: as of which block."""

    adapter: Adapter
    book: Book
    at: int
    saved: int


@dataclass(slots=True)
class Deriver:
    """Derives all markets, one batch after the other, without reading states back that this process has at hand.

    For one run of the indexer; `flush` before it ends. Whoever rewinds makes a new one.
    """

    _standing: dict[int, Standing] = field(default_factory=dict)

    def derive(self, *, cursor: Cursor, fresh: FetchedRange | None = None) -> int:
        """Derive the events of every market through the cursor; returns how many. In the caller's transaction.

        `fresh`: the blocks that were stored just now; markets that stand right before them need not read them.
        """
        watched = dict(WatchedContract.objects.values_list("address", "stored_through"))
        found = 0
        for market in Market.objects.filter(quarantined_block=None).select_for_update().order_by("pk"):
            if (standing := self._stand(market)) is None:
                continue
            stored = (watched.get(address, -1) for address in standing.adapter.addresses)
            through = min(cursor.block_number, *stored)
            if market.derived_through < through:
                found += self._derive(market, standing, through=through, fresh=fresh)
        return found

    def flush(self) -> None:
        """Write all states that are only in memory."""
        with transaction.atomic():
            for market in Market.objects.filter(pk__in=self._standing, quarantined_block=None).select_for_update():
                standing = self._standing[market.pk]
                if market.derived_through == standing.at > standing.saved:
                    _save(market, standing)
            failpoints.hit("derive.before_commit")

    def _stand(self, market: Market) -> Standing | None:
        """Return where a market stands; None once it is in quarantine, since too little is here to derive it from."""
        standing = self._standing.get(market.pk)
        if standing is None or standing.at != market.derived_through:
            try:
                standing = _stand(market)
            except AdapterStateError as error:
                logger.warning("%s is derived again from its first block: %s", market.name, error)
                try:
                    _start_again(market)
                except ArchivedError as archived:
                    _quarantine(market, reason=str(archived))
                    return None
                standing = _stand(market)
            self._standing[market.pk] = standing
        return standing

    def _derive(self, market: Market, standing: Standing, *, through: int, fresh: FetchedRange | None) -> int:
        found = 0
        while market.quarantined_block is None and market.derived_through < through:
            logs, blocks, last = _batch(market, standing.adapter, through=through, fresh=fresh)
            applied = standing.adapter.apply(logs=logs, blocks=blocks)
            write_events(applied.events, market_id=market.pk)
            standing.book.follow(applied.events)
            found += len(applied.events)
            if applied.impossible is not None:
                market.quarantined_block = applied.impossible.block_number
                market.quarantine_reason = str(applied.impossible)
                last = applied.impossible.block_number - 1
                logger.error("%s stands still. %s", market.name, applied.impossible)
            market.derived_through = standing.at = last
        market.save(update_fields=["derived_through", "quarantined_block", "quarantine_reason"])
        if market.quarantined_block is not None:
            # After an impossible log the adapter stands in the middle of a block; the state to keep is an earlier one.
            del self._standing[market.pk]
        elif standing.at - standing.saved >= SAVE_BLOCKS:
            _save(market, standing)
        return found


def derive_markets(*, cursor: Cursor) -> int:
    """Derive the events of every market through the cursor and keep the states; returns how many events."""
    deriver = Deriver()
    with transaction.atomic():
        found = deriver.derive(cursor=cursor)
        deriver.flush()
    return found


def adapter_of(market: Market) -> Adapter:
    """Return a fresh adapter of a market. Raises MarketConfigError."""
    return make_adapter(name=market.adapter, config={**market.config, "address": market.address})


def load(market: Market, *, at: int) -> tuple[Adapter, Book]:
    """Return the adapter and book of a market as of block `at`: the newest saved state and the logs since.

    Raises AdapterStateError when that state is of no use to this release.
    """
    adapter, book, saved = _load(market, at=at)
    _replay(market, adapter, book, after=saved, through=at)
    return adapter, book


def _stand(market: Market) -> Standing:
    adapter, book, saved = _load(market, at=market.derived_through)
    _replay(market, adapter, book, after=saved, through=market.derived_through)
    return Standing(adapter, book, market.derived_through, saved)


def _load(market: Market, *, at: int) -> tuple[Adapter, Book, int]:
    adapter = adapter_of(market)
    state = AdapterState.objects.filter(market=market, block_number__lte=at).order_by("-block_number").first()
    if state is None:
        return adapter, Book(), market.start_block - 1
    adapter.load(bytes(state.state))
    return adapter, Book.load(bytes(state.book)), state.block_number


def _replay(market: Market, adapter: Adapter, book: Book, *, after: int, through: int) -> None:
    """Bring an adapter up to `through`; the events that come of it are in the table already."""
    while after < through:
        last = min(through, after + BATCH_BLOCKS)
        logs, blocks = read_columns(addresses=adapter.addresses, first=after + 1, last=last)
        book.follow(adapter.apply(logs=logs, blocks=blocks).events)
        after = last


def _batch(
    market: Market, adapter: Adapter, *, through: int, fresh: FetchedRange | None
) -> tuple[LogColumns, BlockColumns, int]:
    first = market.derived_through + 1
    at_hand = fresh is not None and (fresh.first, fresh.last) == (first, through)
    if fresh is not None and at_hand and fresh.addresses.issuperset(adapter.addresses):
        return fresh.logs.of_addresses(adapter.addresses), fresh.blocks, through
    last = min(through, market.derived_through + BATCH_BLOCKS)
    return *read_columns(addresses=adapter.addresses, first=first, last=last), last


def _save(market: Market, standing: Standing) -> None:
    """Keep the state; of the ones before only the checkpoints stay, and the newest of them."""
    newer = list(
        AdapterState.objects.filter(market=market).order_by("-block_number").values_list("pk", "block_number")[:2]
    )
    if len(newer) == 2 and newer[0][1] - newer[1][1] < CHECKPOINT_BLOCKS:
        AdapterState.objects.filter(pk=newer[0][0]).delete()
    AdapterState.objects.update_or_create(
        market=market, block_number=standing.at,
        defaults={"state": standing.adapter.save(), "book": standing.book.save()},
    )  # fmt: skip
    standing.saved = standing.at


@transaction.atomic
def rewind_markets(*, ancestor: int) -> None:
    """Forget all that was derived after block `ancestor`; markets go on from their newest state at or before it."""
    for market in Market.objects.select_for_update().filter(derived_through__gt=ancestor).order_by("pk"):
        AdapterState.objects.filter(market=market, block_number__gt=ancestor).delete()
        state = AdapterState.objects.filter(market=market).order_by("-block_number").first()
        market.derived_through = state.block_number if state else market.start_block - 1
        MarketEvent.objects.filter(market_id=market.pk, block_number__gt=market.derived_through).delete()
        market.save(update_fields=["derived_through"])
    _release(Market.objects.filter(quarantined_block__gt=ancestor))


@transaction.atomic
def derive_again(*, market: Market) -> None:
    """Forget all that was derived of a market, its quarantine included; the indexer derives it from its raw logs."""
    _start_again(Market.objects.select_for_update().get(pk=market.pk))
    _release(Market.objects.filter(pk=market.pk))


def _start_again(market: Market) -> None:
    for parent in (LOGS, EVENTS):
        require_here(first=market.start_block, what=f"Deriving {market.name} from its first block", parent=parent)
    market.states.all().delete()
    MarketEvent.objects.filter(market_id=market.pk).delete()
    market.derived_through = market.start_block - 1
    market.save(update_fields=["derived_through"])


def _quarantine(market: Market, *, reason: str) -> None:
    """Let a market stand still after what is derived of it, which stays good."""
    market.quarantined_block, market.quarantine_reason = market.derived_through + 1, reason
    market.save(update_fields=["quarantined_block", "quarantine_reason"])
    logger.error("%s stands still. %s", market.name, reason)


def _release(markets: Iterable[Market]) -> None:
    for market in markets:
        market.quarantined_block, market.quarantine_reason = None, ""
        market.save(update_fields=["quarantined_block", "quarantine_reason"])
