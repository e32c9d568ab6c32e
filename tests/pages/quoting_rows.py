"""Orders of two makers in one market of the scene, hour by hour through a week, replayed as the worker does it.

Aurora quotes all the time but for a few hours that each show another reason why it did not count; Meridian stands
further away, and not on the weekend.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from onchain.models import Block, Market
from onchain.partitions import ensure_partitions
from onchain.store import write_events
from onchain.venues.events import ABSENT, ASK, BID, CANCEL, KINDS, PLACE, EventColumns
from rewards.models import Epoch
from rewards.services.quote_cells import quote_cells_advance

HOUR_MS = 3_600_000
MARKET = "AAPL-PERP"
AURORA, MERIDIAN = (f"0x{number:040x}" for number in (0x1001, 0x1002))
ODD_HOURS = {
    **dict.fromkeys(range(27, 30), "away"), **dict.fromkeys(range(60, 63), "one side"),
    **dict.fromkeys(range(81, 83), "small"), **dict.fromkeys(range(104, 108), "far"), 130: "nobody",
}  # fmt: skip
"""Hours of the week in which Aurora's quotes do not count, and why."""
Order = tuple[str, str, int, int, int]


def quote_through(epochs: list[Epoch], *, until_ms: int) -> None:
    """Let both makers quote in the market through the epochs, up to a time, and sum it up for the scorecards."""
    hours = [
        (time_ms, (time_ms - epoch.start_ms) // HOUR_MS)
        for epoch in epochs
        for time_ms in range(epoch.start_ms, min(epoch.end_ms, until_ms), HOUR_MS)
    ]
    ensure_partitions(first_block=1, last_block=len(hours))
    Block.objects.bulk_create(
        Block(
            hash=f"0x{number:064x}", number=number, parent_hash=f"0x{number - 1:064x}", receipts_root="0x" + "0" * 64,
            timestamp_s=time_ms // 1000, time_ms=time_ms, time_error_ms=0, settled=True, status=Block.Status.FINAL,
            canonical=True,
        )
        for number, (time_ms, _) in enumerate(hours, start=1)
    )  # fmt: skip
    write_events(columns(hours), market_id=Market.objects.get(name=MARKET).pk)
    for epoch in epochs:
        quote_cells_advance(epoch_id=epoch.pk, market=MARKET)


def columns(hours: list[tuple[int, int]]) -> EventColumns:
    """Each hour, take away the orders of the hour before and place new ones; a block an hour."""
    events, places, standing = [], [], []
    for block, (_, hour) in enumerate(hours, start=1):
        orders = list(orders_of(block, hour))
        gone = [(CANCEL, block, ABSENT, order, None, ABSENT, ABSENT, ABSENT, None, ABSENT) for order, *_ in standing]
        new = [(PLACE, block, ABSENT, *order, None, ABSENT) for order in orders]
        events += [*gone, *new]
        places += range(len(gone) + len(new))
        standing = orders
    assert KINDS[PLACE] == "place"
    return replace(EventColumns.of(events), log_index=np.array(places, np.int64))


def orders_of(block: int, hour: int) -> Iterator[Order]:
    """Yield (order, address, side, price in ticks, lots) of an hour; the price goes up and down through the week."""
    middle = 23_000 + round(150 * math.sin(hour / 11) + 60 * math.sin(hour / 3))
    odd = ODD_HOURS.get(hour, "")
    is_weekend = hour >= 112
    if odd not in ("away", "nobody"):
        bps = 180 if odd == "far" else 9 + 5 * (hour % 24 < 9) + 14 * is_weekend
        lots = 5 if odd == "small" else 600 + 40 * (hour % 5)
        for side in (BID,) if odd == "one side" else (BID, ASK):
            yield f"a{block}-{side}", AURORA, side, away(middle, side, bps), lots
    if odd != "nobody" and not is_weekend:
        for side in (BID, ASK):
            yield f"m{block}-{side}", MERIDIAN, side, away(middle, side, 16 + hour % 3), 900


def away(middle: int, side: int, bps: int) -> int:
    """Return a price so far below (bids) or above the middle."""
    return middle + round(middle * bps / 10_000) * (1 if side == ASK else -1)
