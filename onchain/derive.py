"""Market events from raw logs: runs each market's adapter over what is stored, and keeps its state."""

from itertools import groupby

from django.db import transaction

from onchain.book import Book, Row
from onchain.models import AdapterState, Cursor, Market, MarketEvent, WatchedContract
from onchain.store import read_logs, write_events
from onchain.venues import Adapter, Event, ImpossibleEventError, make_adapter

CHECKPOINT_BLOCKS = 256
"""States that far apart are kept for ever: where a reorg or a carry-in goes on from. Newer ones replace each other."""


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
    adapter, book = load(market, at=market.derived_through)
    logs = read_logs(address=market.address, first=market.derived_through + 1, last=through)
    rows: list[tuple[int, Row]] = []
    reached = through
    for (number, second), of_block in groupby(logs, key=lambda item: (item[0], item[1])):
        try:
            events = adapter.apply(block_number=number, timestamp_s=second, logs=[log for _, _, log in of_block])
        except ImpossibleEventError as error:
            market.quarantined_block, market.quarantine_reason = number, str(error)
            reached = number - 1
            break
        fresh = [as_row(event, block_number=number, log_index=index) for index, event in enumerate(events)]
        book.apply(fresh)
        rows.extend((number, row) for row in fresh)
    write_events(rows, market_id=market.pk)
    market.derived_through = reached
    market.save(update_fields=["derived_through", "quarantined_block", "quarantine_reason"])
    # After an impossible log the adapter stands in the middle of a block; the state to keep is the one before.
    if market.quarantined_block is None:
        save(market, adapter, book, at=reached)
    return len(rows)


def load(market: Market, *, at: int) -> tuple[Adapter, Book]:
    """Return the adapter and book of a market as of block `at`, from the newest saved state."""
    adapter = make_adapter(name=market.adapter, config=market.config)
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


def as_row(event: Event, *, block_number: int, log_index: int) -> Row:
    """Return the event with its place in the total order: `log_index` counts the market's events in the block."""
    return Row(
        event.kind, block_number, log_index, event.time_ms, event.order, event.address, event.side, event.price,
        event.size, event.taker,
    )  # fmt: skip
