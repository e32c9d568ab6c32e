"""The adapter of our demo exchange: every fact is in an event, so each log is at most one market event.

Source: onchain/contracts/demo_exchange.vy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from onchain.columns import LogColumns
from onchain.errors import MarketConfigError
from onchain.venues import config as read
from onchain.venues.base import Difference, EthCall, Impossible
from onchain.venues.bookadapter import BookAdapter, compare
from onchain.venues.events import ANCHOR, ASK, BID, CANCEL, FILL, HALT, RESUME
from onchain.venues.logadapter import hear
from onchain.venues.views import view

MAX_MARKET = (1 << 32) - 1


class LamplightAdapter(BookAdapter):
    """One market of the exchange, chosen by `market_id`; logs of its other markets are passed over."""

    name = "lamplight"

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read the market file's keys. Raises MarketConfigError, which names the key."""
        own = read.table(config, "lamplight", allowed=("market_id",))
        self.market_id = read.positive(own, "market_id", path="lamplight.")
        if self.market_id > MAX_MARKET:
            raise MarketConfigError(key="lamplight.market_id", rule="the exchange counts markets in 32 bits")
        for key in ("tick_raw", "lot_raw"):
            if config.get(key) != "1":
                raise MarketConfigError(key=key, rule="the exchange counts in ticks and lots itself, so it must be 1")
        if "anchor" in config:
            raise MarketConfigError(key="anchor", rule="the exchange marks prices itself, so it has no feed")
        super().__init__(config=config)
        self._halted, self._mark = False, 0
        self._listen(
            hear("OrderPlaced(uint32 indexed market,address indexed owner,uint64 order,bool isBid,uint64 price,"
                 "uint64 size)", ("owner", "order", "isBid", "price", "size"), self._placed),
            hear("OrderCancelled(uint32 indexed market,uint64 order,uint64 size)", ("order", "size"), self._cancelled),
            hear("OrderFilled(uint32 indexed market,address indexed taker,uint64 order,uint64 size)",
                 ("taker", "order", "size"), self._filled),
            hear("MarkSet(uint32 indexed market,uint64 price2)", ("price2",), self._marked),
            hear("MarketHalted(uint32 indexed market)", (), self._halt),
            hear("MarketResumed(uint32 indexed market)", (), self._resume),
        )  # fmt: skip

    def reconcile(self, *, block_number: int, eth_call: EthCall) -> list[Difference]:
        """Compare every resting order, the last mark and the halt with `order_of` and `market_of`."""
        address = self._contract()

        def ask(signature: str, types: list[str], *values: int) -> tuple[Any, ...]:
            return view(eth_call, address, block_number, signature=signature, values=values, returns=types)

        found = []
        for order, resting in self._orders.items():
            owner, is_bid, price, size = ask(
                "order_of(uint32,uint64)", ["address", "bool", "uint64", "uint64"], self.market_id, order
            )
            theirs = {"owner": owner, "side": BID if is_bid else ASK, "price": price, "size": size}
            found += compare(f"order {order}", {name: getattr(resting, name) for name in theirs}, theirs)
        _, halted, mark = ask("market_of(uint32)", ["string", "bool", "uint64"], self.market_id)
        return found + compare(
            "the market", {"halted": self._halted, "mark": self._mark}, {"halted": halted, "mark": mark}
        )

    def _select(self, logs: LogColumns, code: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        wanted = np.frombuffer(self.market_id.to_bytes(32), np.uint8)
        code[(logs.topics[:, 1] != wanted).any(axis=1)] = -1
        return code

    def _placed(self, owner: str, order: int, is_bid: int, price: int, size: int) -> None:
        if price < 1 or size < 1:
            raise Impossible(f"order {order} is placed with price {price} and size {size}")
        self._begin(order, owner, BID if is_bid else ASK, price, size)

    def _cancelled(self, order: int, size: int) -> None:
        self._take(order, size, CANCEL, None)

    def _filled(self, taker: str, order: int, size: int) -> None:
        self._take(order, size, FILL, taker)

    def _take(self, order: int, size: int, kind: int, taker: str | None) -> None:
        resting = self._resting(order, "filled" if kind == FILL else "cancelled")
        if not 1 <= size <= resting.size:
            raise Impossible(f"{size} lots are taken from order {order}, of which {resting.size} rest")
        if size == resting.size:
            self._remove(order, resting, kind, taker)
        else:
            self._shrink(order, resting, resting.size - size, kind, taker)

    def _marked(self, price2: int) -> None:
        if not 1 <= price2 < 1 << 63:
            raise Impossible(f"a mark of {price2}")
        self._mark = price2
        self._emit(ANCHOR, price=price2)

    def _halt(self) -> None:
        self._halted = True
        self._emit(HALT)

    def _resume(self) -> None:
        self._halted = False
        self._emit(RESUME)

    def _save(self) -> Any:
        return {**super()._save(), "halted": self._halted, "mark": self._mark}

    def _load(self, state: Any) -> None:
        super()._load(state)
        self._halted, self._mark = state["halted"], state["mark"]
