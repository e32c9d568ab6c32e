"""Price feeds: a contract's price events to a market's anchors, in half-ticks rounded half up.

Source: docs/spec/venues.md, Price feeds. An anchor takes effect with the block that carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from onchain.errors import MarketConfigError
from onchain.venues import config as read
from onchain.venues.base import Impossible

Heard = tuple[str, tuple[str, ...], Callable[..., None]]
KEYS = ("feed", "address", "decimals", "id", "tick_size")
MAX_DECIMALS = 77
MAX_INT64 = (1 << 63) - 1


class Feed:
    """A feed of one market. `left_out` counts prices by reason: not above zero, or older than the one before."""

    def __init__(self, *, config: Mapping[str, Any], emit: Callable[[int], None]) -> None:
        """Read the table `anchor`: address, decimals (a price is `answer / 10 ** decimals`), tick_size.

        tick_size is one tick of the market in the feed's currency, a decimal string. Raises MarketConfigError.
        """
        self.address = read.address(config, "address", path="anchor.")
        decimals = read.number(config, "decimals", path="anchor.")
        if decimals > MAX_DECIMALS:
            raise MarketConfigError(key="anchor.decimals", rule=f"it is at most {MAX_DECIMALS}")
        tick = _decimal(config, "tick_size")
        # price in half-ticks = 2 * answer / 10^decimals / tick
        self._half_ticks = Fraction(2, 10**decimals) / tick
        self._emit = emit
        self._newest_s = -1
        self.left_out = {"not above zero": 0, "older": 0}

    @property
    def heard(self) -> list[Heard]:
        """The feed's events: declaration, arguments, handler."""
        raise NotImplementedError

    def save(self) -> Any:
        """Return JSON values."""
        return [self._newest_s, self.left_out]

    def load(self, state: Any) -> None:
        """Take what `save` returned."""
        self._newest_s, self.left_out = state

    def _price(self, answer: int, second: int) -> None:
        """Take a price of a moment, by the feed's own stamp."""
        if answer <= 0:
            self.left_out["not above zero"] += 1
        elif second < self._newest_s:
            self.left_out["older"] += 1
        else:
            self._newest_s = second
            self._emit(self._rounded(answer))

    def _rounded(self, answer: int) -> int:
        exact = answer * self._half_ticks
        price2 = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
        if not 1 <= price2 <= MAX_INT64:
            raise Impossible(f"the feed's price {answer} is {price2} half-ticks, out of a market's range")
        return price2


class ChainlinkFeed(Feed):
    """The aggregator behind a Chainlink proxy; `address` is the aggregator's, which emits, not the proxy's."""

    @property
    def heard(self) -> list[Heard]:
        """AnswerUpdated."""
        declaration = "AnswerUpdated(int256 indexed current,uint256 indexed roundId,uint256 updatedAt)"
        return [(declaration, ("current", "updatedAt"), self._price)]


class PythFeed(Feed):
    """One price id of the Pyth contract; `decimals` is the price's exponent without its sign."""

    def __init__(self, *, config: Mapping[str, Any], emit: Callable[[int], None]) -> None:
        """Read `id` beside the rest: 0x and 64 hexadecimal digits. Raises MarketConfigError."""
        super().__init__(config=config, emit=emit)
        text = config.get("id")
        digits = text[2:] if isinstance(text, str) and text.startswith("0x") else ""
        if len(digits) != 64 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise MarketConfigError(key="anchor.id", rule=f"{text!r} is no price id of 0x and 64 hexadecimal digits")
        self._id = int(digits, 16)

    @property
    def heard(self) -> list[Heard]:
        """PriceFeedUpdate."""
        declaration = "PriceFeedUpdate(bytes32 indexed id,uint64 publishTime,int64 price,uint64 conf)"
        return [(declaration, ("id", "price", "publishTime"), self._of_id)]

    def _of_id(self, price_id: int, price: int, second: int) -> None:
        if price_id == self._id:
            self._price(price, second)


FEEDS: dict[str, type[Feed]] = {"chainlink": ChainlinkFeed, "pyth": PythFeed}


def make_feed(config: Mapping[str, Any], *, emit: Callable[[int], None]) -> Feed | None:
    """Return the feed of a market's configuration, None without a table `anchor`. Raises MarketConfigError."""
    if "anchor" not in config:
        return None
    table = read.table(config, "anchor", allowed=KEYS)
    kind = table.get("feed")
    if kind not in FEEDS:
        raise MarketConfigError(key="anchor.feed", rule=f"there is no feed {kind}; there are {', '.join(FEEDS)}")
    if "address" not in config:
        raise MarketConfigError(key="address", rule="a market with a feed needs its own address, to tell their logs")
    return FEEDS[kind](config=table, emit=emit)


def _decimal(config: Mapping[str, Any], key: str) -> Fraction:
    text = config.get(key)
    whole, _, part = text.partition(".") if isinstance(text, str) else ("", "", "")
    if not (whole + part).isdigit() or not (whole + part).isascii() or not int(whole + part):
        raise MarketConfigError(
            key=f"anchor.{key}", rule=f"{text!r} is no decimal above 0 such as 0.01, in the feed's currency"
        )
    return Fraction(int(whole + part), 10 ** len(part))
