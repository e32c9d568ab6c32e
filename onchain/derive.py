"""Market events from raw logs: runs each market's adapter over what is stored, and keeps its state."""

import logging

from django.db import transaction

from onchain.book import Book, Row
from onchain.errors import AdapterStateError
from onchain.models import AdapterState, Cursor, Market, MarketEvent, WatchedContract
from onchain.store import read_columns, write_events
from onchain.venues import Adapter, EventColumns, make_adapter
from onchain.venues.events import ABSENT, KINDS, SIDES

logger = logging.getLogger(__name__)
CHECKPOINT_BLOCKS = 256
"""States that far apart are kept for ever: where a reorg or a carry-in goes on from. Newer ones replace each other."""
BATCH_BLOCKS = 4096
"""Logs of so many blocks are in memory at a time."""


def derive_markets(*, cursor: Cursor) -> int:
    """Derive the events of every market through the cursor; returns how many. Inside the caller's transaction."""
    found = 0
    for market in Market.objects.filter(quarantined_block=None).select_for_update().order_by("pk"):
        watched = WatchedContract.objects.filter(address=market.address).first()
        through = min(cursor.block_number, watched.stored_through if watched else -1)
        if market.derived_through < through:
            found += derive_market(market, through=through)
    return found


def derive_market(market: Market, *, through: int) -> int:
    """Derive one market's events from its stored logs; an impossible log quarantines it and nothing after counts."""
    try:
        adapter, book = load(market, at=market.derived_through)
    except AdapterStateError as error:
        # Raw first: what is derived can always be derived again, so a state of no use costs time and nothing else.
        logger.warning("%s is derived again from its first log on. %s", market.name, error)
        forget(market)
        adapter, book = load(market, at=market.derived_through)
    found = 0
    while market.quarantined_block is None and market.derived_through < through:
        last = min(through, market.derived_through + BATCH_BLOCKS)
        logs, blocks = read_columns(addresses=adapter.addresses, first=market.derived_through + 1, last=last)
        applied = adapter.apply(logs=logs, blocks=blocks)
        rows = as_rows(applied.events)
        book.apply(rows)
        write_events(((row.block, row) for row in rows), market_id=market.pk)
        found += len(rows)
        if applied.impossible is not None:
            market.quarantined_block = applied.impossible.block_number
            market.quarantine_reason = str(applied.impossible)
            last = applied.impossible.block_number - 1
        market.derived_through = last
    market.save(update_fields=["derived_through", "quarantined_block", "quarantine_reason"])
    # After an impossible log the adapter stands in the middle of a block; the state to keep is an earlier one.
    if market.quarantined_block is None:
        save(market, adapter, book, at=market.derived_through)
    return found


def forget(market: Market) -> None:
    """Forget all that was derived of a market; its raw logs stay."""
    AdapterState.objects.filter(market=market).delete()
    MarketEvent.objects.filter(market_id=market.pk).delete()
    market.derived_through = market.start_block - 1


def adapter_of(market: Market) -> Adapter:
    """Return a fresh adapter of a market. Raises MarketConfigError."""
    return make_adapter(name=market.adapter, config={**market.config, "address": market.address})


def load(market: Market, *, at: int) -> tuple[Adapter, Book]:
    """Return the adapter and book of a market as of block `at`, from the newest saved state.

    Raises AdapterStateError when that state is damaged, or of another release or configuration.
    """
    adapter = adapter_of(market)
    state = AdapterState.objects.filter(market=market, block_number__lte=at).order_by("-block_number").first()
    if state is None:
        return adapter, Book()
    adapter.load(bytes(state.state))
    return adapter, Book.load(bytes(state.book))


def save(market: Market, adapter: Adapter, book: Book, *, at: int) -> None:
    """Keep the state as of block `at`; of the ones before only the checkpoints stay, and the newest of them."""
    newer = list(
        AdapterState.objects.filter(market=market).order_by("-block_number").values_list("pk", "block_number")[:2]
    )
    if len(newer) == 2 and newer[0][1] - newer[1][1] < CHECKPOINT_BLOCKS:
        AdapterState.objects.filter(pk=newer[0][0]).delete()
    AdapterState.objects.update_or_create(
        market=market, block_number=at, defaults={"state": adapter.save(), "book": book.save()}
    )


@transaction.atomic
def rewind_markets(*, ancestor: int) -> None:
    """Forget all that was derived after block `ancestor`; markets go on from their newest state at or before it."""
    for market in Market.objects.select_for_update().filter(derived_through__gt=ancestor).order_by("pk"):
        AdapterState.objects.filter(market=market, block_number__gt=ancestor).delete()
        state = AdapterState.objects.filter(market=market).order_by("-block_number").first()
        market.derived_through = state.block_number if state else market.start_block - 1
        MarketEvent.objects.filter(market_id=market.pk, block_number__gt=market.derived_through).delete()
        market.save(update_fields=["derived_through"])
    Market.objects.filter(quarantined_block__gt=ancestor).update(quarantined_block=None, quarantine_reason="")


def as_rows(events: EventColumns) -> list[Row]:
    """Return the events as rows of the book and the table; time_ms None stands for the block's."""
    return [
        Row(
            KINDS[kind], block, log_index, None if time_ms == ABSENT else time_ms, order, address,
            None if side == ABSENT else SIDES[side], None if price == ABSENT else price,
            None if size == ABSENT else size, taker,
        )
        for kind, block, log_index, time_ms, order, address, side, price, size, taker in zip(
            events.kind.tolist(), events.block.tolist(), events.log_index.tolist(), events.time_ms.tolist(),
            events.order, events.address, events.side.tolist(), events.price.tolist(), events.size.tolist(),
            events.taker, strict=True,
        )
    ]  # fmt: skip
