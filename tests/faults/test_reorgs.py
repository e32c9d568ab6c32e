"""Reorganisations of any depth to shorter, equal and longer branches, there and back; and those that must not be."""

import random

import pytest

from onchain.errors import IndexerStoppedError, ReorgBelowFinalError
from onchain.indexer import Indexer
from onchain.models import Alarm
from onchain.rpc import connect
from tests.faults.conftest import FULL, MAKER, SECOND, TAKER, forget, register, rows, seeds

pytestmark = pytest.mark.django_db
DEEPEST = 64
COMMON = 4
KINDS = ("shorter", "equal", "longer", "there and back")


def index(url: str, **options) -> None:
    client = connect(urls=[url])
    try:
        Indexer(client).run(**options)
    finally:
        client.close()


def branch(exchange, *, seed: int, length: int, partly=lambda: None) -> None:
    """Mine a branch of `length` blocks with trades that depend on `seed`, the last one always with some."""
    dice = random.Random(seed)
    blocks_a_second = dice.choice([1, 1, 3])
    # The node goes on from the fee of the branch that a snapshot has undone; the same branch needs the same one.
    exchange.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    for step in range(length):
        if step == length - 1 or dice.random() < 0.25:
            order = 1000 * (seed + 1) + step
            exchange.place(order, owner=MAKER, side=dice.choice(["bid", "ask"]), price=9_000 + step, size=9)
            if dice.random() < 0.5:
                exchange.fill(order, 4, taker=TAKER)
            exchange.send()
        # Every block's time is given: the same branch mined later has to have the same hashes.
        exchange.anvil.mine(time_s=SECOND + 10 + step // blocks_a_second)
        if dice.random() < 0.05:
            partly()


def lengths(kind: str, depth: int, dice: random.Random) -> int:
    if kind == "shorter":
        return dice.randint(1, max(1, depth - 1))
    return depth if kind in ("equal", "there and back") else depth + dice.randint(1, 8)


def depth_of(seed: int) -> int:
    """1 to 64: all of them in the full count, the shallowest, the deepest and some between in the sample."""
    return 1 + seed % DEEPEST if FULL else (1, 2, 64, 9, 33, 1, 17, 64)[seed]


@pytest.mark.parametrize("seed", seeds(200, 8))
def test_after_a_reorg_all_rows_are_those_of_a_clean_index(exchange, settings, seed):
    settings.CHAIN_CONFIRMATION_DEPTH = 10 * DEEPEST
    dice, kind, depth = random.Random(seed), KINDS[seed % 4], depth_of(seed)
    anvil = exchange.anvil
    register(exchange)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.send()
    anvil.mine(time_s=SECOND, blocks=COMMON)
    snapshot = anvil.rpc("evm_snapshot")
    branch(exchange, seed=2 * seed, length=depth, partly=lambda: index(anvil.url))
    index(anvil.url)
    first = rows()
    assert anvil.rpc("evm_revert", snapshot)
    snapshot = anvil.rpc("evm_snapshot")
    branch(exchange, seed=2 * seed + 1, length=lengths(kind, depth, dice), partly=lambda: index(anvil.url))
    index(anvil.url)
    if kind == "there and back":
        assert anvil.rpc("evm_revert", snapshot)
        branch(exchange, seed=2 * seed, length=depth)
        index(anvil.url)
    after = rows()
    forget()
    index(anvil.url)
    assert after == rows()
    if kind == "there and back":
        assert after == first


@pytest.mark.parametrize("seed", seeds(20, 3))
def test_a_reorg_below_the_final_block_stops_with_an_alarm_and_changes_nothing(exchange, seed):
    dice, anvil = random.Random(seed), exchange.anvil
    register(exchange)
    anvil.mine(time_s=SECOND)
    snapshot = anvil.rpc("evm_snapshot")
    depth = dice.randint(4, 40)
    branch(exchange, seed=2 * seed, length=depth)
    index(anvil.url)
    before = rows()
    assert anvil.rpc("evm_revert", snapshot)
    branch(exchange, seed=2 * seed + 1, length=depth + dice.choice([-2, -1, 0, 1, 5]))
    with pytest.raises(ReorgBelowFinalError, match="was final"):
        index(anvil.url)
    assert rows() == before
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.stops, alarm.resolved_at) == ("reorg_below_final", True, None)
    for _ in range(2):
        with pytest.raises(IndexerStoppedError, match="was final"):
            index(anvil.url)
    assert rows() == before


def test_a_chain_that_only_got_shorter_is_waited_for(exchange, settings):
    """A node that lost its newest blocks and one that lags look the same; only another block proves a reorg."""
    settings.CHAIN_CONFIRMATION_DEPTH = 50
    register(exchange)
    exchange.anvil.mine(time_s=SECOND)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    branch(exchange, seed=1, length=5)
    index(exchange.anvil.url)
    before = rows()
    assert exchange.anvil.rpc("evm_revert", snapshot)
    index(exchange.anvil.url)
    assert rows() == before
    branch(exchange, seed=2, length=2)
    index(exchange.anvil.url)
    after = rows()
    forget()
    index(exchange.anvil.url)
    assert after == rows() != before
