"""The data rules of single events, and the errors that name the block and the log index which break them.

Source: docs/spec/scoring.md, *Inputs of one market*.
"""

from __future__ import annotations

from rewards.engine.errors import (
    BadSizeError,
    DataError,
    LateEventError,
    MalformedEventError,
    OrderRestsAlreadyError,
    OutOfOrderError,
    TimeDecreasesError,
    TooManyLotsError,
    UnknownOrderError,
)
from rewards.engine.events import ABSENT, CANCEL, NO_SIZE, NOBODY, MarketEvents
from rewards.engine.marketstate import MarketState
from rewards.engine.rules import Rules


def check_sequence(market: str, rules: Rules, state: MarketState, events: MarketEvents, row: int) -> None:
    """Raise OutOfOrderError, TimeDecreasesError or LateEventError unless the event follows the one before it.

    Among events at or after the epoch's end, which are ignored, nothing is checked.
    """
    block, log_index, time_ms = (int(events.block[row]), int(events.log_index[row]), int(events.time_ms[row]))
    if state.ended and time_ms >= rules.end_ms:
        return
    if state.last is not None:
        last_block, last_log_index, last_ms = state.last
        if time_ms < last_ms:
            detail = f"{time_ms} after {last_ms}"
            raise _at(TimeDecreasesError, market, events, row, detail)
        if (block, log_index) <= (last_block, last_log_index):
            detail = f"after block {last_block}, log index {last_log_index}"
            raise _at(OutOfOrderError, market, events, row, detail)
    if time_ms < state.now_ms and state.now_ms > rules.start_ms:
        raise _at(LateEventError, market, events, row, f"{time_ms}, and {state.now_ms} is settled")


def check_price(market: str, events: MarketEvents, row: int) -> None:
    """Raise MalformedEventError unless the event has a price above 0."""
    if events.price[row] < 1:
        raise _at(MalformedEventError, market, events, row)


def check_place(market: str, events: MarketEvents, row: int) -> None:
    """Raise MalformedEventError or BadSizeError for a place that lacks something."""
    if events.order[row] == ABSENT or events.owner[row] == NOBODY or events.side[row] == ABSENT:
        raise _at(MalformedEventError, market, events, row)
    check_price(market, events, row)
    if events.size[row] < 1:
        raise _at(BadSizeError, market, events, row)


def check_reduce(market: str, events: MarketEvents, row: int) -> None:
    """Raise MalformedEventError or BadSizeError for a cancel or fill that lacks something, or no known kind."""
    if events.kind[row] == ABSENT or events.order[row] == ABSENT:
        raise _at(MalformedEventError, market, events, row)
    whole = events.kind[row] == CANCEL and events.size[row] == NO_SIZE
    if events.size[row] < 1 and not whole:
        raise _at(BadSizeError, market, events, row)


def reduced_lots(market: str, events: MarketEvents, row: int, order_id: str, *, resting: int) -> int:
    """Return how many of the `resting` lots a cancel or fill takes away.

    Raises UnknownOrderError when nothing rests, TooManyLotsError when less rests.
    """
    if resting == 0:
        raise _at(UnknownOrderError, market, events, row, f"order {order_id}")
    size = resting if events.size[row] == NO_SIZE else int(events.size[row])
    if size > resting:
        raise _at(TooManyLotsError, market, events, row, f"order {order_id}, {size} of {resting}")
    return size


def rests_already(market: str, events: MarketEvents, row: int, order_id: str) -> DataError:
    """Return the error of a place whose id rests already."""
    return _at(OrderRestsAlreadyError, market, events, row, f"order {order_id}")


def _at(kind: type[DataError], market: str, events: MarketEvents, row: int, detail: str = "") -> DataError:
    return kind(market=market, block=int(events.block[row]), log_index=int(events.log_index[row]), detail=detail)
