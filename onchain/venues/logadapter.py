"""The loop that all adapters share: decodes a batch by columns, then replays it log by log over plain integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from onchain.abi import EventSchema, Fields, ShortLogError, rows_of
from onchain.columns import BlockColumns, LogColumns
from onchain.venues import config as read
from onchain.venues import statebytes
from onchain.venues.base import Applied, Impossible, ImpossibleEventError
from onchain.venues.events import ABSENT, ANCHOR, BEFORE_LOGS, EventColumns
from onchain.venues.feeds import make_feed

Handler = Callable[..., None]


class Heard(NamedTuple):
    """An event that an adapter listens to: its declaration, the arguments it wants, the method that takes them.

    `address`: the contract that has to emit it; None for whichever the logs are of.
    """

    schema: EventSchema
    arguments: tuple[str, ...]
    handler: Handler
    address: str | None = None


def hear(declaration: str, arguments: Sequence[str], handler: Handler, *, address: str | None = None) -> Heard:
    """Listen to a declared event; `arguments` are the names of those that the handler takes, in its order."""
    return Heard(EventSchema.parse(declaration), tuple(arguments), handler, address)


class LogAdapter:
    """Base of the adapters. A subclass says what it hears, and emits events from its handlers."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    timed: ClassVar[bool] = False
    """Whether `_on_block` is to be called for every known block."""

    def __init__(self, *, config: Mapping[str, Any]) -> None:
        """Read what all adapters share: the contract's address and the price feed, both optional here.

        Raises MarketConfigError.
        """
        self._config = dict(config)
        self.address = read.address(config, "address") if "address" in config else None
        self.feed = make_feed(config, emit=self._anchor)
        self._block, self._second, self._source = -1, 0, BEFORE_LOGS
        self._last: tuple[int, int] = (-1, -1)
        self._counted: tuple[int, int] = (-1, 0)  # a block, and how many events of it are out
        self._out: list[tuple[object, ...]] = []
        self._heard: list[Heard] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """The contracts whose logs the adapter needs: the market's, and its price feed's."""
        both = (self.address, self.feed.address if self.feed else None)
        return tuple(dict.fromkeys(address for address in both if address is not None))

    def _listen(self, *own: Heard) -> None:
        """Hear the market's own events, and the feed's."""
        self._heard = [heard._replace(address=self.address) for heard in own]
        if self.feed:
            self._heard += [hear(*heard, address=self.feed.address) for heard in self.feed.heard]

    # --- the batch ---------------------------------------------------------------------------------------------

    def apply(self, *, logs: LogColumns, blocks: BlockColumns) -> Applied:
        """Return the market events of a batch (see base.Adapter)."""
        self._check_order(logs)
        self._out = []
        code = self._select(logs, self._codes(logs))
        streams, limit, broken = self._streams(logs, code)
        error = self._replay(logs, code[:limit], streams, _Blocks(blocks, self._block))
        if error is None and broken:
            error = _placed(logs, limit, broken)
        events = EventColumns.of(self._out).numbered(*self._counted)
        self._out = []
        if error is not None:
            return Applied(events.before(error.block_number), error)
        if len(logs):
            self._last = (int(logs.block[-1]), int(logs.log_index[-1]))
        if len(events):
            self._counted = (int(events.block[-1]), int(events.log_index[-1]) + 1)
        return Applied(events)

    def _codes(self, logs: LogColumns) -> npt.NDArray[np.int16]:
        """Return for each log which of the heard events it is, -1 for none."""
        code = rows_of(logs, [heard.schema for heard in self._heard])
        emitters = {heard.address for heard in self._heard}
        if len(logs.addresses) > 1 or emitters != {None}:
            # The extra last entry is for logs that are none of the heard events.
            place = {address: index for index, address in enumerate(logs.addresses)}
            wanted = np.array([-2 if h.address is None else place.get(h.address, -3) for h in self._heard] + [-2])
            code[(wanted[code] != -2) & (wanted[code] != logs.address)] = -1
        return code

    def _replay(
        self, logs: LogColumns, code: npt.NDArray[np.int16], streams: list[Iterator[Any]], blocks: _Blocks
    ) -> ImpossibleEventError | None:
        rows = np.flatnonzero(code >= 0)
        handlers = [heard.handler for heard in self._heard]
        places = zip(code[rows].tolist(), logs.block[rows].tolist(), logs.log_index[rows].tolist(), strict=True)
        try:
            for kind, block, self._source in places:
                if block != self._block:
                    self._enter(blocks, block)
                handlers[kind](*next(streams[kind]))
            self._enter(blocks, None)
        except Impossible as error:
            return ImpossibleEventError(block_number=self._block, log_index=self._source, rule=str(error))
        return None

    def _enter(self, blocks: _Blocks, block: int | None) -> None:
        """Go on to `block`, or to the end of the batch, through every known block between."""
        source, self._source = self._source, BEFORE_LOGS
        for number, second in blocks.through(block):
            if number > self._block:
                self._block, self._second = number, second
                if self.timed:
                    self._on_block()
        if block is not None and self._block != block:
            raise ValueError(f"a log is of block {block}, which is not among the batch's blocks")
        self._source = source

    def _streams(self, logs: LogColumns, code: npt.NDArray[np.int16]) -> tuple[list[Iterator[Any]], int, str]:
        """Decode all arguments; return an iterator an event kind, how many logs are sound, and what the next breaks."""
        limit, broken = len(logs), ""
        present = set(np.unique(code).tolist())
        while True:
            streams: list[Iterator[Any]] = [iter(())] * len(self._heard)
            for kind, heard in enumerate(self._heard):
                if kind not in present:
                    continue
                rows = np.flatnonzero(code[:limit] == kind)
                try:
                    streams[kind] = _arguments(logs, rows, heard)
                except ShortLogError as error:
                    limit, broken = int(rows[np.argmax(error.bad)]), str(error)
                    break
            else:
                return streams, limit, broken

    def _check_order(self, logs: LogColumns) -> None:
        blocks, places = logs.block, logs.log_index
        rising = (blocks[1:] > blocks[:-1]) | ((blocks[1:] == blocks[:-1]) & (places[1:] > places[:-1]))
        if not rising.all() or (len(logs) and (int(blocks[0]), int(places[0])) <= self._last):
            raise ValueError("the logs of a batch must rise by block and log index, and follow the batch before")

    def alternatives(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the choices that the configuration leaves open (see base.Adapter); most leave none."""
        return []

    # --- for subclasses ----------------------------------------------------------------------------------------

    def _select(self, logs: LogColumns, code: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Set the code of logs that are not this market's to -1."""
        return code

    def _contract(self) -> str:
        """Return the market's address. Raises MarketConfigError when the configuration has none."""
        return self.address or read.address(self._config, "address")

    def _on_block(self) -> None:
        """Do what a new block brings with it, before its logs."""

    def _emit(
        self, kind: int, order: str | None = None, *, address: str | None = None, side: int = ABSENT,
        price: int = ABSENT, size: int = ABSENT, taker: str | None = None, time_ms: int = ABSENT,
    ) -> None:  # fmt: skip
        self._out.append((kind, self._block, self._source, order, address, side, price, size, taker, time_ms))

    def _anchor(self, price2: int) -> None:
        self._emit(ANCHOR, price=price2)

    # --- the state ---------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Return the state after the last log and block."""
        at = [self._block, self._second, *self._last, *self._counted]
        state = {"at": at, "own": self._save(), "feed": self.feed.save() if self.feed else None}
        return statebytes.pack(name=self.name, version=self.version, config=self._config, state=state)

    def load(self, state: bytes) -> None:
        """Go on from what `save` returned. Raises AdapterStateError."""
        stored = statebytes.unpack(state, name=self.name, version=self.version, config=self._config)
        self._block, self._second, *rest = stored["at"]
        self._last, self._counted = (rest[0], rest[1]), (rest[2], rest[3])
        self._load(stored["own"])
        if self.feed:
            self.feed.load(stored["feed"])

    def _save(self) -> Any:
        """Return the subclass's state as JSON values."""
        raise NotImplementedError

    def _load(self, state: Any) -> None:
        """Take what `_save` returned."""
        raise NotImplementedError


class _Blocks:
    """The blocks of a batch, read once from front to back."""

    def __init__(self, blocks: BlockColumns, after: int) -> None:
        first = int(np.searchsorted(blocks.number, after, side="right"))
        self._rest = zip(blocks.number[first:].tolist(), blocks.timestamp_s[first:].tolist(), strict=True)
        self._next = next(self._rest, None)

    def through(self, block: int | None) -> Iterator[tuple[int, int]]:
        """Yield (number, second) of the blocks that are left, through `block` or to the end."""
        while self._next is not None and (block is None or self._next[0] <= block):
            found = self._next
            self._next = next(self._rest, None)
            yield found


def _arguments(logs: LogColumns, rows: npt.NDArray[np.intp], heard: Heard) -> Iterator[Any]:
    fields = Fields(logs, rows, heard.schema)
    columns = [
        fields.addresses(name) if heard.schema.field(name).type == "address" else fields.ints(name)
        for name in heard.arguments
    ]
    return zip(*columns, strict=True) if columns else repeat((), len(rows))


def _placed(logs: LogColumns, row: int, rule: str) -> ImpossibleEventError:
    return ImpossibleEventError(block_number=int(logs.block[row]), log_index=int(logs.log_index[row]), rule=rule)
