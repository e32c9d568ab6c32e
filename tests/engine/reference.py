"""Scores an epoch a second time, slowly and from the written rule alone, to hold the engine against.

Nothing is shared with the engine, nothing is cached and nothing is updated by difference. The section names
in the docstrings of its modules are those of the scoring specification.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.engine.reference_inputs import read_bundle
from tests.engine.reference_market import Replay
from tests.engine.reference_payouts import Payout, leaf_hash, pay_epoch, pay_market, root_of


def score_reference(directory: Path) -> dict[str, Any]:
    """Scores the bundle in a directory, with the keys of the vectors' `expected.json` and some more.

    `markets`, `paid`, `carried_out`, `increments`: amounts as decimal strings; `cumulative`: sorted
    [account, token, amount]; `root`: hex or None; `scores`: (market, maker, kind) to (credit before the gate,
    present_ms, live_ms), where either of the first two is not 0; `allocations`: (market, maker) to (quoting,
    fills, stress, payout); `unspent`: what of the budget no maker earned. Raises BrokenBundleError.
    """
    bundle = read_bundle(Path(directory))
    makers = set(bundle.makers.values())
    token = bundle.terms["token"]
    pays: dict[str, dict[str, Payout]] = {}
    scores: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for market in sorted(bundle.terms["markets"]):
        tally = Replay(bundle, market).run()
        pays[market] = pay_market(bundle.terms, market, tally, makers)
        for maker, kind in {*tally.credit, *tally.present_ms}:
            row = tally.credit[maker, kind], tally.present_ms[maker, kind], tally.live_ms[kind]
            if row[0] or row[1]:
                scores[market, maker, kind] = row
    earned: dict[str, int] = defaultdict(int)
    for market_pays in pays.values():
        for maker, pay in market_pays.items():
            earned[maker] += pay.payout
    paid, carried, increments = pay_epoch(bundle, earned)
    cumulative = dict(bundle.previous)
    for account, amount in increments.items():
        cumulative[account, token] = cumulative.get((account, token), 0) + amount
    return {
        "markets": {m: texts({k: p.payout for k, p in of.items() if p.payout}) for m, of in pays.items()},
        "paid": texts(paid),
        "carried_out": texts(carried),
        "increments": texts(increments),
        "cumulative": [[*key, str(amount)] for key, amount in sorted(cumulative.items())],
        "root": root_of([leaf_hash(*key, amount) for key, amount in cumulative.items()]),
        "scores": scores,
        "allocations": {
            (m, k): (p.quoting, p.fills, p.stress, p.payout) for m, of in pays.items() for k, p in of.items()
        },
        "unspent": int(bundle.terms["budget"]) - sum(earned.values()),
    }


def texts(amounts: dict[str, int]) -> dict[str, str]:
    """The amounts as decimal strings, in the order of their keys."""
    return {key: str(amounts[key]) for key in sorted(amounts)}
