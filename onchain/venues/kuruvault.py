"""Kuru's automated vault: its two quotes, which no order event announces, kept from its trades and settings.

Source: docs/spec/venues.md, the row `kuru`; a full fill's rule is the contract's, checked by its views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onchain.venues.base import Impossible
from onchain.venues.events import ASK, BID, CANCEL, FILL, PLACE

PRICE_SCALE = 10**18
BPS = 10_000
NAMES = ("vault-bid", "vault-ask")


class Vault:
    """The vault's parameters. Sizes in the contract's units, prices scaled by 10^18; sides by BID and ASK."""

    def __init__(self, *, spread_bps: int) -> None:
        self._spread = spread_bps
        self._size, self._part, self._price = [0, 0], [0, 0], [0, 0]
        self.known = False

    def set(self, ask_size: int, ask_part: int, bid_size: int, bid_part: int, ask: int, bid: int) -> None:
        """Take all six values, as a deposit or a withdrawal sets them."""
        self._size, self._part, self._price = [bid_size, ask_size], [bid_part, ask_part], [bid, ask]
        self.known = True

    def price(self, side: int) -> int:
        """The price of a quote."""
        return self._price[side]

    def left(self, side: int) -> int:
        """What is left of a quote; below 0 where a withdrawal left less than had been filled: nobody can trade it."""
        return self._size[side] - self._part[side]

    def fill_part(self, side: int, filled: int) -> None:
        """A trade leaves something of the quote."""
        self._part[side] += filled

    def fill_all(self, side: int) -> None:
        """A trade takes all of the quote: both prices move by the spread, and the sizes with them."""
        up, double = BPS + self._spread, 2 * BPS
        self._part[side] = 0
        if side == ASK:
            self._size[ASK] = self._size[ASK] * double // (double + self._spread)
            self._price[ASK] = _rounded(self._price[ASK] * up, BPS)
            self._part[BID] = self._part[BID] * BPS // up
            self._price[BID] = _rounded(self._price[ASK] * BPS, up)
            self._size[BID] = self._size[ASK] * (double + self._spread) // double
        else:
            self._size[BID] = self._size[BID] * (double + self._spread) // double
            self._price[BID] = _rounded(self._price[BID] * BPS, up)
            self._price[ASK] = _rounded(self._price[BID] * up, BPS)
            self._size[ASK] = self._size[BID] * double // (double + self._spread)

    def state(self) -> dict[str, int]:
        """The six values by name."""
        return {
            "ask_size": self._size[ASK], "ask_part": self._part[ASK], "bid_size": self._size[BID],
            "bid_part": self._part[BID], "ask": self._price[ASK], "bid": self._price[BID],
        }  # fmt: skip

    def save(self) -> Any:
        """Return JSON values."""
        return [self._size, self._part, self._price, self.known]

    def load(self, state: Any) -> None:
        """Take what `save` returned."""
        self._size, self._part, self._price, self.known = state


class VaultQuotes:
    """The orders `vault-bid` and `vault-ask` as market events show them: (ticks, lots), (0, 0) for none."""

    def __init__(self, *, emit: Callable[..., None], owner: str, lots: Callable[[int], int], tick: int) -> None:
        """`tick`: one tick of the market in prices scaled by 10^18."""
        self._emit, self._owner, self._lots, self._tick = emit, owner, lots, tick
        self._shown = [(0, 0), (0, 0)]

    def fill(self, side: int, left: int, taker: str) -> None:
        """Show a trade that leaves `left` of a quote."""
        ticks, shown = self._shown[side]
        lots = self._lots(left)
        if lots < shown:
            self._emit(FILL, NAMES[side], size=shown - lots, taker=taker)
            self._shown[side] = (ticks, lots)

    def show(self, vault: Vault) -> None:
        """Show the vault's quotes as they are now; what moved or grew is withdrawn and placed anew."""
        fresh = [self._quote(vault, side) for side in (BID, ASK)]
        before = list(self._shown)
        for side in (BID, ASK):
            (ticks, lots), (old_ticks, old_lots) = fresh[side], before[side]
            kept = min(lots, old_lots) if ticks == old_ticks and lots <= old_lots else 0
            if old_lots > kept:
                self._emit(CANCEL, NAMES[side], size=old_lots - kept)
            self._shown[side] = (ticks, kept)
        for side in (BID, ASK):
            ticks, lots = fresh[side]
            if lots > self._shown[side][1]:
                self._emit(PLACE, NAMES[side], address=self._owner, side=side, price=ticks, size=lots)
            self._shown[side] = (ticks, lots)

    def lots(self) -> Mapping[str, int]:
        """Lots by order, for quotes that count at least one."""
        return {NAMES[side]: lots for side, (_, lots) in enumerate(self._shown) if lots}

    def save(self) -> Any:
        """Return JSON values."""
        return self._shown

    def load(self, state: Any) -> None:
        """Take what `save` returned."""
        self._shown = [(ticks, lots) for ticks, lots in state]

    def _quote(self, vault: Vault, side: int) -> tuple[int, int]:
        """Return (ticks, lots): the bid's price floored to the tick, the ask's raised to it."""
        lots = self._lots(max(vault.left(side), 0))
        if lots == 0:
            return 0, 0
        price = vault.price(side)
        ticks = price // self._tick if side == BID else -(-price // self._tick)
        if not 1 <= ticks < 1 << 63:
            raise Impossible(f"the vault's price {price} is {ticks} ticks, out of a market's range")
        return ticks, lots


def _rounded(value: int, divisor: int) -> int:
    """Divide, half up."""
    return (2 * value + divisor) // (2 * divisor)
