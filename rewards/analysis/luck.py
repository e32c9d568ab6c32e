"""What makers would have earned if their quotes had been looked at once a minute at random, as other programmes do.

In each minute of live time one uniformly random instant is drawn, and every maker's share at it stands for the whole
minute. All else is as in the exact rule: presence and its gate, live and stress time, fills, boosts, pools and caps. So
credit is right on average, and what differs from it is the luck of sampling alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rewards.analysis.kernel.parts import Samples
from rewards.analysis.sampling import draw_instants
from rewards.analysis.watching import Instants, WatchedScorer
from rewards.engine.allocation import allocate_market, byte_order
from rewards.engine.events import MarketEvents
from rewards.engine.inputs import Inputs
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import rules_of
from rewards.engine.terms import Terms

LOW_PCT, HIGH_PCT = 5, 95


@dataclass(frozen=True)
class Range:
    """An exact amount beside those of the draws, all in the token's smallest unit.

    mean: of the draws, rounded down. low, high: the 5th and the 95th of a hundred (nearest rank). least, most: of all.
    """

    exact: int
    mean: int
    low: int
    high: int
    least: int
    most: int

    @classmethod
    def of(cls, *, exact: int, drawn: Sequence[int]) -> Range:
        """Sum up the draws, of which there has to be one at least."""
        ranked = sorted(drawn)
        return cls(
            exact=exact,
            mean=sum(ranked) // len(ranked),
            low=ranked[_rank(LOW_PCT, len(ranked))],
            high=ranked[_rank(HIGH_PCT, len(ranked))],
            least=ranked[0],
            most=ranked[-1],
        )


@dataclass(frozen=True)
class Luck:
    """The luck of sampling in an epoch. by_market: by (maker, market). by_maker: over all markets.

    Amounts are what is earned in the epoch, before carried amounts and the least payout.
    """

    terms: Terms
    draws: int
    seed: int
    by_market: Mapping[tuple[str, str], Range]
    by_maker: Mapping[str, Range]


def sampling_luck(inputs: Inputs, *, draws: int, seed: int) -> Luck:
    """Replay an epoch once with `draws` repetitions of sampling. Raises DataError, BoundError, AnalysisError."""
    exact: dict[tuple[str, str], int] = {}
    drawn: dict[tuple[str, str], list[int]] = {}
    of_markets = inputs.events.split(makers=inputs.makers)
    for number, market in enumerate(sorted(inputs.terms.markets, key=byte_order)):
        events = of_markets.get(market, MarketEvents.none())
        generator = np.random.default_rng([seed, number])
        score, sampled = sample_market(inputs, market, events, draws=draws, generator=generator)
        for maker, amount in _payouts(inputs.terms, market, score):
            exact[maker, market] = amount
        for draw, each in enumerate(sampled):
            for maker, amount in _payouts(inputs.terms, market, each):
                drawn.setdefault((maker, market), [0] * draws)[draw] = amount
    keys = sorted({*exact, *drawn}, key=lambda key: (byte_order(key[0]), byte_order(key[1])))
    nothing = [0] * draws
    by_market = {key: Range.of(exact=exact.get(key, 0), drawn=drawn.get(key, nothing)) for key in keys}
    by_maker = {}
    for maker in dict.fromkeys(maker for maker, _ in keys):
        own = [key for key in keys if key[0] == maker]
        totals = [sum(each) for each in zip(*(drawn.get(key, nothing) for key in own), strict=True)]
        by_maker[maker] = Range.of(exact=sum(exact.get(key, 0) for key in own), drawn=totals)
    return Luck(terms=inputs.terms, draws=draws, seed=seed, by_market=by_market, by_maker=by_maker)


def sample_market(
    inputs: Inputs, market: str, events: MarketEvents, *, draws: int, generator: np.random.Generator
) -> tuple[MarketScore, Iterator[MarketScore]]:
    """Return the exact score of a market and the score of each draw."""
    rules = rules_of(terms=inputs.terms, market=market)
    instants = draw_instants(rules=rules, sessions=inputs.sessions, events=events, draws=draws, generator=generator)
    return score_at(inputs, market, events, instants=instants, draws=draws)


def score_at(
    inputs: Inputs, market: str, events: MarketEvents, *, instants: Instants, draws: int
) -> tuple[MarketScore, Iterator[MarketScore]]:
    """Return the exact score of a market and that of each draw, whose instants are given in order of time."""
    scorer = WatchedScorer(
        terms=inputs.terms,
        market=market,
        sessions=inputs.sessions,
        makers=inputs.makers,
        splits=inputs.splits,
        with_cells=False,
        instants=instants,
    )
    scorer.feed_market(events)
    score = scorer.finish()
    if not instants.draws:  # the market never was live
        return score, (score for _ in range(draws))
    return score, (_score_of_draw(score, scorer.watch.samples, draw) for draw in range(draws))


def _score_of_draw(exact: MarketScore, samples: Samples, draw: int) -> MarketScore:
    count = len(exact.makers)
    return MarketScore(
        makers=exact.makers,
        credit=samples.credit[draw, :, :count].T.tolist(),
        stress_credit=samples.stress_credit[draw, :count].tolist(),
        present_ms=exact.present_ms,
        volume=exact.volume,
        live_ms=exact.live_ms,
        stress_ms=exact.stress_ms,
    )


def _payouts(terms: Terms, market: str, score: MarketScore) -> list[tuple[str, int]]:
    return [(row.maker, row.payout) for row in allocate_market(terms=terms, market=market, score=score)]


def _rank(pct: int, count: int) -> int:
    """Return the index of a percentile by nearest rank."""
    return max(0, -(-pct * count // 100) - 1)
