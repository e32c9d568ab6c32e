"""kill -9 at random points of a backfill, of one worker or of all: what is left is gone on with, and complete."""

import os
import random
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from config import embedded
from config.embedded.layout import socket_dir
from tests.faults.conftest import seeds
from tests.faults.test_reorgs import branch

LENGTH = 120
RANGE = "8"
TABLES = (
    "onchain_adapterstate, onchain_marketevent, onchain_rawlog, onchain_block, onchain_cursor, onchain_backfillrange,"
    " onchain_headlease"
)
ROWS = (
    "SELECT number, hash, time_ms, settled, status FROM onchain_block WHERE canonical ORDER BY number",
    "SELECT block_number, log_index, transaction_hash, address, topics, data FROM onchain_rawlog"
    " ORDER BY block_number, log_index",
    "SELECT block_number, log_index, kind, order_id, price, size, address, taker, is_bid FROM onchain_marketevent"
    " ORDER BY block_number, log_index",
    "SELECT block_number, block_hash, final_block, verified_block FROM onchain_cursor",
    "SELECT name, derived_through, quarantined_block FROM onchain_market",
    "SELECT address, stored_through FROM onchain_watchedcontract",
)


class Host:
    """The process whose children are killed, with a database of its own."""

    def __init__(self, root, url: str) -> None:
        self.root = root
        env = {**os.environ, "LAMPLIGHT_DATA_DIR": str(root), "RPC_URLS": url, "LOG_LEVEL": "WARNING",
               "DJANGO_SETTINGS_MODULE": "config.settings.local"}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )

    def start(self, *words: str) -> int:
        return int(self._ask(" ".join(words)))

    def wait(self, child: int) -> int:
        return int(self._ask(f"wait {child}"))

    def run(self, *words: str) -> None:
        assert self.wait(self.start(*words)) == 0

    def sql(self, query: str) -> list:
        with psycopg.connect(
            host=str(socket_dir(self.root)), user="postgres", dbname="lamplight", autocommit=True
        ) as c:
            cursor = c.execute(query)
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> list[list]:
        return [self.sql(query) for query in ROWS]

    def forget(self) -> None:
        self.sql(f"TRUNCATE {TABLES}")
        self.sql("UPDATE onchain_market SET derived_through = start_block - 1")
        self.sql("UPDATE onchain_watchedcontract SET stored_through = start_block - 1")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    embedded.use(folder, with_chain=False, durable=False)
    yield folder
    embedded.release(folder)


@pytest.fixture
def host(exchange, root):
    """A chain with LENGTH blocks, and a host that has the market registered."""
    branch(exchange, seed=7, length=LENGTH)
    keeper = Host(root, exchange.anvil.url)
    keeper.run("migrate", "--verbosity=0")
    keeper.sql("TRUNCATE onchain_market, onchain_watchedcontract CASCADE")
    keeper.sql(
        "INSERT INTO onchain_market (name, adapter, address, start_block, config, tick_size, lot_size, base_symbol,"
        f" derived_through, quarantine_reason) VALUES ('AAPL-PERP', 'lamplight', '{exchange.address}',"
        f""" {exchange.start_block}, '{{"tick_raw": "1", "lot_raw": "1", "lamplight": {{"market_id": 1}}}}',"""
        f" '0.01', '0.1', 'AAPL', {exchange.start_block - 1}, '')"
    )
    keeper.sql(
        "INSERT INTO onchain_watchedcontract (address, label, start_block, stored_through, whole) VALUES"
        f" ('{exchange.address}', '', {exchange.start_block}, {exchange.start_block - 1}, false)"
    )
    yield keeper
    keeper.close()


def test_a_backfill_that_is_killed_again_and_again_ends_in_the_rows_of_a_clean_index(host):
    host.forget()
    host.run("index")
    clean = host.rows()
    host.forget()
    begun = time.monotonic()
    host.run("backfill", f"--range-blocks={RANGE}")
    usual_s = time.monotonic() - begun
    assert len(clean[0]) > LENGTH
    killed = 0
    for seed in seeds(30, 4):
        dice = random.Random(seed)
        host.forget()
        children = [host.start("backfill", f"--range-blocks={RANGE}") for _ in range(1 + seed % 2)]
        time.sleep(dice.uniform(0.0, 0.9) * usual_s)
        doomed = children if dice.random() < 0.5 else children[:1]
        for child in doomed:
            os.kill(child, signal.SIGKILL)
        killed += sum(host.wait(child) == -signal.SIGKILL for child in children)
        host.run("backfill", f"--range-blocks={RANGE}")
        host.run("index")
        assert host.rows() == clean
        assert host.sql("SELECT count(*) FROM onchain_backfillrange WHERE NOT absorbed") == [(0,)]
    assert killed
