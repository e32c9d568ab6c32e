"""Two sets of terms over the quotes of past epochs: one epoch's figures as JSON, and the sums over several.

Amounts are exact, in the token's smallest unit, and decimal strings in JSON.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rewards.analysis.unspent import quoting_by_kind
from rewards.engine.allocation import byte_order
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import canonical_json, parse_strict
from rewards.engine.kinds import KINDS
from rewards.engine.terms import Terms, parse_terms
from rewards.engine.whatif import Batches, Outcome, try_terms
from rewards.engine.whatif_report import TOTALS, Comparison

BEFORE, AFTER = "before", "after"
MOST_PAIRS = 300
"""So many rows of maker and market stand in a summary; all of them in the epochs' own documents."""


def terms_of_epoch(*, inputs: Inputs, template: str) -> Terms:
    """Return terms for the epoch of the inputs: its own where the template is empty. Raises TermsError."""
    if not template:
        return inputs.terms
    document = parse_template(template)
    return parse_terms(canonical_json(document | {"epoch": inputs.terms.to_json()["epoch"]}))


def parse_template(text: str) -> dict[str, Any]:
    """Read terms without an epoch, as versions have them."""
    document: dict[str, Any] = parse_strict(text.encode(), document="terms")
    return document


def epoch_compared(*, inputs: Inputs, before: Terms, after: Terms, batches: Batches) -> dict[str, Any]:
    """Return what the two terms pay for one epoch: the engine's own comparison, and what each session earned.

    sessions: the quoting pools before caps, by kind, each rounded down by itself (analysis.unspent). absent: markets of
    either terms that the epoch didn't have; nobody can have earned there. Raises what `try_terms` raises.
    """
    outcomes = try_terms(inputs=inputs, variants={BEFORE: before, AFTER: after}, batches=batches)
    compared = Comparison(before=outcomes[BEFORE], after=outcomes[AFTER])
    absent = {*before.markets, *after.markets} - {*inputs.terms.markets}
    kinds = zip(KINDS, _by_kind(outcomes[BEFORE]), _by_kind(outcomes[AFTER]), strict=True)
    return {
        **compared.to_json(),
        "sessions": {kind: {BEFORE: str(b), AFTER: str(a)} for kind, b, a in kinds},
        "absent": sorted(absent, key=byte_order),
    }


def summed_up(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums over several epochs' documents: totals, by epoch, maker, market, session, and maker and market.

    pairs: the `MOST_PAIRS` of maker and market that change most, by maker and market; pairs_left: how many more there
    are. absent: (epoch, markets) where an epoch lacks some.
    """
    pairs = _sums(((row["maker"], row["market"]), row) for each in documents for row in each["rows"])
    makers = _sums((row["maker"], row) for each in documents for row in each["makers"])
    markets = _sums((row["market"], row) for each in documents for row in each["rows"])
    sessions = _sums(((kind, row) for each in documents for kind, row in each["sessions"].items()))
    totals = _sums(((name, row) for each in documents for name, row in each["totals"].items()))
    most = sorted(pairs, key=lambda key: (-abs(pairs[key][1] - pairs[key][0]), key))[:MOST_PAIRS]
    chosen = sorted(most, key=lambda key: (byte_order(key[0]), byte_order(key[1])))
    return {
        "totals": {name: _pair(totals[name]) for name in TOTALS},
        "epochs": [{"epoch": each["epoch"], **each["totals"]} for each in documents],
        "makers": [{"maker": name} | _pair(makers[name]) for name in sorted(makers, key=byte_order)],
        "markets": [{"market": name} | _pair(markets[name]) for name in sorted(markets, key=byte_order)],
        "sessions": [{"kind": kind} | _pair(sessions[kind]) for kind in KINDS if any(sessions[kind])],
        "pairs": [{"maker": key[0], "market": key[1]} | _pair(pairs[key]) for key in chosen],
        "pairs_left": len(pairs) - len(chosen),
        "absent": [[each["epoch"], each["absent"]] for each in documents if each["absent"]],
    }


def _by_kind(outcome: Outcome) -> list[int]:
    sums = [0] * len(KINDS)
    for market, score in outcome.scores.items():
        parts = quoting_by_kind(terms=outcome.terms, market=market, score=score)
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
    return sums


def _sums(rows: Iterable[tuple[Any, Mapping[str, str]]]) -> dict[Any, tuple[int, int]]:
    found: dict[Any, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for key, row in rows:
        before, after = found[key]
        found[key] = before + int(row[BEFORE]), after + int(row[AFTER])
    return found


def _pair(amounts: tuple[int, int]) -> dict[str, str]:
    before, after = amounts
    return {BEFORE: str(before), AFTER: str(after), "difference": str(after - before)}
