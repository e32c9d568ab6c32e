"""Re-verifies what is stored against the chain, and says what differs, block by block.

Three things are held against each other: the stored rows, the chain's receipts (proven by their root), and the node's
own eth_getLogs, which proves nothing but shows whether this provider leaves logs out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from onchain.archive import LOGS, require_here
from onchain.columns import LogColumns
from onchain.derive import adapter_of
from onchain.fetch import FetchedRange
from onchain.logpages import fetch_logs
from onchain.models import Block, Market, MarketEvent, WatchedContract
from onchain.pipeline import Pipeline
from onchain.rpc import RpcClient
from onchain.store import read_columns
from onchain.venues.events import EventColumns

BATCH_BLOCKS = 256
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, in a sentence. serious: our rows are wrong; otherwise only the provider's eth_getLogs is."""

    block_number: int
    text: str
    serious: bool = True

    def __str__(self) -> str:
        return f"Block {self.block_number}: {self.text}."


def check_range(client: RpcClient, *, first: int, last: int, provider_logs: bool = True) -> Iterator[Finding]:
    """Yield what differs in blocks [first, last], in order. Raises what fetching raises.

    `provider_logs`: also compare with eth_getLogs of the same provider.
    """
    require_here(first=first, what=f"Checking blocks {first} to {last}", parent=LOGS)
    watched = list(WatchedContract.objects.values_list("address", "start_block", "stored_through"))
    addresses = frozenset(address for address, _, _ in watched)
    with Pipeline(client, first=first, last=last, addresses=addresses, max_blocks=BATCH_BLOCKS) as ranges:
        for fetched in ranges:
            ours, _ = read_columns(addresses=sorted(addresses), first=fetched.first, last=fetched.last)
            theirs = _wanted(fetched.logs, watched)
            found = [*_headers(fetched), *_logs(_wanted(ours, watched), theirs, "the chain's receipts", serious=True)]
            if provider_logs and addresses:
                said = fetch_logs(client, addresses=sorted(addresses), first=fetched.first, last=fetched.last)
                found += _logs(_wanted(said, watched), theirs, "the receipts of the same provider", serious=False)
            yield from sorted(found, key=lambda finding: finding.block_number)


def check_events(*, market: Market, first: int, last: int) -> Iterator[Finding]:
    """Derive a market again from its raw logs, in memory, and yield where its stored events differ in [first, last]."""
    require_here(first=market.start_block, what=f"Checking the events of {market.name}", parent=LOGS)
    adapter, at = adapter_of(market), market.start_block - 1
    last = min(last, market.derived_through)
    while at < last:
        upto = min(last, at + BATCH_BLOCKS)
        logs, blocks = read_columns(addresses=adapter.addresses, first=at + 1, last=upto)
        applied = adapter.apply(logs=logs, blocks=blocks)
        if upto >= first:
            yield from _events(market, applied.events, first=max(first, at + 1), last=upto)
        if applied.impossible is not None:
            return
        at = upto


def _headers(fetched: FetchedRange) -> list[Finding]:
    numbers = fetched.headers.number.tolist()
    rows = Block.objects.filter(canonical=True, number__range=(fetched.first, fetched.last))
    ours = {block.number: block for block in rows.only("number", "hash", "timestamp_s", "status")}
    found = []
    for place, number in enumerate(numbers):
        block = ours.get(number)
        if block is None:
            found.append(Finding(number, "we do not have it"))
        elif block.hash != fetched.hash_of(number):
            found.append(Finding(number, f"we have {block.hash}, the chain has {fetched.hash_of(number)}"))
        elif block.timestamp_s != int(fetched.headers.timestamp_s[place]):
            found.append(Finding(number, "our timestamp differs from the chain's"))
        elif block.status == Block.Status.FETCHED:
            found.append(Finding(number, "no second provider has confirmed it yet", serious=False))
    return found


def _wanted(logs: LogColumns, watched: Sequence[tuple[str, int, int]]) -> LogColumns:
    """Leave out what is not stored on purpose: logs before a contract's start, and those not fetched yet."""
    spans = {address: (start, through) for address, start, through in watched}
    low = np.array([spans.get(name, (1, 0))[0] for name in logs.addresses] or [0])
    high = np.array([spans.get(name, (1, 0))[1] for name in logs.addresses] or [0])
    keep = (logs.block >= low[logs.address]) & (logs.block <= high[logs.address])
    return logs if keep.all() else logs.take(np.flatnonzero(keep))


def _logs(ours: LogColumns, theirs: LogColumns, source: str, *, serious: bool) -> list[Finding]:
    who = "we have" if serious else "eth_getLogs gives"
    mine, right = _by_key(ours), _by_key(theirs)
    found = [
        Finding(block, f"log {index} of {source} is missing in what {who}", serious)
        for block, index in right.keys() - mine.keys()
    ]
    found += [
        Finding(block, f"{who} log {index}, which {source} don't have", serious)
        for block, index in mine.keys() - right.keys()
    ]
    found += [
        Finding(block, f"log {index} differs from that in {source}", serious)
        for (block, index), content in mine.items()
        if right.get((block, index), content) != content
    ]
    return found


def _by_key(logs: LogColumns) -> dict[Key, bytes]:
    return {
        (block, index): logs.addresses[logs.address[row]].encode() + logs.topics_of(row) + logs.data_of(row)
        for row, (block, index) in enumerate(zip(logs.block.tolist(), logs.log_index.tolist(), strict=True))
    }


def _events(market: Market, events: EventColumns, *, first: int, last: int) -> Iterator[Finding]:
    rows = MarketEvent.objects.filter(market_id=market.pk, block_number__range=(first, last))
    stored = Counter(rows.values_list("block_number", "log_index", "kind", "order_id", "price", "size"))
    numbers = [[None if value == -1 else value for value in column.tolist()] for column in (events.price, events.size)]
    again = Counter(
        row
        for row in zip(
            events.block.tolist(), events.log_index.tolist(), events.kind.tolist(), events.order, *numbers, strict=True
        )
        if first <= row[0] <= last
    )
    for block in sorted({row[0] for row in (stored - again) + (again - stored)}):
        yield Finding(block, f"the events of {market.name} are not those that its logs give")
