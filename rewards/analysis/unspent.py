"""Why a market's money was not earned: whole numbers that add up to the unit.

Source: docs/spec/scoring.md, *Uptime gate* and *Payout of a market*. Every pool's rate runs through all live time;
what no maker's counted credit covers is split over the reasons in proportion to boosted time, and what rounding leaves
is named as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewards.engine.allocation import AllocationRow
from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import SHARE_BITS
from rewards.engine.terms import BPS, Terms

REASONS = (
    "no_market", "dark", "nobody", "thin", "gate", "no_fills", "no_stress", "stress_thin", "cap", "shared_out",
    "rounding",
)  # fmt: skip
"""no_market: weights of markets that sum to less than the budget. dark: no reference, so no distance to measure.
nobody: a reference, and no maker had a quote that counts. thin: makers' quality below the target. gate: credit of
makers below the uptime gate. no_fills: nobody traded with a maker. no_stress: less stress than fills its pool.
stress_thin: stress with books that were dark, empty or thin. cap: taken off the largest makers. shared_out: what was
given to the others instead, so it is below 0. rounding: what whole numbers leave."""


@dataclass(frozen=True)
class IdleTime:
    """How long a market had nobody to pay, by kind of session in the order of KINDS, in ms of live time."""

    dark_ms: Sequence[int]
    nobody_ms: Sequence[int]


def unspent_of_market(
    *, terms: Terms, market: str, score: MarketScore, idle: IdleTime, rows: Sequence[AllocationRow]
) -> dict[str, int]:
    """Return what of a market's part of the budget nobody got, by reason; the sum is that part less all payouts.

    score: of the whole epoch. rows: the market's allocations, as the engine made them.
    """
    of_market = terms.markets[market]
    budget = terms.budget * of_market.weight_bps // BPS
    pools = [budget * share // BPS for share in
             (of_market.quoting_share_bps, of_market.fills_share_bps, of_market.stress_share_bps)]  # fmt: skip
    found = dict.fromkeys(REASONS, 0)
    _quoting(found, terms, market, score, idle, pools[0], paid=sum(row.quoting for row in rows))
    _fills(found, score, pools[1], paid=sum(row.fills for row in rows))
    _stress(found, terms, market, score, pools[2], paid=sum(row.stress for row in rows))
    cap = budget * of_market.max_share_bps // BPS
    earned = sum(row.quoting + row.fills + row.stress for row in rows)
    capped = sum(min(row.quoting + row.fills + row.stress, cap) for row in rows)
    found["cap"] = earned - capped
    found["shared_out"] = capped - sum(row.payout for row in rows)
    found["rounding"] += budget - sum(pools)
    return found


def unspent_of_epoch(*, terms: Terms, of_markets: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Add up the markets, and what no market had; the sum is what the epoch leaves unspent."""
    found = {reason: sum(row[reason] for row in of_markets.values()) for reason in REASONS}
    given = [terms.budget * market.weight_bps // BPS for market in terms.markets.values()]
    weights = sum(market.weight_bps for market in terms.markets.values())
    found["no_market"] += terms.budget * (BPS - weights) // BPS
    found["rounding"] += terms.budget - sum(given) - terms.budget * (BPS - weights) // BPS
    return found


def quoting_by_kind(*, terms: Terms, market: str, score: MarketScore) -> list[int]:
    """Return about what of a market's quoting pool makers earned in each kind of session, before the cap.

    Each kind is rounded down by itself, so the kinds may sum to a few units less than what was allocated.
    """
    of_market = terms.markets[market]
    pool = (terms.budget * of_market.weight_bps // BPS) * of_market.quoting_share_bps // BPS
    counted, _ = _credit(terms, market, score)
    divisor = _divisor(terms, score)
    return [pool * each // divisor if divisor else 0 for each in counted]


def _quoting(
    found: dict[str, int], terms: Terms, market: str, score: MarketScore, idle: IdleTime, pool: int, *, paid: int
) -> None:
    divisor = _divisor(terms, score)
    left = pool - paid
    if not divisor:
        found["dark"] += left  # no live time with a boost: the market was halted or the terms pay nothing for it
        return
    boosts = [terms.boosts[kind] for kind in KINDS]
    counted, gated = _credit(terms, market, score)
    dark = sum(boost * ms for boost, ms in zip(boosts, idle.dark_ms, strict=True)) << SHARE_BITS
    nobody = sum(boost * ms for boost, ms in zip(boosts, idle.nobody_ms, strict=True)) << SHARE_BITS
    thin = divisor - dark - nobody - sum(counted) - sum(gated)
    for reason, part in (("dark", dark), ("nobody", nobody), ("thin", thin), ("gate", sum(gated))):
        amount = pool * part // divisor
        found[reason] += amount
        left -= amount
    found["rounding"] += left


def _fills(found: dict[str, int], score: MarketScore, pool: int, *, paid: int) -> None:
    found["rounding" if paid or any(any(by_kind) for by_kind in score.volume) else "no_fills"] += pool - paid


def _stress(found: dict[str, int], terms: Terms, market: str, score: MarketScore, pool: int, *, paid: int) -> None:
    stress = terms.markets[market].stress
    longest_ms = max(score.stress_ms, stress.full_ms if stress else 0)
    if not longest_ms:
        found["no_stress"] += pool - paid
        return
    missing = pool * (longest_ms - score.stress_ms) // longest_ms
    # The credit of stress is never more than its time, so this is at least 0.
    idle = pool * ((score.stress_ms << SHARE_BITS) - sum(score.stress_credit)) // (longest_ms << SHARE_BITS)
    found["no_stress"] += missing
    found["stress_thin"] += idle
    found["rounding"] += pool - paid - missing - idle


def _divisor(terms: Terms, score: MarketScore) -> int:
    return sum(terms.boosts[kind] * ms for kind, ms in zip(KINDS, score.live_ms, strict=True)) << SHARE_BITS


def _credit(terms: Terms, market: str, score: MarketScore) -> tuple[list[int], list[int]]:
    """Return boosted credit by kind that counts, and that of makers below the uptime gate."""
    gates = terms.markets[market].min_uptime_bps
    counted, gated = [0] * len(KINDS), [0] * len(KINDS)
    for credit, present_ms in zip(score.credit, score.present_ms, strict=True):
        for number, kind in enumerate(KINDS):
            passes = present_ms[number] * BPS >= gates[kind] * score.live_ms[number]
            (counted if passes else gated)[number] += terms.boosts[kind] * credit[number]
    return counted, gated
