"""Share tokens: their transfers as columns, out of the raw logs of canonical blocks, and their own view of balances.

Nothing of it is stored a second time: what a reorg takes away or puts right is gone or right here at once. Sources:
ERC-20 and ERC-4626 (`Transfer`, `balanceOf`, `totalSupply`); docs/vaults.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import transaction

from onchain.abi import EventSchema, Fields, ShortLogError, rows_of
from onchain.columns import LogColumns
from onchain.errors import SharesNotIndexedError, ShareTokenError
from onchain.models import Block, Cursor, WatchedContract
from onchain.store import read_columns

BATCH_BLOCKS = 4096
"""Logs of so many blocks are in memory at a time."""
TRANSFER = EventSchema.parse("Transfer(address indexed from,address indexed to,uint256 value)")
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class ShareTransfers:
    """Transfers of one share token in chain order; n of each column.

    block, time_ms: int64, of the block (spec/venues.md, Time). sender, receiver: int32, indices into `accounts`
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
        unique, place = np.unique(np.ascontiguousarray(words).view("V32").reshape(-1), return_inverse=True)
        codes = [self._code.setdefault(word.tobytes(), len(self._code)) for word in unique]
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


@transaction.atomic
def share_transfers(*, token: str, through_block: int) -> ShareTransfers:
    """Return all transfers of a registered share token since its deployment, through a block.

    Raises SharesNotIndexedError until all of them are stored, verified and final, ShareTokenError where a log is no
    ERC-20 transfer.
    """
    contract = _ready(token, through_block=through_block)
    reader = TransferReader(token)
    for first, last in _pieces(contract.start_block, through_block):
        logs, _ = read_columns(addresses=[token], first=first, last=last)
        reader.add(logs, times_ms=_times(logs))
    return reader.columns()


def shares_ready(*, token: str, through_block: int) -> bool:
    """Tell whether all transfers of a share token through a block are stored, verified and final."""
    try:
        _ready(token, through_block=through_block)
    except SharesNotIndexedError:
        return False
    return True


def share_start(*, token: str) -> int:
    """Return the block from which a registered share token's logs are read. Raises SharesNotIndexedError."""
    contract = WatchedContract.objects.filter(address=token, whole=True).first()
    if contract is None:
        raise SharesNotIndexedError(token=token, through_block=-1, wanted_block=-1)
    return contract.start_block


def _ready(token: str, *, through_block: int) -> WatchedContract:
    contract = WatchedContract.objects.filter(address=token, whole=True).first()
    cursor = Cursor.objects.first()
    through = min(contract.stored_through, cursor.final_block) if contract and cursor else -1
    reaches_down = contract is not None and cursor is not None and cursor.first_block <= contract.start_block
    if contract is None or not reaches_down or through < through_block:
        raise SharesNotIndexedError(
            token=token, through_block=through if reaches_down else -1, wanted_block=through_block
        )
    return contract


def _pieces(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last + 1, BATCH_BLOCKS):
        yield start, min(start + BATCH_BLOCKS - 1, last)


def _times(logs: LogColumns) -> dict[int, int]:
    numbers = np.unique(logs.block).tolist()
    return dict(Block.objects.filter(canonical=True, number__in=numbers).values_list("number", "time_ms"))
