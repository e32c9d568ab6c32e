"""The resting lots of a market by price, and the prices at which each side reaches the reference depth, compiled."""

from __future__ import annotations

from rewards.engine.events import ASK
from rewards.engine.kernel import bits
from rewards.engine.kernel.compiling import entry, inner
from rewards.engine.kernel.parts import Book, Orders


@inner
def level_of(book: Book, side: int, rank: int) -> int:
    """Return the level of the price of a rank: the same for bids, counted from the other end for asks."""
    return len(book.prices) - 1 - rank if side == ASK else rank


@inner
def change(book: Book, side: int, level: int, lots: int) -> None:
    """Add lots to a level, or take them away when below 0. `find_cut` makes the cut right again."""
    before = book.lots[side, level]
    book.lots[side, level] = before + lots
    book.total[side] += lots
    if book.cut[side] >= 0 and level >= book.cut[side]:
        book.above[side] += lots
    if before == 0:
        bits.add(book.members[side], book.layers, level)
    elif before + lots == 0:
        bits.remove(book.members[side], book.layers, level)


@inner
def find_cut(book: Book, side: int, depth_lots: int) -> int:
    """Return the price in ticks at which the side reaches the depth, 0 if it does not (spec, *Reference*)."""
    if book.total[side] < depth_lots:
        book.cut[side] = -1
        return 0
    members, layers = book.members[side], book.layers
    cut, above = book.cut[side], book.above[side]
    if cut < 0:
        cut = bits.next_below(members, layers, len(book.prices))
        above = book.lots[side, cut]
    while above < depth_lots:
        cut = bits.next_below(members, layers, cut)
        above += book.lots[side, cut]
    while above - book.lots[side, cut] >= depth_lots:
        above -= book.lots[side, cut]
        cut = bits.next_above(members, layers, cut)
    book.cut[side], book.above[side] = cut, above
    return book.prices[level_of(book, side, cut)]


@entry
def rest_in_book(book: Book, orders: Orders, count: int, depth_lots: int) -> None:
    """Put the first `count` orders into an empty book."""
    for order in range(count):
        change(book, orders.side[order], orders.level[order], min(orders.size[order], depth_lots))
