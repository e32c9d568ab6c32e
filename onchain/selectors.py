"""What the rest of the project may ask about the chain; reads only, and says how sure the answer is."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A canonical block. `time_ms` is by spec/venues.md, Time."""

    number: int
    hash: str
    timestamp_s: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class ContractLog:
    """A raw log of a watched contract in a canonical block; topics and data are 0x hex."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: int
    block_hash: str
    time_ms: int
    transaction_hash: str
    log_index: int
    final: bool


def head() -> BlockRef | None:
    """Return the newest indexed block, None before the first."""
    raise NotImplementedError


def final_block() -> BlockRef | None:
    """Return the newest block that is verified and final with all before it."""
    raise NotImplementedError


def block_at_or_after(*, time_ms: int) -> BlockRef | None:
    """Return the first block with time_ms at or after the given."""
    raise NotImplementedError


def last_block_before(*, time_ms: int) -> BlockRef | None:
    """Return the last block whose time_ms is below the given."""
    raise NotImplementedError


def settled_through_ms(*, markets: Sequence[str] | None = None) -> int:
    """Return T: every event with time_ms < T of the markets (all by default) is indexed, verified, final and settled."""
    raise NotImplementedError


def market_events_arrow(*, markets: Sequence[str], from_ms: int, to_ms: int) -> pa.Table:
    """Return the evidence columns of the markets' carry-in at from_ms and their events in [from_ms, to_ms)."""
    raise NotImplementedError


def contract_logs(
    *, address: str, from_block: int, to_block: int, final_only: bool = True
) -> list[ContractLog]:
    """Return the canonical logs of a watched contract in [from_block, to_block], in chain order."""
    raise NotImplementedError
