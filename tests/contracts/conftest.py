"""What the contract tests share: a fresh EVM state for every test."""

import pytest

from tests.contracts.stage import Stage, boa


@pytest.fixture
def stage():
    with boa.env.anchor():
        yield Stage()


@pytest.fixture
def attested_stage():
    """A distributor with three attestors, of whom two must agree."""
    with boa.env.anchor():
        yield Stage(attestors=3, quorum=2)
