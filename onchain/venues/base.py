"""What every venue adapter is: a pure function of (state, logs) to market events, whose state can be saved.

Source: docs/spec/venues.md, Rules for every adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from onchain.columns import BlockColumns, LogColumns
from onchain.venues.events import EventColumns

EthCall = Callable[[str, bytes, int], bytes]
"""Calls a contract's view: (address, call data, block number) to the answer's bytes; empty for a revert."""


class Impossible(Exception):  # noqa: N818 - the place is added on the way out, where it becomes ImpossibleEventError
    """What is wrong with the log at hand, as a rule without its place; only inside adapters."""


class ImpossibleEventError(Exception):
    """A log that no honest run of the venue's contract could have left; the market is quarantined, nothing guessed."""

    def __init__(self, *, block_number: int, log_index: int, rule: str) -> None:
        super().__init__(f"Block {block_number}, log {log_index}: {rule}.")
        self.block_number = block_number
        self.log_index = log_index
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a batch: the events, and the impossible log if there was one.

    `events` are then those of the blocks before the impossible one, and the adapter is of no further use.
    """

    events: EventColumns
    impossible: ImpossibleEventError | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the contract's own view says otherwise than the adapter's book."""

    what: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.what}: the logs say {self.ours}, the contract says {self.theirs}."


class Adapter(Protocol):
    """One market of one protocol. The same logs give the same events, whatever the batch boundaries."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The contracts whose logs the adapter needs: the market's, and its price feed's."""
        ...

    def apply(self, *, logs: LogColumns, blocks: BlockColumns) -> Applied:
        """Return the market events of a batch of logs, in the order in which they took effect.

        `logs`: all logs of `addresses` in `blocks`, ascending by block and log index. `blocks`: the batch's
        blocks, empty ones included where they are known, since an order may expire in one.
        """
        ...

    def save(self) -> bytes:
        """Return the state after the last log and block."""
        ...

    def load(self, state: bytes) -> None:
        """Go on from a saved state. Raises AdapterStateError."""
        ...

    def contract_state(self) -> Mapping[str, Any]:
        """Return the book as the contract stores it: orders by id with owner, side, price and size, in raw units."""
        ...

    def alternatives(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return what else a configuration that leaves a choice open may mean: in words, and as changes to it."""
        ...

    def reconcile(self, *, block_number: int, eth_call: EthCall) -> list[Difference]:
        """Compare the book with the contract's own views at that block, after whose logs the adapter stands."""
        ...
