"""The engine against the answers of an independent implementation, to the last unit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rewards.engine import evidence, scoring

BUNDLES = Path(__file__).parents[1] / "vectors" / "bundles"
NAMES = sorted((each.name for each in BUNDLES.iterdir()), key=int)


def as_expected(result: scoring.Result) -> dict[str, Any]:
    """A result in the form of expected.json."""
    markets: dict[str, dict[str, str]] = {market: {} for market in result.markets}
    for row in result.allocations:
        if row.payout:
            markets[row.market][row.maker] = str(row.payout)
    return {
        "markets": markets,
        "paid": {maker: str(amount) for maker, amount in result.paid.items()},
        "carried_out": {maker: str(amount) for maker, amount in result.carried_out.items()},
        "increments": {account: str(amount) for account, amount in result.increments.items()},
        "cumulative": [[account, token, str(amount)] for account, token, amount in result.cumulative],
        "root": result.root,
    }


def test_there_are_eleven_vectors() -> None:
    assert len(NAMES) == 11


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_agrees_on_every_integer(name: str) -> None:
    expected = json.loads((BUNDLES / name / "expected.json").read_text())
    assert as_expected(scoring.score(evidence.read_inputs(BUNDLES / name))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_payouts_and_what_is_unspent_make_up_the_budget(name: str) -> None:
    inputs = evidence.read_inputs(BUNDLES / name)
    result = scoring.score(inputs)
    assert sum(result.earned.values()) + result.unspent == inputs.terms.budget
    assert sum(row.payout for row in result.allocations) == sum(result.earned.values())


@pytest.mark.parametrize("name", NAMES[:3])
def test_the_command_prints_the_root_alone_on_the_last_line(name: str, tmp_path: Path) -> None:
    expected = json.loads((BUNDLES / name / "expected.json").read_text())
    command = [sys.executable, "-m", "rewards.engine", "score", BUNDLES / name, "--out", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == expected["root"]
    assert json.loads((tmp_path / "tree.json").read_text())["tree"][0] == expected["root"]
    assert {each.name for each in tmp_path.iterdir()} == {
        "scores.csv",
        "allocations.csv",
        "carried_out.csv",
        "tree.json",
    }
