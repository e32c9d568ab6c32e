"""The adapter of our demo exchange: every fact is in an event, so each log is at most one market event.

Source: onchain/contracts/demo_exchange.vy.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onchain.errors import MarketConfigError
from onchain.fetch import Log
from onchain.keccak import keccak256
from onchain.venues.base import Event, ImpossibleEventError

WORD = 32
SIGNATURES = {
    "placed": "OrderPlaced(uint32,address,uint64,bool,uint64,uint64)",
    "cancelled": "OrderCancelled(uint32,uint64,uint64)",
    "filled": "OrderFilled(uint32,address,uint64,uint64)",
    "mark": "MarkSet(uint32,uint64)",
    "halted": "MarketHalted(uint32)",
    "resumed": "MarketResumed(uint32)",
}
TOPICS = {keccak256(signature.encode()): name for name, signature in SIGNATURES.items()}

# owner, side, price in ticks, size in lots
Resting = tuple[str, str, int, int]


class LamplightAdapter:
    """One market of the exchange, chosen by `market_id`; logs of its other markets are passed over."""

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read the market file's keys. Raises MarketConfigError, which names the key."""
        table = config.get("lamplight")
        if not isinstance(table, Mapping) or not isinstance(table.get("market_id"), int):
            raise MarketConfigError(key="lamplight.market_id", rule="the market's number on the exchange is missing")
        self.market_id: int = table["market_id"]
        for key in ("tick_raw", "lot_raw"):
            if config.get(key) != "1":
                raise MarketConfigError(key=key, rule="the exchange counts in ticks and lots itself, so it must be 1")
        self._orders: dict[str, Resting] = {}
        self._halted = False
        self._read: dict[str, Callable[[Log], Event]] = {
            "placed": self._placed,
            "cancelled": self._cancelled,
            "filled": self._filled,
            "mark": self._mark,
            "halted": self._halt,
            "resumed": self._resume,
        }

    def apply(self, *, block_number: int, timestamp_s: int, logs: Sequence[Log]) -> list[Event]:
        """Return the events of this market in the block."""
        events = []
        for log in logs:
            name = TOPICS.get(log.topics[:WORD])
            if name is None or _word(log.topics, 1) != self.market_id:
                continue
            try:
                events.append(self._read[name](log))
            except ValueError as error:
                raise ImpossibleEventError(
                    block_number=block_number, log_index=log.log_index, rule=str(error)
                ) from error
        return events

    def save(self) -> bytes:
        """Return the state as JSON, keys sorted."""
        state = {"halted": self._halted, "orders": self._orders}
        return json.dumps(state, sort_keys=True, separators=(",", ":")).encode()

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned."""
        stored = json.loads(state)
        self._halted = stored["halted"]
        self._orders = {order: tuple(resting) for order, resting in stored["orders"].items()}

    def contract_state(self) -> dict[str, Any]:
        """Return the book as the contract stores it; ids, prices and sizes as decimal strings."""
        orders = {
            order: {"owner": owner, "side": side, "price": str(price), "size": str(size)}
            for order, (owner, side, price, size) in self._orders.items()
        }
        bids = [resting[2] for resting in self._orders.values() if resting[1] == "bid"]
        asks = [resting[2] for resting in self._orders.values() if resting[1] == "ask"]
        return {
            "orders": orders,
            "best_bid": str(max(bids)) if bids else None,
            "best_ask": str(min(asks)) if asks else None,
        }

    def _placed(self, log: Log) -> Event:
        order, is_bid, price, size = (_word(log.data, index) for index in range(4))
        owner, key, side = _address(log.topics, 2), str(order), "bid" if is_bid else "ask"
        if key in self._orders:
            raise ValueError(f"order {key} is placed while it rests already")
        if price < 1 or size < 1:
            raise ValueError(f"order {key} is placed with price {price} and size {size}")
        self._orders[key] = (owner, side, price, size)
        return Event("place", order=key, address=owner, side="bid" if is_bid else "ask", price=price, size=size)

    def _cancelled(self, log: Log) -> Event:
        order, size = str(_word(log.data, 0)), _word(log.data, 1)
        self._take(order, size)
        return Event("cancel", order=order, size=size)

    def _filled(self, log: Log) -> Event:
        order, size = str(_word(log.data, 0)), _word(log.data, 1)
        self._take(order, size)
        return Event("fill", order=order, size=size, taker=_address(log.topics, 2))

    def _mark(self, log: Log) -> Event:
        price2 = _word(log.data, 0)
        if price2 < 1:
            raise ValueError("a mark of zero")
        return Event("anchor", price=price2)

    def _halt(self, _log: Log) -> Event:
        self._halted = True
        return Event("halt")

    def _resume(self, _log: Log) -> Event:
        self._halted = False
        return Event("resume")

    def _take(self, order: str, size: int) -> None:
        if order not in self._orders:
            raise ValueError(f"order {order} does not rest")
        owner, side, price, resting = self._orders[order]
        if not 1 <= size <= resting:
            raise ValueError(f"{size} lots are taken from order {order}, of which {resting} rest")
        if size == resting:
            del self._orders[order]
        else:
            self._orders[order] = (owner, side, price, resting - size)


def _word(data: bytes, index: int) -> int:
    if len(data) < WORD * (index + 1):
        raise ValueError("the log is shorter than its event")
    return int.from_bytes(data[WORD * index : WORD * (index + 1)])


def _address(data: bytes, index: int) -> str:
    return f"0x{_word(data, index):040x}"
