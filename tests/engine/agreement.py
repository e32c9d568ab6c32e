"""Scores one bundle with the engine and with the reference, and tells in a sentence every number they differ in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rewards.engine import evidence, scoring
from rewards.engine.errors import EngineError
from tests.engine.reference import score_reference
from tests.engine.reference_inputs import BrokenBundleError

# What the message of an engine's error must say, for errors that have no place in the chain.
SAYS = {
    "tick_too_small": "tick",
    "lot_too_small": "lot",
    "session_hole": "sessions",
    "session_overlap": "sessions",
    "address_twice": "makers",
    "carried_twice": "carried_in",
    "leaf_twice": "previous_cumulative",
    "no_payout_rows": "payout",
    "shares_do_not_sum": "payout",
}


def answer_of_engine(directory: Path) -> dict[str, Any]:
    """The engine's answer with the reference's keys; rows of nothing but zeros are left out on both sides."""
    result = scoring.score(evidence.read_inputs(directory))
    allocations = {
        (row.market, row.maker): (row.quoting, row.fills, row.stress, row.payout) for row in result.allocations
    }
    scores = {(row.market, row.maker, row.kind): (row.credit, row.present_ms, row.live_ms) for row in result.scores}
    return {
        "scores": {key: value for key, value in scores.items() if value[0] or value[1]},
        "allocations": {key: value for key, value in allocations.items() if any(value)},
        "paid": dict(result.paid),
        "carried_out": dict(result.carried_out),
        "increments": dict(result.increments),
        "cumulative": {(account, token): amount for account, token, amount in result.cumulative},
        "unspent": {"": result.unspent},
        "root": {"": result.root},
    }


def answer_of_reference(directory: Path) -> dict[str, Any]:
    """The reference's answer, with amounts as numbers."""
    answer = score_reference(directory)
    amounts = {
        name: {key: int(amount) for key, amount in answer[name].items()}
        for name in ("paid", "carried_out", "increments")
    }
    return {
        "scores": answer["scores"],
        "allocations": answer["allocations"],
        **amounts,
        "cumulative": {(account, token): int(amount) for account, token, amount in answer["cumulative"]},
        "unspent": {"": answer["unspent"]},
        "root": {"": answer["root"]},
    }


def differences(directory: Path, seed: int) -> list[str]:
    """One sentence for each number, or error, in which the engine and the reference differ."""
    engine, engine_error = attempt(answer_of_engine, directory, EngineError)
    reference, error = attempt(answer_of_reference, directory, BrokenBundleError)
    if engine_error is not None or error is not None:
        return [f"seed {seed}: {line}" for line in error_differences(engine_error, error)]
    return [
        f"seed {seed}: {name} of {key}: engine {theirs}, reference {ours}"
        for name in reference
        for key, theirs, ours in unequal(engine[name], reference[name])
    ]


def attempt(score: Any, directory: Path, error: type[Exception]) -> tuple[dict[str, Any], Any]:
    """The answer and no error, or nothing and the error."""
    try:
        return score(directory), None
    except error as problem:
        return {}, problem


def unequal(engine: Mapping[Any, Any], reference: Mapping[Any, Any]) -> list[tuple[Any, Any, Any]]:
    """Keys with the two values, where those differ or one is missing."""
    keys = sorted({*engine, *reference}, key=repr)
    return [(k, engine.get(k), reference.get(k)) for k in keys if engine.get(k) != reference.get(k)]


def error_differences(engine: EngineError | None, reference: BrokenBundleError | None) -> list[str]:
    """Both must fail, and the engine's message must say where in the chain, or what, as the reference does."""
    if engine is None or reference is None:
        return [f"engine {engine or 'scored it'}, reference {reference or 'scored it'}"]
    if reference.block is None:
        said = [SAYS[reference.kind]]
    else:
        said = [str(reference.block), str(reference.log_index)]
    missing = [word for word in said if word not in str(engine)]
    return [f"reference {reference}, but the engine's message lacks {missing}: {engine}"] if missing else []
