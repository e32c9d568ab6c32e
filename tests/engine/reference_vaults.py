"""Time-weighted balances a second time, slowly: after every moment everybody's balance is looked at again."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

NOBODY = "0x" + "0" * 40
Transfer = tuple[int, str, str, int]
"""time_ms, sender, receiver, value."""


def slow_weights(transfers: list[Transfer], *, vault: str, start_ms: int, end_ms: int) -> dict[str, int]:
    """docs/vaults.md, Weights: each balance times the time until anything can change, from moment to moment."""
    weights: dict[str, int] = defaultdict(int)
    moments = sorted({start_ms, end_ms, *(time_ms for time_ms, *_ in transfers if start_ms < time_ms < end_ms)})
    for now, then in pairwise(moments):
        for account, balance in balances_at(transfers, now).items():
            if account not in (NOBODY, vault):
                weights[account] += balance * (then - now)
    return {account: weight for account, weight in weights.items() if weight}


def balances_at(transfers: list[Transfer], moment_ms: int) -> dict[str, int]:
    """All balances once everything up to and at the moment has happened."""
    balances: dict[str, int] = defaultdict(int)
    for time_ms, sender, receiver, value in transfers:
        if time_ms <= moment_ms:
            balances[sender] -= value
            balances[receiver] += value
    return balances
