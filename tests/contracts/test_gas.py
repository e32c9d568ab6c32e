"""Gas is exact: what every transaction costs is compared with the committed table."""

import json
from pathlib import Path

import pytest

from tests.contracts.gas import SNAPSHOT, TARGETS, measure


def test_the_gas_of_every_transaction_is_the_committed_one(anvil):
    # Refresh after a change that is meant: python -m tests.contracts.gas
    assert measure(anvil) == json.loads(SNAPSHOT.read_text("utf-8"))


def test_the_documentation_shows_the_committed_table():
    page = (Path(__file__).resolve().parents[2] / "docs" / "distributor.md").read_text("utf-8")
    for name, gas in json.loads(SNAPSHOT.read_text("utf-8")).items():
        assert f"| {name} | {gas:,} |" in page


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"deploy"}))
def test_a_claim_costs_no_more_than_its_target(name):
    assert json.loads(SNAPSHOT.read_text("utf-8"))[name] <= TARGETS[name]
