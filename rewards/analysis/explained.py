"""What an explanation consists of: an account's leaf, its makers, their markets, kinds of session and sessions.

Amounts are in the token's smallest unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.engine.terms import Terms


@dataclass(frozen=True)
class Stretch:
    """What one session gave a maker in a market; all of a kind's time where there are no statistics.

    gated: the uptime gate took its credit. quoting, fills, stress: parts of the pools' amounts, before the cap.
    statistics: a row of the session's statistics, None where there are none.
    """

    kind: str
    start_ms: int | None
    end_ms: int | None
    credit: int
    gated: bool
    quoting: int
    fills: int
    stress: int
    statistics: Mapping[str, Any] | None

    @property
    def amount(self) -> int:
        """All three pools together, before the cap."""
        return self.quoting + self.fills + self.stress


@dataclass(frozen=True)
class KindPart:
    """What all sessions of a kind gave a maker in a market. gate_bps: the least presence, of live_ms."""

    kind: str
    boost_pct: int
    gate_bps: int
    live_ms: int
    present_ms: int
    credit: int
    gated: bool
    quoting: int
    fills: int
    stress: int


@dataclass(frozen=True)
class MarketPart:
    """What a market gave a maker. cut: what the cap took. redistributed: what it got of what others left.

    pools: of the whole market, quoting, fills and stress. no_statistics: why there are none, None when there are;
    then unplaced_stress is what stress windows gave, since only statistics know in which sessions they were.
    """

    market: str
    budget: int
    pools: tuple[int, int, int]
    cap: int
    quoting: int
    fills: int
    stress: int
    cut: int
    redistributed: int
    payout: int
    kinds: Sequence[KindPart]
    stretches: Sequence[Stretch]
    unplaced_stress: int
    no_statistics: str | None


@dataclass(frozen=True)
class VaultPart:
    """What the account has of a maker's pay through a vault's shares (docs/vaults.md).

    weight, total_weight: share units times milliseconds, the account's and all holders'. held: amount * weight //
    total_weight. dust: what the floors left over, when the account is the operator, else 0.
    """

    vault: str
    operator: str
    holders: int
    amount: int
    weight: int
    total_weight: int
    held: int
    dust: int


@dataclass(frozen=True)
class MakerPart:
    """A maker that pays to the account. amount: the account's part of paid, dust of it what rounding left over.

    direct: of amount, what it has as a payout account; the rest comes through `vaults`.

    earned, carried_in: sum to due. paid or carried_out is due, the other 0. accounts: (account, share_ppm, amount).
    """

    maker: str
    addresses: Sequence[str]
    share_ppm: int
    amount: int
    dust: int
    earned: int
    carried_in: int
    paid: int
    carried_out: int
    accounts: Sequence[tuple[str, int, int]]
    markets: Sequence[MarketPart]
    direct: int
    vaults: Sequence[VaultPart]


@dataclass(frozen=True)
class Explanation:
    """An account's leaf and where it comes from. other_tokens: (token, cumulative) of leaves with other tokens."""

    account: str
    terms: Terms
    root: str | None
    previous: int
    increment: int
    cumulative: int
    other_tokens: Sequence[tuple[str, int]]
    makers: Sequence[MakerPart]
