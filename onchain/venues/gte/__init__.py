"""The adapter of GTE's order book: replays matching, since no event names the maker that was filled or what expired.

Source: docs/spec/venues.md, the row `gte`; the rules were verified against the contract after every block of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from onchain.errors import MarketConfigError
from onchain.venues import config as read
from onchain.venues.base import Difference, EthCall, Impossible
from onchain.venues.bookadapter import BookAdapter, compare
from onchain.venues.events import ASK, BID, CANCEL, FILL
from onchain.venues.gte.book import NONE, GteOrder, Levels
from onchain.venues.gte.events import EVENTS
from onchain.venues.gte.expiries import Expiries
from onchain.venues.gte.match import Match, Taker, match
from onchain.venues.gte.views import NO_ASK, ORDER_FIELDS, Contract
from onchain.venues.logadapter import hear

KEYS = ("base_size", "contract_lot_raw", "contract_min_raw", "queue")
QUEUES = ("published", "mended")
SECOND_MS = 1000
USER, NON_COMPETITIVE = 0, 2
POST_ONLY = 1


class Operation(NamedTuple):
    """A taker's or poster's operation between its *Submitted and its *Processed log.

    rest: what the match left of a limit order; 0 when it is below the contract's minimum, or once it rests.
    """

    order: int
    owner: str
    side: int
    price: int
    expiry: int
    quote: int
    base: int
    rest: int
    posted: int
    limit: bool


class GteAdapter(BookAdapter):
    """One GTE market from its first log on. Orders stop counting after their expiry's second, stored or not."""

    name = "gte"
    timed = True

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read the market file's keys. Raises MarketConfigError, which names the key.

        `gte.queue` (optional): `published` for the contract with the broken links, `mended` for plain first-in
        first-out queues.
        """
        super().__init__(config=config)
        own = read.table(config, "gte", allowed=KEYS)
        self._base_size = read.positive(own, "base_size", path="gte.")
        self._contract_lot = read.positive(own, "contract_lot_raw", path="gte.")
        self._contract_min = read.positive(own, "contract_min_raw", path="gte.")
        queue = own.get("queue", QUEUES[0])
        if queue not in QUEUES:
            raise MarketConfigError(key="gte.queue", rule=f"{queue!r} is neither of {' and '.join(QUEUES)}")
        self._stored: dict[int, GteOrder] = {}
        self._orders = cast("dict[Any, Any]", self._stored)  # the base needs only what all orders have
        self._mended = queue == "mended"
        self._levels = Levels(self._stored, mended=self._mended)
        self._nonce = self._placings = 0
        self._open: Operation | None = None
        self._moved: tuple[Any, ...] | None = None  # an order that moved, as it was before
        self._evicted: list[tuple[int, str, int, int]] = []
        self._expiries = Expiries(self._stored)
        handlers: dict[str, Callable[..., None]] = {
            "LimitOrderSubmitted": self._limit_submitted, "LimitOrderCreated": self._created,
            "LimitOrderProcessed": self._limit_processed, "FillOrderSubmitted": self._fill_submitted,
            "FillOrderProcessed": self._fill_processed, "OrderCanceled": self._cancelled,
            "CancelFailed": self._cancel_failed, "OrderAmended": self._amended, "LotSizeInBaseUpdated": self._lot_set,
            "MinLimitOrderAmountInBaseUpdated": self._min_set, "TickSizeUpdated": self._next_nonce,
            "MaxLimitOrdersPerTxUpdated": self._next_nonce,
        }  # fmt: skip
        self._listen(
            *(hear(declaration, wanted, handlers[declaration.split("(")[0]]) for declaration, wanted in EVENTS)
        )

    def alternatives(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Offer the other kinds of queue where the market's file names none."""
        own = self._config["gte"]
        if "queue" in own:
            return []
        return [(f'gte.queue = "{queue}"', {"gte": {**own, "queue": queue}}) for queue in QUEUES[1:]]

    # --- time --------------------------------------------------------------------------------------------------

    def _on_block(self) -> None:
        """Let what has expired stop counting, at the second after its last one; the contract goes on storing it."""
        for order, resting in self._expiries.due(self._second):
            self._emit(CANCEL, str(order), size=resting.lots, time_ms=(resting.expiry + 1) * SECOND_MS)
            resting.lots = 0

    def _expired(self, resting: GteOrder) -> bool:
        return 0 < resting.expiry < self._second

    # --- operations --------------------------------------------------------------------------------------------

    def _next_nonce(self, nonce: int) -> None:
        if nonce != self._nonce + 1:
            raise Impossible(f"event {nonce} follows event {self._nonce} of the contract's own count; logs are missing")
        self._nonce = nonce

    def _limit_submitted(
        self, nonce: int, owner: str, order: int, amount: int, price: int, expiry: int, side: int, kind: int
    ) -> None:
        self._begins(nonce, order)
        if order in self._stored:
            raise Impossible(f"order {order} is submitted while it is stored already")
        taker = Taker(owner, side, price, amount, in_base=True)
        if kind == POST_ONLY and self._crosses(taker):
            raise Impossible(f"order {order} is post-only and would trade")
        found = self._match(taker)
        rest = 0 if found.left < self._contract_min else found.left
        self._open = Operation(order, owner, side, price, expiry, found.quote, found.base, rest, 0, limit=True)

    def _fill_submitted(
        self, nonce: int, owner: str, order: int, amount: int, price: int, side: int, in_base: int
    ) -> None:
        self._begins(nonce, order)
        found = self._match(Taker(owner, side, price, amount, in_base=bool(in_base)))
        self._open = Operation(order, owner, side, price, 0, found.quote, found.base, 0, 0, limit=False)

    def _limit_processed(self, nonce: int, account: str, order: int, posted: int, quote: int, base: int) -> None:
        self._ends(nonce, account, order, quote, base, posted, limit=True)

    def _fill_processed(self, nonce: int, account: str, order: int, quote: int, base: int) -> None:
        self._ends(nonce, account, order, quote, base, 0, limit=False)

    def _begins(self, nonce: int, order: int) -> None:
        self._next_nonce(nonce)
        if self._open is not None or self._moved is not None or self._evicted:
            raise Impossible(f"order {order} is submitted before the operation before it has ended")

    def _ends(self, nonce: int, account: str, order: int, quote: int, base: int, posted: int, *, limit: bool) -> None:
        """Hold what the operation says it traded against what the book gave it."""
        self._next_nonce(nonce)
        done, self._open = self._open, None
        if done is None or (done.order, done.owner, done.limit) != (order, account, limit):
            raise Impossible(f"order {order} is processed without having been submitted")
        ours = (-done.quote, done.base) if done.side == BID else (done.quote, -done.base)
        if (quote, base) != ours:
            raise Impossible(
                f"order {order} traded {quote} quote and {base} base, the book gives it {ours[0]} and {ours[1]}"
            )
        if done.rest or posted != done.posted:
            raise Impossible(f"order {order} posted {posted}, the book leaves it {done.rest + done.posted}")

    def _crosses(self, taker: Taker) -> bool:
        best = self._levels.best(1 - taker.side)
        return best is not None and taker.reaches(best)

    def _match(self, taker: Taker) -> Match:
        return match(
            taker, orders=self._stored, levels=self._levels, lot=self._contract_lot, base_size=self._base_size,
            expired=self._expired, filled=self._filled, dropped=self._dropped,
        )  # fmt: skip

    def _filled(self, order: int, resting: GteOrder, base: int, taker: str) -> None:
        if base == resting.size:
            self._levels.remove(resting)
            self._remove(order, resting, FILL, taker)
        else:
            self._shrink(order, resting, resting.size - base, FILL, taker)

    def _dropped(self, order: int, resting: GteOrder) -> None:
        """The contract takes an expired order out, which counted no more."""
        self._levels.remove(resting)
        self._remove(order, resting, CANCEL)

    # --- resting orders ----------------------------------------------------------------------------------------

    def _created(self, nonce: int, order: int, price: int, amount: int, side: int) -> None:
        self._next_nonce(nonce)
        if self._open is None:
            self._move(order, price, amount, side)
            return
        told, known = (
            (order, price, amount, side),
            (self._open.order, self._open.price, self._open.rest, self._open.side),
        )
        if told != known or not amount:
            raise Impossible(f"(order, price, amount, side) {told} begins to rest, the book leaves {known}")
        self._rest(order, self._open.owner, side, price, amount, self._open.expiry)
        self._open = self._open._replace(rest=0, posted=amount)

    def _rest(self, order: int, owner: str, side: int, price: int, amount: int, expiry: int | None) -> None:
        """Store and link an order; `expiry` None while a later log has to tell it."""
        if order in self._stored or order == NONE or side not in (BID, ASK):
            raise Impossible(f"order {order} begins to rest while it rests already")
        resting = self._stored[order] = GteOrder(owner, side, price, amount)
        self._levels.append(order, resting)
        self._place(order, resting)
        self._placings += 1
        resting.placed = self._placings
        if expiry is not None:
            self._expire_at(order, resting, expiry)

    def _expire_at(self, order: int, resting: GteOrder, expiry: int) -> None:
        resting.expiry = expiry
        if expiry:
            if expiry < self._second:
                raise Impossible(f"order {order} begins to rest with the expiry {expiry}, which is over")
            self._expiries.add(order, resting, second=self._second)

    def _move(self, order: int, price: int, amount: int, side: int) -> None:
        """An amend to another price or side: out of the old place, to the tail of the new one."""
        resting = self._held(order, "moved")
        if self._moved is not None:
            raise Impossible(f"order {order} moves before the move of order {self._moved[0]} has ended")
        self._moved = (order, *_as_told(resting))
        self._levels.remove(resting)
        self._remove(order, resting, CANCEL)
        for evicted in self._evicted:
            self._take_out(*evicted)
        self._evicted = []
        self._rest(order, resting.owner, side, price, amount, None)

    def _cancelled(self, nonce: int, order: int, owner: str, quote: int, base: int, context: int) -> None:
        self._next_nonce(nonce)
        if context == NON_COMPETITIVE and self._open is None:
            # Inside an amend: the contract has taken the amended order out before, which the next log tells.
            self._evicted.append((order, owner, quote, base))
        elif context == USER and self._open is not None:
            raise Impossible(f"order {order} is cancelled in the middle of an operation")
        else:
            self._take_out(order, owner, quote, base)

    def _take_out(self, order: int, owner: str, quote: int, base: int) -> None:
        resting = self._held(order, "cancelled")
        worth = (self._quote(resting), 0) if resting.side == BID else (0, resting.size)
        if (quote, base) != worth or owner != resting.owner:
            raise Impossible(
                f"order {order} of {owner} is cancelled with a refund of {quote} quote and {base} base; the book has "
                f"{worth[0]} and {worth[1]} of {resting.owner}"
            )
        self._levels.remove(resting)
        self._remove(order, resting, CANCEL)

    def _cancel_failed(self, nonce: int, order: int) -> None:
        self._next_nonce(nonce)
        if order in self._stored:
            raise Impossible(f"order {order} could not be cancelled though it is stored")

    def _amended(
        self, nonce: int, side: int, expiry: int, before: int, after: int, owner: str, price: int, amount: int,
        order: int, new_amount: int, new_price: int, new_expiry: int, new_side: int,
    ) -> None:  # fmt: skip
        self._next_nonce(nonce)
        resting = self._held(order, "amended")
        moves = (side, price) != (new_side, new_price)
        known = self._moved if moves else (order, *_as_told(resting))
        told = (order, side, expiry, before, after, owner, price, amount)
        if told != known:
            raise Impossible(
                f"order {order} was {told} before its amend, the book has {known} (order, side, expiry, previous, "
                "next, owner, price, amount). If the venue links its queues otherwise, gte.queue says how"
            )
        if moves:
            if (resting.side, resting.price, resting.size) != (new_side, new_price, new_amount):
                raise Impossible(f"order {order} is amended to another place than it moved to")
            self._moved = None
            self._expire_at(order, resting, new_expiry)
        elif self._expired(resting):
            resting.size = new_amount  # it keeps its old expiry, so it goes on not counting
        else:
            self._resize(order, resting, new_amount)

    def _held(self, order: int, what: str) -> GteOrder:
        self._resting(order, what)
        return self._stored[order]

    def _quote(self, resting: GteOrder) -> int:
        return resting.size * resting.price // self._base_size

    def _best(self) -> tuple[int | None, int | None]:
        return self._levels.best(BID), self._levels.best(ASK)

    def _lot_set(self, nonce: int, lot: int) -> None:
        self._next_nonce(nonce)
        if lot == 0:
            raise Impossible("the contract's lot is set to 0")
        self._contract_lot = lot

    def _min_set(self, nonce: int, least: int) -> None:
        self._next_nonce(nonce)
        self._contract_min = least

    # --- the contract's own view -------------------------------------------------------------------------------

    def reconcile(self, *, block_number: int, eth_call: EthCall) -> list[Difference]:
        """Compare every stored order with its links, the counts, the best prices and the counters with the views."""
        contract = Contract(eth_call, self._contract(), block_number)
        found: list[Difference] = []
        for order, resting in self._stored.items():
            known = {name: getattr(resting, name) for name in ORDER_FIELDS}
            found += compare(f"order {order}", known, contract.order(order))
        bid, best_ask = self._best()
        bids, asks = self._levels.counts()
        ours = {
            "best bid": bid or 0, "best ask": NO_ASK if best_ask is None else best_ask, "number of bids": bids,
            "number of asks": asks, "event count": self._nonce, "lot": self._contract_lot,
        }  # fmt: skip
        return found + compare("the market", ours, dict(zip(ours, contract.market(), strict=True)))

    # --- the state ---------------------------------------------------------------------------------------------

    def _save(self) -> Any:
        return {
            "orders": [
                [order, o.owner, o.side, o.price, o.size, o.lots, o.expiry, o.before, o.next, o.placed]
                for order, o in self._stored.items()
            ],
            "levels": self._levels.save(), "nonce": self._nonce, "placings": self._placings,
            "settings": [self._contract_lot, self._contract_min], "open": self._open, "moved": self._moved,
            "evicted": self._evicted,
        }  # fmt: skip

    def _load(self, state: Any) -> None:
        self._stored.clear()
        for order, owner, side, price, size, lots, *links in state["orders"]:
            resting = self._stored[order] = GteOrder(owner, side, price, size, lots)
            resting.expiry, resting.before, resting.next, resting.placed = links
        self._levels.load(state["levels"])
        self._nonce, self._placings = state["nonce"], state["placings"]
        self._contract_lot, self._contract_min = state["settings"]
        self._open = Operation(*state["open"]) if state["open"] else None
        self._moved = tuple(state["moved"]) if state["moved"] else None
        self._evicted = [tuple(evicted) for evicted in state["evicted"]]
        self._expiries.collect(second=self._second)


def _as_told(order: GteOrder) -> tuple[Any, ...]:
    """Return an order's fields in the order in which an amend tells them."""
    return order.side, order.expiry, order.before, order.next, order.owner, order.price, order.size
