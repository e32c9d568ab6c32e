"""What every venue adapter is: a pure function of (state, logs) to market events, whose state can be saved.

Source: spec/venues.md, Rules for every adapter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from onchain.fetch import Log

Kind = Literal["place", "cancel", "fill", "anchor", "halt", "resume"]


@dataclass(frozen=True, slots=True)
class Event:
    """One market event (spec/evidence.md). Prices in ticks, anchors in half-ticks, sizes in lots.

    `time_ms` is set only where the event became true at a moment that is not its block's.
    """

    kind: Kind
    order: str | None = None
    address: str | None = None
    side: Literal["bid", "ask"] | None = None
    price: int | None = None
    size: int | None = None
    taker: str | None = None
    time_ms: int | None = None


class ImpossibleEventError(Exception):
    """A log that no honest run of the venue's contract could have left; the market is quarantined, nothing guessed."""

    def __init__(self, *, block_number: int, log_index: int, rule: str) -> None:
        super().__init__(f"Block {block_number}, log {log_index}: {rule}.")
        self.block_number = block_number
        self.log_index = log_index
        self.rule = rule


class Adapter(Protocol):
    """One market of one protocol. The same logs give the same events, whatever the batch boundaries."""

    def apply(self, *, block_number: int, timestamp_s: int, logs: Sequence[Log]) -> list[Event]:
        """Return the market events of one block's logs, in the order in which they took effect.

        `logs` are all logs of the market's contract in the block. Raises ImpossibleEventError; the state is then of
        no further use.
        """
        ...

    def save(self) -> bytes:
        """Return the state after the last block."""
        ...

    def load(self, state: bytes) -> None:
        """Go on from a saved state."""
        ...

    def contract_state(self) -> Mapping[str, Any]:
        """Return the book as the contract stores it: orders by id with owner, side, price and size, in raw units."""
        ...
