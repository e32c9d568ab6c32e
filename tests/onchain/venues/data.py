"""The recorded venues: raw logs that the real contracts left, and what the contracts themselves said after them."""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from eth_abi import encode

from onchain.abi import EventSchema
from onchain.columns import BlockColumns, LogColumns
from onchain.venues.events import KINDS, SIDES, EventColumns
from onchain.venues.market import MarketFile, read_market
from onchain.venues.replay import read_blocks, read_logs

DATA = Path(__file__).resolve().parents[2] / "data"
SIDE_NAMES = {"buy": "bid", "sell": "ask"}


@dataclass(frozen=True, eq=False)
class Recording:
    """One recorded run of a venue."""

    venue: str
    flavour: str
    market: MarketFile
    logs: LogColumns
    blocks: BlockColumns
    state: dict[str, Any] = field(repr=False)

    @property
    def stem(self) -> str:
        return f"{self.venue}/{self.flavour}"

    def lines(self, what: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in gzip.open(DATA / f"{self.stem}_{what}.jsonl.gz")]

    def stored_orders(self) -> dict[str, dict[str, str]]:
        """What the contract stored at the end, by its own views."""
        return {
            order: {"owner": said["owner"], "side": SIDE_NAMES[said["side"]], "price": str(said["price"]),
                    "size": said["remaining"]}
            for order, said in self.state["orders"].items() if said["live"]
        }  # fmt: skip


@cache
def recording(venue: str, flavour: str) -> Recording:
    stem = DATA / venue / flavour
    logs = read_logs(Path(f"{stem}_logs.jsonl.gz"))
    return Recording(
        venue, flavour, read_market(DATA / venue / "market.toml"), logs,
        read_blocks(Path(f"{stem}_blocks.csv"), logs=logs), json.loads(Path(f"{stem}_state.json").read_text()),
    )  # fmt: skip


def block_seconds(venue: str, flavour: str) -> dict[int, int]:
    with (DATA / venue / f"{flavour}_blocks.csv").open() as file:
        return {int(row["number"]): int(row["timestamp"]) for row in csv.DictReader(file)}


def rows(events: EventColumns) -> list[tuple]:
    """Events as plain tuples: block, log_index, kind, order, address, side, price, size, taker, time_ms."""
    sides = [None if side < 0 else SIDES[side] for side in events.side.tolist()]
    return list(zip(events.block.tolist(), events.log_index.tolist(), [KINDS[kind] for kind in events.kind.tolist()],
                    events.order, events.address, sides, events.price.tolist(), events.size.tolist(), events.taker,
                    events.time_ms.tolist(), strict=True))  # fmt: skip


def book_of(events: Sequence[tuple]) -> dict[str, int]:
    """Add events up to lots by order, by the rules of docs/spec/scoring.md; an impossible one fails the test."""
    lots: dict[str, int] = {}
    for _, _, kind, order, address, side, price, size, _, _ in events:
        if kind == "place":
            assert order not in lots
            assert min(size, price) > 0
            assert None not in (address, side)
            lots[order] = size
        elif kind in ("cancel", "fill"):
            assert 0 < size <= lots[order]
            lots[order] -= size
            if not lots[order]:
                del lots[order]
    return lots


@dataclass
class LogMaker:
    """Writes logs of declared events as a contract would, one block after the other."""

    address: str = "0x" + "11" * 20
    block: int = 1
    second: int = 1_790_000_000
    logs: list[tuple] = field(default_factory=list)
    headers: list[tuple[int, int]] = field(default_factory=list)
    places: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.headers.append((self.block, self.second))

    def log(self, declaration: str, *values: Any, address: str | None = None) -> None:
        schema = EventSchema.parse(declaration)
        topics, types, plain = [schema.topic0], [], []
        for argument, value in zip(schema.fields, values, strict=True):
            if argument.indexed:
                topics.append(encode([argument.type], [value]))
            else:
                types.append(argument.type)
                plain.append(value)
        self.logs.append((self.block, next(self.places), 0, self.second, bytes(32), bytes(32), address or self.address,
                          b"".join(topics), encode(types, plain)))  # fmt: skip

    def next_block(self, *, seconds: int = 1) -> None:
        self.block, self.second = self.block + 1, self.second + seconds
        self.headers.append((self.block, self.second))

    def take(self) -> dict[str, Any]:
        """Return the batch since the last call, as an adapter takes it."""
        logs, self.logs = self.logs, []
        headers, self.headers = self.headers, []
        return {
            "logs": LogColumns.of_rows(logs),
            "blocks": BlockColumns.of(number=[h[0] for h in headers], timestamp_s=[h[1] for h in headers]),
        }


def without(logs: LogColumns, row: int) -> LogColumns:
    """The logs as a node that loses one would give them."""
    return logs.take(np.delete(np.arange(len(logs)), row))
