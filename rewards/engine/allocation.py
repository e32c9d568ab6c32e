"""From scores to amounts: pools, gates, caps and redistribution of each market, then what each maker is paid.

Source: docs/spec/scoring.md, *Uptime gate*, *Payout of a market* and *Payout of the epoch*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewards.engine.errors import AmountTooLargeError, PayoutError
from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import SHARE_BITS
from rewards.engine.terms import BPS, MarketTerms, Terms
from rewards.engine.vaults import PaidPart, Vaults, parts_of

PPM = 1_000_000
UINT256_MAX = 2**256 - 1

Leaf = tuple[str, str, int]
Payouts = Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True)
class AllocationRow:
    """What a maker gets from one market, in the token's smallest unit.

    quoting, fills, stress: from the pools, before the cap. payout: after cap and redistribution.
    """

    market: str
    maker: str
    quoting: int
    fills: int
    stress: int
    payout: int


@dataclass(frozen=True)
class Settlement:
    """Who is paid and who has to wait, by maker, and what each account gets; parts: by maker, account and vault."""

    paid: dict[str, int]
    carried_out: dict[str, int]
    increments: dict[str, int]
    parts: list[PaidPart]


def byte_order(text: str) -> bytes:
    """Sort key of the spec's byte order."""
    return text.encode("utf-8")


def allocate_market(*, terms: Terms, market: str, score: MarketScore) -> list[AllocationRow]:
    """Return the rows of every maker with something in a pool, by maker id."""
    of_market = terms.markets[market]
    budget = terms.budget * of_market.weight_bps // BPS
    quoting = _quoting(terms, of_market, score, budget * of_market.quoting_share_bps // BPS)
    fills = _fills(terms, score, budget * of_market.fills_share_bps // BPS)
    stress = _stress(of_market, score, budget * of_market.stress_share_bps // BPS)
    cap = budget * of_market.max_share_bps // BPS
    rows = [
        AllocationRow(market, maker, pools[0], pools[1], pools[2], min(sum(pools), cap))
        for maker, *pools in zip(score.makers, quoting, fills, stress, strict=True)
        if any(pools)
    ]
    rows.sort(key=lambda row: byte_order(row.maker))
    if terms.unspent == "redistribute":
        rows = _redistribute(rows, budget)
    return rows


def settle(
    *,
    terms: Terms,
    earned: Mapping[str, int],
    carried_in: Mapping[str, int],
    payouts: Payouts,
    vaults: Vaults | None = None,
) -> Settlement:
    """Decide who is paid, and split what is paid over the payout accounts and the vaults' holders.

    Raises PayoutError.
    """
    paid: dict[str, int] = {}
    carried_out: dict[str, int] = {}
    parts: list[PaidPart] = []
    for maker in sorted({*earned, *carried_in}, key=byte_order):
        due = earned.get(maker, 0) + carried_in.get(maker, 0)
        if 0 < due < terms.min_payout:
            carried_out[maker] = due
        elif due:
            paid[maker] = due
            accounts = split_paid(maker, due, payouts.get(maker, ()))
            parts += parts_of(maker=maker, accounts=accounts, vaults=vaults or Vaults())
    gained: dict[str, int] = {}
    for part in parts:
        gained[part.account] = gained.get(part.account, 0) + part.amount
    increments = {account: gained[account] for account in sorted(gained)}
    return Settlement(paid=paid, carried_out=carried_out, increments=increments, parts=parts)


def accumulate(*, previous: Sequence[Leaf], token: str, increments: Mapping[str, int]) -> list[Leaf]:
    """Return the leaves (account, token, cumulative) after this epoch, sorted. Raises AmountTooLargeError."""
    totals = {(account, of_token): amount for account, of_token, amount in previous}
    for account, amount in increments.items():
        totals[account, token] = totals.get((account, token), 0) + amount
    for (account, _), amount in totals.items():
        if amount > UINT256_MAX:
            raise AmountTooLargeError(account=account, amount=amount)
    return [(account, of_token, totals[account, of_token]) for account, of_token in sorted(totals)]


def _quoting(terms: Terms, of_market: MarketTerms, score: MarketScore, pool: int) -> list[int]:
    boosts = [terms.boosts[kind] for kind in KINDS]
    divisor = sum(boost * live_ms for boost, live_ms in zip(boosts, score.live_ms, strict=True)) << SHARE_BITS
    if not divisor:
        return [0] * len(score.makers)
    gates_bps = [of_market.min_uptime_bps[kind] for kind in KINDS]
    amounts = []
    for credit, present_ms in zip(score.credit, score.present_ms, strict=True):
        counts = [
            present * BPS >= gate_bps * live
            for present, gate_bps, live in zip(present_ms, gates_bps, score.live_ms, strict=True)
        ]
        boosted = sum(boosts[kind] * credit[kind] for kind in range(len(KINDS)) if counts[kind])
        amounts.append(pool * boosted // divisor)
    return amounts


def _fills(terms: Terms, score: MarketScore, pool: int) -> list[int]:
    boosts = [terms.boosts[kind] for kind in KINDS]
    volumes = [sum(boost * volume for boost, volume in zip(boosts, by_kind, strict=True)) for by_kind in score.volume]
    total = sum(volumes)
    return [pool * volume // total if total else 0 for volume in volumes]


def _stress(of_market: MarketTerms, score: MarketScore, pool: int) -> list[int]:
    full_ms = of_market.stress.full_ms if of_market.stress else 0
    divisor = max(score.stress_ms, full_ms) << SHARE_BITS
    return [pool * credit // divisor if divisor else 0 for credit in score.stress_credit]


def _redistribute(rows: list[AllocationRow], budget: int) -> list[AllocationRow]:
    """Share what is left of the budget in proportion to the payouts, by largest remainder."""
    total = sum(row.payout for row in rows)
    rest = budget - total
    if not total:
        return rows
    extras = [rest * row.payout // total for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (-(rest * rows[i].payout % total), byte_order(rows[i].maker)))
    for index in order[: rest - sum(extras)]:
        extras[index] += 1
    return [
        AllocationRow(row.market, row.maker, row.quoting, row.fills, row.stress, row.payout + extra)
        for row, extra in zip(rows, extras, strict=True)
    ]


def split_paid(maker: str, due: int, shares: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return what each account of a maker gets; what the floors leave goes to the first. Raises PayoutError."""
    if not shares:
        raise PayoutError(maker=maker, reason="it is to be paid and has no payout account")
    total_ppm = sum(share_ppm for _, share_ppm in shares)
    if total_ppm != PPM:
        raise PayoutError(maker=maker, reason=f"its shares sum to {total_ppm} ppm instead of {PPM}")
    amounts = [(account, due * share_ppm // PPM) for account, share_ppm in shares]
    dust = due - sum(amount for _, amount in amounts)
    return [(amounts[0][0], amounts[0][1] + dust), *amounts[1:]]
