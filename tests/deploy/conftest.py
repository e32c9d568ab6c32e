"""The whole service as compose.yml runs it, one for all tests of this folder, on a chain with an epoch on it."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from config import embedded
from config.embedded.layout import free_port, run_dir
from rewards.demo import stage
from rewards.demo.chain import Deployment, LocalChain, Sequencer
from rewards.demo.exchange import Block, Kind, Op
from rewards.demo.makers import address_of
from rewards.demo.node import Node
from tests.deploy import compose
from tests.deploy.setting_up import EPOCHS_S, MAKERS, MARKET
from tests.deploy.stack import Stack

FIRST_S = 1_795_010_400
DELAY_S = 10
MORE = {"REVIEW_HOURS": "0", "WORKER_STOP_S": "3", "LOG_LEVEL": "INFO"}


@pytest.fixture(scope="package")
def house(tmp_path_factory):
    """Servers, tables, contracts, quotes of the first epoch, and rows; no process of the service runs yet."""
    if shutil.which("redis-server") is None:
        pytest.fail("These tests need Debian's redis-server: make redis")
    root = tmp_path_factory.mktemp("house")
    (run_dir(root) / "chain-port").write_text(str(free_port()))
    extra = [*stage.FAST_CHAIN, "--timestamp", str(FIRST_S - 2 * stage.SETUP_S), "--no-mining"]
    url = embedded.ensure_chain(root, extra=extra)
    stack = Stack(root, rpc_url=url, more=MORE)
    try:
        stack.set_up()
        with Node(url=url) as node:
            chain = LocalChain(node=node)
            chain.take_over()
            made, key = _begin(stack, chain)
            yield SimpleNamespace(stack=stack, chain=chain, made=made, key=key, tick=lambda: _tick(chain))
    finally:
        stack.tear_down()
        embedded.stop_chain(root)


def _begin(stack: Stack, chain: LocalChain) -> tuple[Deployment, str]:
    """Put contracts and quotes on the chain and the rows into the database; returns the API key too."""
    made = stage.deploy(chain=chain, first_s=FIRST_S, markets=(MARKET,), delay_s=DELAY_S)
    where = {"exchange": made.exchange, "token": made.token, "distributor": made.distributor,
             "start_block": made.start_block, "first_s": FIRST_S}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "tests/deploy/setting_up.py", json.dumps(where)], cwd=compose.REPOSITORY,
        env=stack.env("worker"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    Sequencer(chain=chain, exchange=made.exchange, account=chain.accounts[stage.SEQUENCER]).write(_quotes())
    return made, done.stdout.split()[-1]


def _tick(chain: LocalChain) -> None:
    chain.mine(time_s=chain.head()[1] + 2)


def _quotes() -> list[Block]:
    """Two makers put a quote on both sides each, and let it rest for the epoch."""
    ops = [
        Op(
            Kind.PLACE,
            1,
            2 * who + side + 1,
            address_of(name),
            side == 0,
            10_000 + 10 * (2 * side - 1),
            1_000 * (who + 1),
        )
        for who, name in enumerate(MAKERS)
        for side in (0, 1)
    ]
    ends = [Block(FIRST_S + EPOCHS_S[0] + each, ()) for each in range(3)]
    return [Block(FIRST_S, tuple(ops)), *[Block(FIRST_S + each, ()) for each in range(30, 300, 30)], *ends]
