"""The adapter of venues whose events say everything: a TOML file maps them to market events, without any code.

Source: docs/venues.md; docs/spec/venues.md, the row `declared`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from onchain.errors import MarketConfigError
from onchain.venues import config as read
from onchain.venues.base import Difference, EthCall, Impossible
from onchain.venues.bookadapter import MAX_INT64, BookAdapter, Resting, compare
from onchain.venues.declared.files import DeclaredEvent, load, parse
from onchain.venues.declared.groups import Groups
from onchain.venues.events import ASK, BID, CANCEL, FILL, HALT, RESUME
from onchain.venues.logadapter import hear
from onchain.venues.views import view

PRECISION_BITS = 512
MAX_LIST_TICK = 887_272
Values = Mapping[str, Any]


class Offer(Resting):
    """An order with what is left of the amount that it pays; None where its events don't say."""

    __slots__ = ("pays",)

    def __init__(self, owner: str, side: int, price: Any, size: int, lots: int = 0) -> None:
        super().__init__(owner, side, price, size, lots)
        self.pays: int | None = None


class DeclaredAdapter(BookAdapter):
    """One market of a venue whose file of events is named by `declared.events`, or stands there itself."""

    name = "declared"

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read the market file's keys and the file of events. Raises MarketConfigError, which names the key."""
        super().__init__(config=config)
        own = config.get("declared")
        if not isinstance(own, Mapping):
            raise MarketConfigError(key="declared", rule="the table is missing")
        content = load(own.get("events"))
        self._config["declared"] = {**own, "events": content}  # a state is of the file's content, not of its name
        self._venue = parse(content, parameters=own)
        self._tokens = ("", "")
        if any(event.tokens for event in self._venue.events):
            base, quote = (read.address(own, key, path="declared.") for key in ("base", "quote"))
            self._tokens = (base, quote)
        rule = own.get("off_tick", "refuse")
        if rule not in ("refuse", "away"):
            raise MarketConfigError(key="declared.off_tick", rule=f"{rule!r} is neither refuse nor away")
        self._away = rule == "away"
        roles = [set(event.roles) for event in self._venue.events]
        self._base_size = 1
        if any({"wants", "tick"} & names for names in roles):
            self._base_size = read.positive(own, "base_size", path="declared.")
        if any("tick" in names for names in roles) and not self._away:
            raise MarketConfigError(
                key="declared.off_tick", rule="prices of 1.0001 ** tick are no whole ticks, so it has to be away"
            )
        self._group = Groups()
        self._deeds: dict[str, Callable[[DeclaredEvent, Values], None]] = {
            "place": self._placed, "write": self._written, "fill": self._filled, "cancel": self._cancelled,
            "anchor": self._anchored, "halt": self._halted, "resume": self._halted,
        }  # fmt: skip
        self._listen(
            *(
                hear(event.schema.declaration, event.arguments, partial(self._heard_one, place))
                for place, event in enumerate(self._venue.events)
            )
        )

    def _heard_one(self, place: int, *arguments: Any) -> None:
        """Take a log in, or keep it until the group that it is in has ended."""
        event = self._venue.events[place]
        if event.does == "begin_group":
            self._group.begin(self._block)
        elif event.does == "end_group":
            for kept, values in self._group.end(self._block):
                self._do(self._venue.events[kept], values)
        elif not self._group.keep(self._block, place, arguments, first=event.group_first):
            self._do(event, arguments)

    def _do(self, event: DeclaredEvent, arguments: Sequence[Any]) -> None:
        values = dict(zip(event.arguments, arguments, strict=True))
        if all(values[name] == wanted for name, wanted in event.where.items()):
            self._deeds[event.does](event, values)

    # --- what an event says ------------------------------------------------------------------------------------

    def _side(self, event: DeclaredEvent, values: Values) -> int | None:
        """Return the order's side; None when the log is of another market."""
        base, quote = self._tokens
        if event.tokens is not None:
            told = tuple(values[name] for name in event.tokens)
            return {(base, quote): ASK, (quote, base): BID}.get(told)
        told = values[event.roles["side"]]
        return BID if told == event.bid else ASK if told == event.ask else None

    def _order(self, event: DeclaredEvent, values: Values, side: int | None) -> Any:
        number = values[event.roles["order"]]
        return f"{('bid', 'ask')[side]}-{number}" if self._venue.ids_per_side and side is not None else number

    def _of_market(self, event: DeclaredEvent, values: Values) -> tuple[bool, Any]:
        """Return whether the log is of this market as far as it says, and its order."""
        if event.tokens is None and "side" not in event.roles:
            return True, self._order(event, values, None)
        side = self._side(event, values)
        return side is not None, self._order(event, values, side)

    def _terms(self, event: DeclaredEvent, values: Values, side: int) -> tuple[Fraction, int, int | None]:
        """Return an order's price, its size in base atoms, and what it pays where its events say that."""
        told = {role: values[name] for role, name in event.roles.items()}
        if "price" in told:
            return Fraction(told["price"]), told["size"], None
        if "tick" in told:
            if abs(told["tick"]) > MAX_LIST_TICK:
                raise Impossible(f"the tick {told['tick']} is beyond {MAX_LIST_TICK}")
            ratio = power(told["tick"])
            size = told["gives"] if side == ASK else int(told["gives"] * ratio)
            return self._base_size * (ratio if side == ASK else 1 / ratio), size, None
        base, quote = (told["pays"], told["wants"]) if side == ASK else (told["wants"], told["pays"])
        if base < 1 or quote < 1:
            raise Impossible(f"an order of {base} base and {quote} quote has no price")
        return Fraction(quote * self._base_size, base), base, told["pays"]

    # --- deeds -------------------------------------------------------------------------------------------------

    def _placed(self, event: DeclaredEvent, values: Values) -> None:
        side = self._side(event, values)
        if side is None:
            return
        order, (price, size, pays) = self._order(event, values, side), self._terms(event, values, side)
        if order in self._orders:
            raise Impossible(f"order {order} is placed while it rests already")
        offer = self._orders[order] = Offer(values[event.roles["owner"]], side, price, size)
        offer.pays = pays
        self._place(order, offer)

    def _written(self, event: DeclaredEvent, values: Values) -> None:
        """A place that takes the place of what rests under the id."""
        side = self._side(event, values)
        if side is None:
            return
        order = self._order(event, values, side)
        before: Any = self._orders.get(order)
        if before is not None:
            price, size, pays = self._terms(event, values, side)
            if (before.owner, before.side) == (values[event.roles["owner"]], side) and before.price == price:
                self._resize(order, before, size)
                before.pays = pays
                return
            self._remove(order, before, CANCEL)
        self._placed(event, values)

    def _filled(self, event: DeclaredEvent, values: Values) -> None:
        ours, order = self._of_market(event, values)
        offer = self._known(event, order) if ours else None
        if offer is None:
            return
        told = {role: values[name] for role, name in event.roles.items()}
        amount = told["size"] if "size" in told else told["pays" if offer.side == ASK else "wants"]
        if amount > offer.size and not event.leaves:
            raise Impossible(f"{amount} of order {order} is filled, of which {offer.size} rests")
        gone = event.leaves or amount == offer.size
        if isinstance(offer, Offer) and offer.pays is not None and "pays" in told:
            offer.pays -= told["pays"]
            if offer.pays < 0:
                raise Impossible(f"order {order} pays more than it has left")
            gone |= offer.pays == 0
        self._shrink(order, offer, max(offer.size - amount, 0), FILL, told["taker"])
        if gone:
            self._remove(order, offer, CANCEL)

    def _cancelled(self, event: DeclaredEvent, values: Values) -> None:
        ours, order = self._of_market(event, values)
        offer = self._known(event, order) if ours else None
        if offer is None:
            return
        amount = values[event.roles["size"]] if "size" in event.roles else offer.size
        if amount > offer.size:
            raise Impossible(f"{amount} of order {order} is cancelled, of which {offer.size} rests")
        if amount == offer.size:
            self._remove(order, offer, CANCEL)
        else:
            self._shrink(order, offer, offer.size - amount, CANCEL)

    def _known(self, event: DeclaredEvent, order: Any) -> Resting | None:
        if event.ignores_unknown and order not in self._orders:
            return None
        return self._resting(order, "filled" if event.does == "fill" else "cancelled")

    def _anchored(self, event: DeclaredEvent, values: Values) -> None:
        price2 = (4 * values[event.roles["price"]] + self._tick) // (2 * self._tick)
        if not 1 <= price2 <= MAX_INT64:
            raise Impossible(f"an external price of {price2} half-ticks")
        self._anchor(price2)

    def _halted(self, event: DeclaredEvent, _values: Values) -> None:
        self._emit(HALT if event.does == "halt" else RESUME)

    # --- prices ------------------------------------------------------------------------------------------------

    def _place(self, order: Any, resting: Resting) -> None:
        """Let the order's lots count, unless away leads to where no order can be.

        Anybody can post such an offer where the venue takes any ratio; it must not stop the market.
        """
        if self._away and not 1 <= self._whole_ticks(resting.price, resting.side) <= MAX_INT64:
            return
        super()._place(order, resting)

    def _whole_lots(self, size: int) -> int:
        """Return a size in whole lots; where offers say anything, at most what a market event holds."""
        return min(size // self._lot, MAX_INT64) if self._away else super()._whole_lots(size)

    def _whole_ticks(self, price: Any, side: int) -> int:
        """Return a price in ticks, a bid's rounded down and an ask's up."""
        exact = Fraction(price) / self._tick
        return exact.__floor__() if side == BID else exact.__ceil__()

    def _ticks(self, price: Any, side: int) -> int:
        """Return a price in ticks; off the tick it is refused, or a bid's goes down and an ask's up."""
        exact = Fraction(self._whole_ticks(price, side)) if self._away else Fraction(price) / self._tick
        if exact.denominator != 1:
            raise Impossible(f"the price {float(price):g} is no multiple of the market's tick of {self._tick}")
        if not 1 <= exact <= MAX_INT64:
            raise Impossible(f"the price {float(price):g} is {int(exact)} ticks, out of a market's range")
        return int(exact)

    def contract_state(self) -> dict[str, Any]:
        """Return the book in raw units; a price that is a ratio is given in whole units, rounded down."""
        state = super().contract_state()
        for order, resting in self._orders.items():
            state["orders"][str(order)]["price"] = str(int(resting.price))
        best = zip(("best_bid", "best_ask"), self._best(), strict=True)
        return state | {name: None if price is None else str(int(price)) for name, price in best}

    # --- the contract's own view -------------------------------------------------------------------------------

    def reconcile(self, *, block_number: int, eth_call: EthCall) -> list[Difference]:
        """Compare every order's size with the view that the file declares. Raises MarketConfigError without one."""
        declared = self._venue.view
        if declared is None:
            raise MarketConfigError(
                key="declared.events: view", rule="the file declares none, so the book can't be compared"
            )
        found = []
        for order, resting in self._orders.items():
            said = view(
                eth_call, self._contract(), block_number, signature=declared["call"], values=(order,),
                returns=declared["returns"],
            )  # fmt: skip
            place = declared["size"] if "size" in declared else declared["pays" if resting.side == ASK else "wants"]
            found += compare(f"order {order}", {"size": resting.size}, {"size": said[place]})
        return found

    # --- the state ---------------------------------------------------------------------------------------------

    def _save(self) -> Any:
        return {
            "group": self._group.save(),
            "orders": [
                [order, o.owner, o.side, str(o.price), o.size, o.lots, getattr(o, "pays", None)]
                for order, o in self._orders.items()
            ],
        }

    def _load(self, state: Any) -> None:
        self._group.load(state["group"])
        self._orders = {}
        for order, owner, side, price, size, lots, pays in state["orders"]:
            offer = self._orders[order] = Offer(owner, side, Fraction(price), size, lots)
            offer.pays = pays


@lru_cache(maxsize=65_536)
def power(tick: int) -> Fraction:
    """Return 1.0001 ** tick to about 500 bits: as good as exact for every price that a market's tick can tell apart."""
    result, base, left = 1 << PRECISION_BITS, (10_001 << PRECISION_BITS) // 10_000, abs(tick)
    while left:
        if left & 1:
            result = result * base >> PRECISION_BITS
        base = base * base >> PRECISION_BITS
        left >>= 1
    ratio = Fraction(result, 1 << PRECISION_BITS)
    return ratio if tick >= 0 else 1 / ratio
