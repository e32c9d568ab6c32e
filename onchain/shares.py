"""The transfers of registered share tokens, out of the raw logs of canonical blocks.

Nothing of it is stored a second time: what a reorg takes away or puts right is gone or right here at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.db import transaction

from onchain.columns import LogColumns
from onchain.errors import SharesNotIndexedError
from onchain.models import Block, Cursor, WatchedContract
from onchain.share_columns import ShareTransfers, TransferReader
from onchain.store import read_columns

BATCH_BLOCKS = 4096
"""Logs of so many blocks are in memory at a time."""


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
