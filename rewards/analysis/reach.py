"""The most that a maker's pay of a live epoch comes to if it does for all that is left what it did while present."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rewards.engine.kinds import KINDS
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import BPS, SHARE_BITS
from rewards.engine.terms import Terms


class Most(Protocol):
    """The most for one maker; fills and stress are taken as they stand (the token's smallest unit)."""

    def __call__(self, maker: str, *, fills: int, stress: int) -> int:
        """Return it, in the token's smallest unit, after the cap."""
        ...


def most_of(*, terms: Terms, market: str, score: MarketScore, left_ms: Sequence[int]) -> Most:
    """Return what gives each maker of a market its most.

    score: so far. left_ms: by kind, the time from there to the end of the epoch. All of it is taken as live, with the
    maker present at the mean share (weighted by boost) that it had of its present time so far, at most the whole rate.
    A gate that even this can't reach takes its kind.
    """
    of_market = terms.markets[market]
    budget = terms.budget * of_market.weight_bps // BPS
    pool, cap = budget * of_market.quoting_share_bps // BPS, budget * of_market.max_share_bps // BPS
    boosts = [terms.boosts[kind] for kind in KINDS]
    gates_bps = [of_market.min_uptime_bps[kind] for kind in KINDS]
    whole_ms = [live + left for live, left in zip(score.live_ms, left_ms, strict=True)]
    divisor = sum(boost * ms for boost, ms in zip(boosts, whole_ms, strict=True)) << SHARE_BITS

    def most(maker: str, *, fills: int, stress: int) -> int:
        index = score.makers.index(maker)
        credit, present_ms = score.credit[index], score.present_ms[index]
        reached = [
            (present + left) * BPS >= gate * whole
            for present, left, gate, whole in zip(present_ms, left_ms, gates_bps, whole_ms, strict=True)
        ]
        earned = sum(boosts[kind] * credit[kind] for kind in range(len(KINDS)) if reached[kind])
        present = sum(boosts[kind] * present_ms[kind] for kind in range(len(KINDS)))
        left = sum(boosts[kind] * left_ms[kind] for kind in range(len(KINDS)) if reached[kind])
        to_come = min(earned * left // present if present else 0, left << SHARE_BITS)
        quoting = pool * (earned + to_come) // divisor if divisor else 0
        return min(quoting + fills + stress, cap)

    return most
