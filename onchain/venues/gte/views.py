"""What GTE's contract itself says of an order and of its market, by its view functions.

Source: docs/spec/venues.md, the row `gte`; the contract's ABI.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from onchain.venues.base import EthCall
from onchain.venues.views import view

ORDER_FIELDS = ("side", "expiry", "before", "next", "owner", "price", "size")
NO_ASK = (1 << 256) - 1
"""The best price that the contract gives where nobody asks; where nobody bids it gives 0."""


class Contract(NamedTuple):
    """One market's contract as it was after a block. Its methods raise ViewError."""

    eth_call: EthCall
    address: str
    block_number: int

    def order(self, order: int) -> dict[str, Any]:
        """Return a stored order by ORDER_FIELDS; expiry in seconds, price and size in the contract's units."""
        ((side, expiry, _, before, after, owner, price, size),) = self._ask(
            "getOrder(uint256)", "(uint8,uint32,uint256,uint256,uint256,address,uint256,uint256)", order
        )
        return dict(zip(ORDER_FIELDS, (side, expiry, before, after, owner, price, size), strict=True))

    def market(self) -> tuple[int, ...]:
        """Return best bid and ask, the number of bids and of asks, the count of events and the lot."""
        best = self._ask("getTOB()", "uint256 uint256")
        names = ("getNumBids", "getNumAsks", "getEventNonce", "getLotSizeInBase")
        return (*best, *(self._ask(f"{name}()", "uint256")[0] for name in names))

    def _ask(self, signature: str, returns: str, *values: int) -> tuple[Any, ...]:
        return view(
            self.eth_call, self.address, self.block_number, signature=signature, values=values, returns=returns.split()
        )
