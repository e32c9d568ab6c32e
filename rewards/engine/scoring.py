"""From the inputs of an epoch to its scores, allocations, amounts and Merkle tree.

Source: docs/spec/scoring.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rewards.engine.allocation import (
    AllocationRow,
    Leaf,
    accumulate,
    allocate_market,
    byte_order,
    settle,
)
from rewards.engine.events import EventColumns
from rewards.engine.inputs import Inputs
from rewards.engine.kinds import KINDS
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore
from rewards.engine.merkle import Tree
from rewards.engine.terms import Terms
from rewards.engine.vaults import PaidPart

LEAF_TYPES = ("address", "address", "uint256")


@dataclass(frozen=True)
class ScoreRow:
    """The score of a maker in one market and kind of session; credit is before the uptime gate."""

    market: str
    maker: str
    kind: str
    credit: int
    present_ms: int
    live_ms: int


@dataclass(frozen=True)
class Result:
    """Everything that scoring an epoch yields. Amounts are in the token's smallest unit.

    earned, paid, carried_out: by maker. increments: by account. cumulative: the leaves, sorted.
    parts: what each maker's pay brings each account, through which vault.
    unspent: what of the budget no maker earned. markets: the scores that the allocations come from.
    """

    scores: list[ScoreRow]
    allocations: list[AllocationRow]
    earned: dict[str, int]
    paid: dict[str, int]
    carried_out: dict[str, int]
    increments: dict[str, int]
    parts: list[PaidPart]
    cumulative: list[Leaf]
    tree: Tree | None
    unspent: int
    markets: dict[str, MarketScore]

    @property
    def root(self) -> str | None:
        """The root as 0x and 64 hex digits, None when nothing was ever paid."""
        return self.tree.root if self.tree else None


def score(inputs: Inputs) -> Result:
    """Score an epoch. Raises EngineError of the kind that says what is wrong with the inputs."""
    return score_batches(inputs, [inputs.events])


def score_batches(inputs: Inputs, batches: Iterable[EventColumns]) -> Result:
    """Score an epoch whose events come in batches, in order; `inputs.events` is not looked at."""
    return combine(inputs, score_markets(inputs, batches))


def score_markets(inputs: Inputs, batches: Iterable[EventColumns]) -> dict[str, MarketScore]:
    """Return the score of every market of the terms."""
    scorers = {
        market: MarketScorer(
            terms=inputs.terms,
            market=market,
            sessions=inputs.sessions,
            makers=inputs.makers,
            splits=inputs.splits,
        )
        for market in _market_names(inputs.terms)
    }
    for batch in batches:
        for market, events in batch.split(makers=inputs.makers).items():
            if market in scorers:
                scorers[market].feed_market(events)
    return {market: scorer.finish() for market, scorer in scorers.items()}


def combine(inputs: Inputs, markets: Mapping[str, MarketScore]) -> Result:
    """Allocate from the scores of all markets, wherever they were computed. Raises PayoutError."""
    terms = inputs.terms
    allocations = [
        row
        for market in _market_names(terms)
        for row in allocate_market(terms=terms, market=market, score=markets[market])
    ]
    earned: dict[str, int] = {}
    for row in allocations:
        if row.payout:
            earned[row.maker] = earned.get(row.maker, 0) + row.payout
    settlement = settle(
        terms=terms, earned=earned, carried_in=inputs.carried_in, payouts=inputs.payouts, vaults=inputs.vaults
    )
    cumulative = accumulate(previous=inputs.previous or (), token=terms.token, increments=settlement.increments)
    return Result(
        scores=[row for market in _market_names(terms) for row in _score_rows(market, markets[market])],
        allocations=allocations,
        earned={maker: earned[maker] for maker in sorted(earned, key=byte_order)},
        paid=settlement.paid,
        carried_out=settlement.carried_out,
        increments=settlement.increments,
        parts=settlement.parts,
        cumulative=cumulative,
        tree=Tree.from_leaves(cumulative, LEAF_TYPES) if cumulative else None,
        unspent=terms.budget - sum(earned.values()),
        markets=dict(markets),
    )


def _market_names(terms: Terms) -> list[str]:
    return sorted(terms.markets, key=byte_order)


def _score_rows(market: str, of_market: MarketScore) -> list[ScoreRow]:
    """Return a row for each maker and kind with credit or presence."""
    order = sorted(range(len(of_market.makers)), key=lambda i: byte_order(of_market.makers[i]))
    return [
        ScoreRow(
            market,
            of_market.makers[maker],
            name,
            of_market.credit[maker][kind],
            of_market.present_ms[maker][kind],
            of_market.live_ms[kind],
        )
        for maker in order
        for kind, name in enumerate(KINDS)
        if of_market.credit[maker][kind] or of_market.present_ms[maker][kind]
    ]
