"""What other terms would have paid for the quotes of one epoch, without reading the events again for each of them.

Scores depend on a market's `Rules` alone, so terms that differ only in budget, boosts, weights, pool shares, caps,
uptime gates, minimum payout or `full_ms` share one replay, and all different rules are replayed side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rewards.engine.allocation import PPM, allocate_market, byte_order, settle
from rewards.engine.errors import BoundError, EngineError
from rewards.engine.events import EventColumns
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import canonical_json
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import Rules, rules_of
from rewards.engine.terms import BPS, Terms, parse_terms

# Every scorer holds a book of its own, so more of them than this are replayed in several passes over the events.
MOST_AT_ONCE = 2_048
_SOMEBODY = (("anybody", PPM),)

Key = tuple[str, Rules]
Batches = Callable[[], Iterable[EventColumns]]


class TriedTermsError(EngineError):
    """Terms that are tried cannot be had, or cannot be scored. `label` says which ones."""

    def __init__(self, *, label: str, reason: str) -> None:
        self.label, self.reason = label, reason
        super().__init__(f"{label}: {reason}.")


@dataclass(frozen=True)
class Outcome:
    """What terms pay for an epoch's quotes, in the token's smallest unit.

    payouts: by (maker, market), zeros left out. earned: by maker, before what was carried in. paid, carried_out: by
    maker, after it. unspent: what of the budget nobody earned. scores: by market, what it was worked out from.
    """

    terms: Terms
    payouts: Mapping[tuple[str, str], int]
    earned: Mapping[str, int]
    paid: Mapping[str, int]
    carried_out: Mapping[str, int]
    unspent: int
    scores: Mapping[str, MarketScore] = field(default_factory=dict, repr=False, compare=False)

    @property
    def earned_total(self) -> int:
        """All that makers earned in this epoch; with `unspent` it is the budget."""
        return sum(self.earned.values())

    @property
    def paid_total(self) -> int:
        """All that is paid now: what was earned or carried in, but for what is carried on."""
        return sum(self.paid.values())

    @property
    def largest(self) -> tuple[str, int] | None:
        """The maker that earned most (of several the first in byte order) and its part of it all in bps."""
        if not self.earned_total:
            return None
        maker = max(self.earned, key=lambda each: self.earned[each])
        return maker, self.earned[maker] * BPS // self.earned_total


def in_epoch_of(terms: Terms, *, other: Terms) -> Terms:
    """Return `other` with the epoch of `terms`, whose quotes are the only ones there are."""
    return parse_terms(canonical_json(other.to_json() | {"epoch": terms.to_json()["epoch"]}))


def try_terms(*, inputs: Inputs, variants: Mapping[str, Terms], batches: Batches) -> dict[str, Outcome]:
    """Return what each of the terms pays, by label. All of them are of the inputs' epoch.

    `batches` gives the epoch's events anew at every call. The inputs' own terms are settled as scoring does; with
    others a maker may be paid that has no payout account yet. Raises TriedTermsError with the label, DataError,
    PayoutError.
    """
    wanted: dict[Key, str] = {}
    for label, terms in variants.items():
        for market in terms.markets:
            wanted.setdefault((market, rules_of(terms=terms, market=market)), label)
    scores: dict[Key, MarketScore] = {}
    for some in _portions(list(wanted)):
        scores |= _score_keys(inputs, {key: (wanted[key], variants[wanted[key]]) for key in some}, batches())
    return {label: _outcome(inputs, terms, scores) for label, terms in variants.items()}


def _portions(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(keys), MOST_AT_ONCE):
        yield keys[start : start + MOST_AT_ONCE]


def _score_keys(
    inputs: Inputs, wanted: Mapping[Key, tuple[str, Terms]], batches: Iterable[EventColumns]
) -> dict[Key, MarketScore]:
    """Replay every market by all of its rules in one pass over the events."""
    scorers: dict[str, list[tuple[Key, str, MarketScorer]]] = {}
    for key, (label, terms) in wanted.items():
        market = key[0]
        scorer = MarketScorer(
            terms=terms, market=market, sessions=inputs.sessions, makers=inputs.makers, splits=inputs.splits
        )
        scorers.setdefault(market, []).append((key, label, scorer))
    for batch in batches:
        for market, events in batch.split(makers=inputs.makers).items():
            for _, label, scorer in scorers.get(market, ()):
                with _labelled(label):
                    scorer.feed_market(events)
    scores = {}
    for each in scorers.values():
        for key, label, scorer in each:
            with _labelled(label):
                scores[key] = scorer.finish()
    return scores


@contextmanager
def _labelled(label: str) -> Iterator[None]:
    """Say which terms were tried when they overstep a bound."""
    try:
        yield
    except BoundError as error:
        raise TriedTermsError(label=label, reason=str(error).removesuffix(".")) from error


def _outcome(inputs: Inputs, terms: Terms, scores: Mapping[Key, MarketScore]) -> Outcome:
    payouts: dict[tuple[str, str], int] = {}
    earned: dict[str, int] = {}
    scores_used = {market: scores[market, rules_of(terms=terms, market=market)] for market in terms.markets}
    for market, score in scores_used.items():
        for row in allocate_market(terms=terms, market=market, score=score):
            if row.payout:
                payouts[row.maker, market] = row.payout
                earned[row.maker] = earned.get(row.maker, 0) + row.payout
    accounts = inputs.payouts
    if terms is not inputs.terms:  # whose accounts they are doesn't matter, and some makers may have none yet
        accounts = dict.fromkeys([*earned, *inputs.carried_in], _SOMEBODY)
    settlement = settle(terms=terms, earned=earned, carried_in=inputs.carried_in, payouts=accounts)
    return Outcome(
        terms=terms,
        payouts=payouts,
        earned={maker: earned[maker] for maker in sorted(earned, key=byte_order)},
        paid=settlement.paid,
        carried_out=settlement.carried_out,
        unspent=terms.budget - sum(earned.values()),
        scores=scores_used,
    )
