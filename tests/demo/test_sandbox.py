"""The sandbox's market matches visitors' orders, and what they do at a bad moment does not stop it."""

import pytest
from eth_utils import keccak

from config import embedded
from config.embedded.layout import free_port
from rewards.demo import stage
from rewards.demo.chain import LocalChain, Sequencer
from rewards.demo.errors import NotAnAccountError, TransactionFailedError
from rewards.demo.exchange import OWN, Block, Kind, Op
from rewards.demo.flow import Flow
from rewards.demo.node import Node
from rewards.demo.sandbox import Sandbox
from rewards.demo.visitor import welcome
from rewards.management.commands.sandbox import epochs_of

START_S = 1_795_014_000
VISITOR, OTHER = 8, 9


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    (root / "run").mkdir()
    (root / "run" / "chain-port").write_text(str(free_port()))
    url = embedded.ensure_chain(root, extra=["--timestamp", str(START_S - 100), "--no-mining"])
    with Node(url=url) as connection:
        made = LocalChain(node=connection)
        made.take_over()
        yield made
    embedded.stop_chain(root)


@pytest.fixture
def sandbox(chain) -> Sandbox:
    """A market in which nobody but visitors acts, so that what happens is known."""
    now_s = max(START_S, chain.head()[1] + 1)
    sequencer = chain.accounts[stage.SEQUENCER]
    exchange = chain.deploy(name="demo_exchange", sender=sequencer, time_s=now_s)
    chain.send(name="demo_exchange", to=exchange, sender=sequencer, function="add_market", args=["AAPL-PERP"])
    chain.mine(time_s=now_s)
    flow = Flow(seed=7, start_s=2**33, makers=[])
    return Sandbox(
        chain=chain, exchange=exchange, sequencer=Sequencer(chain=chain, exchange=exchange, account=sequencer),
        flow=flow, program=None, now_s=now_s,
    )  # fmt: skip


def send(sandbox: Sandbox, function: str, *args: object, by: int = VISITOR) -> str:
    return sandbox.chain.send(
        name="demo_exchange", to=sandbox.exchange, sender=sandbox.chain.accounts[by], function=function, args=args
    )


def rests(sandbox: Sandbox, order: int) -> int:
    found = sandbox.chain.read(name="demo_exchange", to=sandbox.exchange, function="order_of", args=[1, order])
    return int.from_bytes(found[96:128], "big")


def fills(sandbox: Sandbox) -> list[tuple[str, int, int]]:
    """(taker, order, size) of each fill that the chain has logged."""
    topic = "0x" + keccak(text="OrderFilled(uint32,address,uint64,uint64)").hex()
    query = {"address": sandbox.exchange, "fromBlock": "0x0", "topics": [topic]}
    return [
        ("0x" + log["topics"][2][-40:], int(log["data"][2:66], 16), int(log["data"][66:], 16))
        for log in sandbox.chain.node.call("eth_getLogs", query)
    ]


def test_an_order_that_crosses_trades_with_what_rests_and_the_rest_of_it_stays(sandbox):
    (market, *_) = sandbox.flow.markets
    resting = market.book.place(owner="0x" + "11" * 20, is_bid=False, price=100, size=30)
    sandbox._write(Block(sandbox.now_s, tuple(sandbox.flow.taken())))
    send(sandbox, "place", 1, True, 105, 50)
    sandbox.step()
    assert fills(sandbox) == [(sandbox.chain.accounts[VISITOR], resting, 30)]
    assert (rests(sandbox, resting), rests(sandbox, OWN)) == (0, 20)
    assert market.book[OWN].size == 20


def test_two_visitors_trade_with_each_other_and_nobody_with_oneself(sandbox):
    send(sandbox, "place", 1, True, 100, 10)
    sandbox.step()
    send(sandbox, "place", 1, False, 99, 4, by=OTHER)
    sandbox.step()
    assert fills(sandbox) == [(sandbox.chain.accounts[OTHER], OWN, 4)]
    send(sandbox, "place", 1, False, 98, 3)
    sandbox.step()
    assert len(fills(sandbox)) == 1
    assert [rests(sandbox, OWN + number) for number in range(3)] == [0, 0, 3]


def test_a_visitor_who_cancels_what_is_just_being_filled_does_not_stop_the_market(sandbox):
    send(sandbox, "place", 1, True, 100, 10)
    sandbox.step()
    (market, *_) = sandbox.flow.markets
    market.book.fill(OWN, size=10, taker="0x" + "22" * 20)
    kept = market.book.place(owner="0x" + "11" * 20, is_bid=True, price=90, size=5)
    # It comes into the same block, before the exchange's own.
    send(sandbox, "cancel", 1, OWN)
    sandbox._write(Block(sandbox.now_s, tuple(sandbox.flow.taken())))
    assert fills(sandbox) == []
    assert (rests(sandbox, OWN), rests(sandbox, kept)) == (0, 5)
    sandbox.step()
    assert OWN not in market.book


def test_what_the_exchange_itself_gets_wrong_is_still_an_error(sandbox):
    with pytest.raises(TransactionFailedError):
        sandbox._write(Block(sandbox.now_s, (Op(Kind.CANCEL, 1, 77),)))


def test_a_visitor_is_told_when_what_it_gives_is_no_account(chain):
    with pytest.raises(NotAnAccountError, match="40 hex digits"):
        welcome(chain=chain, account="0x12", url="", rpc_url="")


@pytest.mark.parametrize(("minutes", "hours"), [(1, 24), (5, 24), (7, 24), (60, 24), (1440, 576)])
def test_quotes_are_scored_for_a_day_at_least_however_short_an_epoch_is(minutes, hours):
    assert epochs_of(minutes=minutes) * minutes // 60 == hours
