"""Twins among the events of a market: two makers that do the same at nearly the same moment and price, compiled."""

from __future__ import annotations

from rewards.analysis.kernel.compiling import entry, inner
from rewards.engine.events import ASK, BID, CANCEL, FILL, NO_SIZE, PLACE
from rewards.engine.kernel.parts import I64


@entry
def middles(
    time_ms: I64, kind: I64, order: I64, side: I64, level: I64, size: I64, prices: I64, lots: I64, kept: I64, out: I64
) -> None:
    """Write the sum of best bid and best ask (ticks) as it was before each event's moment; 0 where a side is empty.

    level: index of the price among `prices`, ascending. lots: (side, level) and kept: (order, side level size), both
    zero at first. Rows in order.
    """
    best_bid, best_ask, middle, now = -1, len(prices), 0, -1
    for row in range(len(time_ms)):
        if time_ms[row] != now:
            now = time_ms[row]
            middle = prices[best_bid] + prices[best_ask] if best_bid >= 0 and best_ask < len(prices) else 0
        out[row] = middle
        code = order[row]
        if code < 0:
            continue
        if kind[row] == PLACE and size[row] > 0 and level[row] >= 0:
            kept[code, 0], kept[code, 1], kept[code, 2] = side[row], level[row], size[row]
            lots[side[row], level[row]] += size[row]
            if side[row] == BID:
                best_bid = max(best_bid, level[row])
            else:
                best_ask = min(best_ask, level[row])
        elif kind[row] == CANCEL or kind[row] == FILL:
            gone = kept[code, 2] if size[row] == NO_SIZE else min(size[row], kept[code, 2])
            kept[code, 2] -= gone
            lots[kept[code, 0], kept[code, 1]] -= gone
        while best_bid >= 0 and lots[BID, best_bid] == 0:
            best_bid -= 1
        while best_ask < len(prices) and lots[ASK, best_ask] == 0:
            best_ask += 1


@inner
def _are_twins(kind: I64, side: I64, price: I64, middle: I64, one: int, two: int, ticks: int) -> bool:
    if kind[one] != kind[two]:
        return False
    if side[one] == side[two]:
        return abs(price[one] - price[two]) <= ticks
    return middle[one] > 0 and abs(price[one] + price[two] - middle[one]) <= ticks


@entry
def count_twins(
    time_ms: I64, owner: I64, kind: I64, side: I64, price: I64, middle: I64, window_ms: int, ticks: int, seen: I64,
    counts: I64,
) -> None:  # fmt: skip
    """Count for each maker, and each other one, how many of its events have a twin of the other's. Rows by time.

    seen: by maker, -1 at first. counts: (maker, other), zero at first.
    """
    rows = len(time_ms)
    for row in range(rows):
        mine = owner[row]
        other = row - 1
        while other >= 0 and time_ms[row] - time_ms[other] <= window_ms:
            whose = owner[other]
            if whose != mine and seen[whose] != row and _are_twins(kind, side, price, middle, row, other, ticks):
                seen[whose] = row
                counts[mine, whose] += 1
            other -= 1
        other = row + 1
        while other < rows and time_ms[other] - time_ms[row] <= window_ms:
            whose = owner[other]
            if whose != mine and seen[whose] != row and _are_twins(kind, side, price, middle, row, other, ticks):
                seen[whose] = row
                counts[mine, whose] += 1
            other += 1
