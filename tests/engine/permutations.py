"""Scores one bundle again and again, in every order in which the same facts can come, and prints each answer's hash.

python -m tests.engine.permutations BUNDLE COUNT SEED
"""

from __future__ import annotations

import contextlib
import hashlib
import locale
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from rewards.engine import bundle, scoring
from rewards.engine.inputs import Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore

Value = TypeVar("Value")


def shuffled(rng: Random, mapping: Mapping[str, Value]) -> dict[str, Value]:
    """The same mapping in another order."""
    return dict(rng.sample(sorted(mapping.items(), key=lambda item: item[0]), len(mapping)))


def permuted_inputs(rng: Random, directory: Path) -> Inputs:
    """The bundle's inputs with every mapping in another order."""
    inputs = bundle.read_static(directory)
    return Inputs(
        terms=inputs.terms,
        sessions=inputs.sessions,
        makers=shuffled(rng, inputs.makers),
        payouts=shuffled(rng, inputs.payouts),
        carried_in=shuffled(rng, inputs.carried_in),
        previous=inputs.previous and rng.sample(list(inputs.previous), len(inputs.previous)),
        events=inputs.events,
    )


def score_market(rng: Random, inputs: Inputs, market: str, directory: Path) -> MarketScore:
    """One market's score, its events in batches of any size, handed on from worker to worker now and then."""
    who: dict[str, Any] = {
        "terms": inputs.terms, "market": market, "sessions": inputs.sessions, "makers": inputs.makers,
    }  # fmt: skip
    scorer = MarketScorer(**who)
    for batch in bundle.read_events(directory, batch_rows=rng.choice((50, 100, 333, 10_000))):
        scorer.feed(batch)
        if rng.random() < 0.3:
            scorer = MarketScorer.restore(scorer.state(), **(who | {"makers": shuffled(rng, inputs.makers)}))
    return scorer.finish()


def permuted_answer(rng: Random, directory: Path) -> str:
    """The SHA-256 of all output files of one permutation."""
    inputs = permuted_inputs(rng, directory)
    order = rng.sample(sorted(inputs.terms.markets), len(inputs.terms.markets))
    result = scoring.combine(inputs, {market: score_market(rng, inputs, market, directory) for market in order})
    files = bundle.output_files(result)
    return hashlib.sha256(b"\0".join(files[name] for name in sorted(files))).hexdigest()


def main() -> None:
    """Print what the process runs with, then one line for each permutation."""
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    print(hash("permutation"), time.strftime("%z"), locale.setlocale(locale.LC_ALL), file=sys.stderr)
    rng = Random(seed)
    for _ in range(count):
        print(permuted_answer(rng, directory))


if __name__ == "__main__":
    main()
