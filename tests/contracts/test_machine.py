"""A bounded run of the random play; `make bench-contracts` plays 200,000 calls."""

import pytest

from tests.contracts.gas import chain
from tests.contracts.invariants import Invariants
from tests.contracts.machine import Play, play
from tests.contracts.world import Node, World


@pytest.fixture(scope="module")
def world():
    with chain(mining=True) as anvil:
        Play.world = World(Node(anvil.url))
        yield Play.world
        Play.world.node.close()


def test_no_invariant_breaks_in_random_play(world):
    play(examples=60, steps=30, derandomize=True)
    assert world.calls > 1000
    # It is play of the whole life cycle, not of refusals alone.
    for name in ("propose", "approve", "activate", "claim", "claim_many", "veto"):
        assert world.passed.get(name, 0) > 0, name


def test_all_five_guarantees_are_among_the_invariants():
    names = [name for name in vars(Invariants) if hasattr(getattr(Invariants, name), "hypothesis_stateful_invariant")]
    assert len(names) >= 12
    for number in range(1, 6):
        assert any(name.startswith(f"guarantee_{number}_") for name in names)
