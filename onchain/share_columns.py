"""A share token's transfers as columns, out of its logs, whether they come from the database or from a node.

Source: ERC-20, `Transfer`; docs/vaults.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onchain.abi import EventSchema, Fields, ShortLogError, rows_of
from onchain.columns import LogColumns
from onchain.errors import ShareTokenError

TRANSFER = EventSchema.parse("Transfer(address indexed from,address indexed to,uint256 value)")
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class ShareTransfers:
    """Transfers of one share token in chain order; n of each column.

    block, time_ms: int64, of the block (docs/spec/venues.md, Time). sender, receiver: int32, indices into `accounts`
    (lower-case hex). value: exact, in the share's smallest unit.
    """

    block: Int64s
    time_ms: Int64s
    sender: Int32s
    receiver: Int32s
    value: Sequence[int]
    accounts: Sequence[str]

    def __len__(self) -> int:
        """The number of transfers."""
        return len(self.value)


class TransferReader:
    """Gathers a share token's transfers from its logs, batch by batch, in chain order."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._code: dict[bytes, int] = {}
        self._parts: list[tuple[Int64s, Int64s, Int32s, Int32s]] = []
        self._values: list[int] = []

    def add(self, logs: LogColumns, *, times_ms: Mapping[int, int]) -> None:
        """Take the token's logs of some blocks; times_ms: of every block with a log. Raises ShareTokenError."""
        rows = np.flatnonzero(rows_of(logs, [TRANSFER]) == 0)
        self._refuse_other_kinds(logs)
        if not len(rows):
            return
        try:
            fields = Fields(logs, rows, TRANSFER)
            sender, receiver = (self._codes(fields.words(name)) for name in ("from", "to"))
            self._values += fields.ints("value")
        except ShortLogError as error:
            bad = int(logs.block[rows[int(np.flatnonzero(error.bad)[0])]])
            raise ShareTokenError(token=self.token, rule=f"a log of block {bad} is no transfer of an ERC-20") from error
        block = logs.block[rows].astype(np.int64)
        numbers, place = np.unique(block, return_inverse=True)
        times = np.array([times_ms[number] for number in numbers.tolist()], np.int64)
        self._parts.append((block, times[place.reshape(-1)], sender, receiver))

    def columns(self) -> ShareTransfers:
        """Return what was gathered so far."""
        parts = [np.concatenate(column) for column in zip(*self._parts, strict=True)] if self._parts else []
        none = np.zeros(0, np.int64)
        block, time_ms, sender, receiver = parts or (none, none, none.astype(np.int32), none.astype(np.int32))
        accounts = ["0x" + word[-20:].hex() for word in self._code]
        return ShareTransfers(block, time_ms, sender, receiver, self._values, accounts)

    def _codes(self, words: npt.NDArray[np.uint8]) -> Int32s:
        if words[:, :12].any():
            raise ShareTokenError(token=self.token, rule="a transfer names something that is no address")
        # Eight bytes sort much faster than 32, and tell nearly all addresses apart; the others are compared whole.
        tail = np.ascontiguousarray(words[:, 24:]).view(">u8").reshape(-1)
        _, first, place = np.unique(tail, return_index=True, return_inverse=True)
        if not (words == words[first][place.reshape(-1)]).all():
            whole = np.ascontiguousarray(words).view("V32").reshape(-1)
            _, first, place = np.unique(whole, return_index=True, return_inverse=True)
        codes = [self._code.setdefault(words[row].tobytes(), len(self._code)) for row in first.tolist()]
        return np.array(codes, np.int32)[place.reshape(-1)]

    def _refuse_other_kinds(self, logs: LogColumns) -> None:
        """ERC-721 has the same first topic and a fourth one; what it moves are no shares."""
        if not len(logs):
            return
        head = np.frombuffer(TRANSFER.topic0, np.uint8)
        alike = (logs.topics[:, 0] == head).all(axis=1) & (logs.topic_count > 0)
        if (alike & (logs.topic_count != TRANSFER.topic_count)).any():
            raise ShareTokenError(
                token=self.token, rule="its transfers are not those of an ERC-20 (ERC-721 has others)"
            )
