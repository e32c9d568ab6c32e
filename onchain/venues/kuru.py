"""The adapter of Kuru's order book: limit orders, flip orders that grow by fills, and the vault's two quotes.

Source: docs/spec/venues.md, the row `kuru`; the contract's events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onchain.errors import MarketConfigError
from onchain.venues import config as read
from onchain.venues.base import Difference, EthCall, Impossible
from onchain.venues.bookadapter import BookAdapter, compare
from onchain.venues.events import ASK, BID, CANCEL, FILL, HALT, RESUME
from onchain.venues.kuruvault import PRICE_SCALE, Vault, VaultQuotes
from onchain.venues.logadapter import hear
from onchain.venues.views import view

VAULT_ORDER = 0
KEYS = ("price_precision", "size_precision", "spread_bps", "vault")
FLIP = "(uint40 orderId,uint40 flippedId,address owner,uint96 size,uint32 price,uint32 flippedPrice,bool isBuy)"


class KuruAdapter(BookAdapter):
    """One Kuru market from its first log on.

    `OrdersCanceled` and `FlipOrdersCanceled` sum up what `OrderCanceled` said one by one, so they are not heard.
    """

    name = "kuru"

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read the market file's keys. Raises MarketConfigError, which names the key.

        `kuru.vault` (optional) is the vault's address, which owns its two quotes; without it the market's own address
        stands for the vault, since no event before the vault's first trade names it.
        """
        super().__init__(config=config)
        own = read.table(config, "kuru", allowed=KEYS)
        precision = read.positive(own, "price_precision", path="kuru.")
        read.positive(own, "size_precision", path="kuru.")
        if PRICE_SCALE % precision:
            raise MarketConfigError(key="kuru.price_precision", rule="it must divide 10^18")
        self._scale = PRICE_SCALE // precision
        self._vault_address = read.address(own, "vault", path="kuru.") if "vault" in own else None
        self._vault = Vault(spread_bps=read.number(own, "spread_bps", path="kuru."))
        self._quotes = VaultQuotes(
            emit=self._emit, owner=self._vault_address or read.address(config, "address"), lots=self._whole_lots,
            tick=self._tick * self._scale,
        )  # fmt: skip
        self._births, self._market_state = 0, 0
        self._listen(
            hear("OrderCreated(uint40 orderId,address owner,uint96 size,uint32 price,bool isBuy)",
                 ("orderId", "owner", "size", "price", "isBuy"), self._created),
            hear(f"FlipOrderCreated{FLIP}", ("orderId", "owner", "size", "price", "isBuy"), self._created),
            hear(f"FlippedOrderCreated{FLIP}", ("orderId", "owner", "size", "price", "isBuy"), self._created),
            hear("FlipOrderUpdated(uint40 orderId,uint96 size)", ("orderId", "size"), self._grown),
            hear("OrderCanceled(uint40 orderId,address owner,uint32 price,uint96 size,bool isBuy)",
                 ("orderId", "owner", "price", "size", "isBuy"), self._cancelled),
            hear("Trade(uint40 orderId,address makerAddress,bool isBuy,uint256 price,uint96 updatedSize,"
                 "address takerAddress,address txOrigin,uint96 filledSize)",
                 ("orderId", "makerAddress", "isBuy", "price", "updatedSize", "takerAddress", "filledSize"),
                 self._traded),
            hear("VaultParamsUpdated(uint96 askSize,uint96 askPartial,uint96 bidSize,uint96 bidPartial,"
                 "uint256 ask,uint256 bid)",
                 ("askSize", "askPartial", "bidSize", "bidPartial", "ask", "bid"), self._vault_set),
            hear("MarketStateUpdated(uint8 previousState,uint8 newState)", ("previousState", "newState"),
                 self._market_state_set),
        )  # fmt: skip

    # --- orders ------------------------------------------------------------------------------------------------

    def _created(self, order: int, owner: str, size: int, price: int, is_buy: int) -> None:
        if order != self._births + 1:
            raise Impossible(f"order {order} is born after order {self._births}, so logs between them are missing")
        self._births = order
        self._begin(order, owner, BID if is_buy else ASK, price, size)

    def _grown(self, order: int, size: int) -> None:
        resting = self._resting(order, "grown by its partner's fill")
        if size < resting.size:
            raise Impossible(f"order {order} shrinks from {resting.size} to {size} where it can only grow")
        self._resize(order, resting, size)

    def _cancelled(self, order: int, owner: str, price: int, size: int, is_buy: int) -> None:
        resting = self._resting(order, "cancelled")
        told = (owner, price, size, BID if is_buy else ASK)
        known = (resting.owner, resting.price, resting.size, resting.side)
        if told != known:
            raise Impossible(f"order {order} is cancelled as (owner, price, size, side) {told}, it rests as {known}")
        self._remove(order, resting, CANCEL)

    def _traded(self, order: int, maker: str, taker_buys: int, price: int, left: int, taker: str, filled: int) -> None:
        if order == VAULT_ORDER:
            self._vault_traded(maker, taker_buys, price, left, taker, filled)
            return
        resting = self._resting(order, "filled")
        if resting.size - filled != left:
            raise Impossible(f"{filled} of order {order} is filled and {left} is left, but {resting.size} rested")
        if resting.price * self._scale != price or (resting.side == ASK) != taker_buys or resting.owner != maker:
            raise Impossible(f"the fill of order {order} is not at its price, side and owner")
        if left:
            self._shrink(order, resting, left, FILL, taker)
        else:
            self._remove(order, resting, FILL, taker)

    def _market_state_set(self, _previous: int, state: int) -> None:
        """Pauses stop trading (posts and market orders revert), orders survive them."""
        if (state != 0) != (self._market_state != 0):
            self._emit(HALT if state else RESUME)
        self._market_state = state

    # --- the vault ---------------------------------------------------------------------------------------------

    def _vault_set(self, *params: int) -> None:
        self._vault.set(*params)
        self._quotes.show(self._vault)

    def _vault_traded(self, maker: str, taker_buys: int, price: int, left: int, taker: str, filled: int) -> None:
        if self._vault_address not in (None, maker):
            raise Impossible(f"the vault trades as {maker}, the market's file says {self._vault_address}")
        side = ASK if taker_buys else BID
        if price != self._vault.price(side) or self._vault.left(side) - filled != left:
            raise Impossible(
                f"the vault trades {filled} at {price} and {left} is left, but {self._vault.left(side)} rested at "
                f"{self._vault.price(side)}"
            )
        self._quotes.fill(side, left, taker)
        if left:
            self._vault.fill_part(side, filled)
        else:
            self._vault.fill_all(side)
            self._quotes.show(self._vault)

    def vault_state(self) -> dict[str, int]:
        """Return the vault's six numbers as the contract stores them: sizes raw, prices scaled by 10^18."""
        return self._vault.state()

    def lots(self) -> dict[str, int]:
        """Return the lots of every order that counts, the vault's two quotes included."""
        return {**super().lots(), **self._quotes.lots()}

    # --- the contract's own view -------------------------------------------------------------------------------

    def reconcile(self, *, block_number: int, eth_call: EthCall) -> list[Difference]:
        """Compare every order, the counter of ids, the market's state and the vault with the contract's views."""
        address = self._contract()

        def ask(signature: str, returns: list[str], *values: int) -> tuple[Any, ...]:
            return view(eth_call, address, block_number, signature=signature, values=values, returns=returns)

        found = []
        for order, resting in self._orders.items():
            owner, size, _, _, _, price, _, is_buy = ask(
                "s_orders(uint40)",
                ["address", "uint96", "uint40", "uint40", "uint40", "uint32", "uint32", "bool"],
                order,
            )
            theirs = {"owner": owner, "side": BID if is_buy else ASK, "price": price, "size": size}
            found += compare(f"order {order}", {name: getattr(resting, name) for name in theirs}, theirs)
        (births,), (state,) = ask("s_orderIdCounter()", ["uint40"]), ask("marketState()", ["uint8"])
        found += compare(
            "the market",
            {"number of orders": self._births, "state": self._market_state},
            {"number of orders": births, "state": state},
        )
        _, bid, bid_part, best_ask, ask_part, bid_size, ask_size, _ = ask(
            "getVaultParams()", ["address", "uint256", "uint96", "uint256", "uint96", "uint96", "uint96", "uint96"]
        )
        if self._vault.known or bid_size or ask_size:
            vault = {"ask_size": ask_size, "ask_part": ask_part, "bid_size": bid_size, "bid_part": bid_part,
                     "ask": best_ask, "bid": bid}  # fmt: skip
            found += compare("the vault", self._vault.state(), vault)
        return found

    # --- the state ---------------------------------------------------------------------------------------------

    def _save(self) -> Any:
        return {
            **super()._save(), "births": self._births, "market_state": self._market_state,
            "vault": self._vault.save(), "quotes": self._quotes.save(),
        }  # fmt: skip

    def _load(self, state: Any) -> None:
        super()._load(state)
        self._births, self._market_state = state["births"], state["market_state"]
        self._vault.load(state["vault"])
        self._quotes.load(state["quotes"])
