"""Time-weighted balances of a share token from its transfers: exact integers, whatever the size of a balance.

Source: docs/vaults.md, *Weights*.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rewards.engine.errors import NegativeBalanceError
from rewards.engine.vaults import NOBODY

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Transfers:
    """The transfers of a share token since its deployment, in chain order; n of each column.

    block: int64, does not decrease. time_ms: int64, of the block. sender, receiver: int32, indices into `accounts`
    (lower-case hex); the zero address mints and burns. value: in the share's smallest unit, below 2^256.
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


@dataclass(frozen=True)
class TimeWeights:
    """What the transfers before end_ms add up to.

    weights: account to balance times milliseconds in the epoch, by account, zeros left out. balances: every account
    that ever held shares to its balance at the end, zeros among them; the zero address is in neither.
    supply: the sum of all balances.
    """

    weights: dict[str, int]
    balances: dict[str, int]

    @property
    def supply(self) -> int:
        """The sum of all balances at the end."""
        return sum(self.balances.values())


def time_weights(
    transfers: Transfers, *, vault: str, start_ms: int, end_ms: int, excluded: Collection[str] = ()
) -> TimeWeights:
    """Return the balances over [start_ms, end_ms), each times the milliseconds for which it was held.

    vault: the token's own address; it, the zero address and `excluded` have no weight. Transfers at or after end_ms
    are not looked at. Raises NegativeBalanceError when an account has less than nothing after a block: such a token
    changes balances without saying so.
    """
    count = int(np.searchsorted(transfers.time_ms, end_ms))
    # A balance weighs from its transfer, or from the start, until the end; so each transfer alone tells its part.
    held_ms = end_ms - np.maximum(transfers.time_ms[:count], start_ms)
    weights = _moved(transfers, count, factor=held_ms)
    balances = _run(transfers, count, vault=vault)
    left_out = {NOBODY, vault, *excluded}
    found = {name: weight for name, weight in zip(transfers.accounts, weights, strict=True) if weight}
    return TimeWeights(
        weights={name: found[name] for name in sorted(found) if name not in left_out},
        balances={name: balances[name] for name in sorted(balances) if name != NOBODY},
    )


def time_slack(transfers: Transfers, *, start_ms: int, end_ms: int, wrong_by_ms: int) -> dict[str, int]:
    """Return by how much each account's weight may be off when the times may be wrong by so many milliseconds."""
    near = (transfers.time_ms > start_ms - wrong_by_ms) & (transfers.time_ms < end_ms + wrong_by_ms)
    slack: dict[str, int] = {}
    for row in np.flatnonzero(near).tolist():
        for index in {int(transfers.sender[row]), int(transfers.receiver[row])}:
            name = transfers.accounts[index]
            slack[name] = slack.get(name, 0) + transfers.value[row] * wrong_by_ms
    return slack


def _moved(transfers: Transfers, count: int, *, factor: Int64s) -> list[int]:
    """Return for each account the sum of value times factor of what it got, less of what it gave."""
    totals = [0] * len(transfers.accounts)
    values, factors = transfers.value[:count], factor.tolist()
    largest, longest = max(values, default=0), max(factors, default=0)
    if largest * longest * max(count, 1) <= _INT64_MAX:
        exact = np.zeros(len(totals), np.int64)
        parts = np.array(values, np.int64) * factor
        np.add.at(exact, transfers.receiver[:count], parts)
        np.subtract.at(exact, transfers.sender[:count], parts)
        return [int(each) for each in exact.tolist()]
    senders, receivers = transfers.sender[:count].tolist(), transfers.receiver[:count].tolist()
    for sender, receiver, value, each in zip(senders, receivers, values, factors, strict=True):
        part = value * each
        totals[receiver] += part
        totals[sender] -= part
    return totals


def _run(transfers: Transfers, count: int, *, vault: str) -> dict[str, int]:
    """Walk through the transfers and return every balance at the end; none may be below zero after a block."""
    accounts = transfers.accounts
    nobody = accounts.index(NOBODY) if NOBODY in accounts else -1
    balances = [0] * len(accounts)
    senders, receivers = transfers.sender[:count].tolist(), transfers.receiver[:count].tolist()
    blocks = transfers.block[:count]
    # Inside a block a token may tell its transfers in another order than it made them.
    ends = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), count] if count else [0]
    for first, last in pairwise(ends):
        low = []
        for row in range(first, last):
            sender, value = senders[row], transfers.value[row]
            balances[receivers[row]] += value
            left = balances[sender] = balances[sender] - value
            if left < 0 and sender != nobody:
                low.append(sender)
        for index in low:
            if balances[index] < 0:
                raise NegativeBalanceError(
                    vault=vault, account=accounts[index], block=int(blocks[first]), balance=balances[index]
                )
    seen = {*senders, *receivers}
    return {accounts[index]: balances[index] for index in sorted(seen)}
