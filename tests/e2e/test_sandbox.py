"""The sandbox with the example bot as a maker runs them: quotes from its own account become its live score."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.embedded.layout import free_port

pytestmark = pytest.mark.e2e
REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "python"
PATIENCE_S = 180


@dataclass
class Running:
    """A running `make sandbox`, what it has printed, and what a bot needs to know."""

    process: subprocess.Popen[str]
    said: str
    visitor: dict[str, str]


@pytest.fixture
def sandbox(tmp_path) -> Iterator[Running]:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "chain-port").write_text(str(free_port()))
    env = {name: value for name, value in os.environ.items() if name != "EVIDENCE_DIR"}
    env |= {"LAMPLIGHT_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings.local"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", "--port", str(free_port())], cwd=REPOSITORY,
        env=env | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError(said)
        yield Running(process, said, json.loads((tmp_path / "sandbox.json").read_text()))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def orders_at(lamp, *, at_ms: int, until: float):
    """The book at a moment is kept by a process of its own, which comes a little after the standing."""
    from lamplight_client import NotFoundError

    while True:
        try:
            return lamp.orders("visitor", "us-equity-perps", 1, "AAPL-PERP", at_ms=at_ms)
        except NotFoundError:
            assert time.monotonic() < until
            time.sleep(0.5)


def test_a_bot_that_follows_the_printed_words_sees_its_score_rise(sandbox, monkeypatch):
    monkeypatch.syspath_prepend(str(CLIENT))
    from lamplight_client import Lamplight

    exported = dict(re.findall(r"export (\w+)=(\S+)", sandbox.said))
    env = {**os.environ, **exported, "PYTHONPATH": str(CLIENT), "PYTHONUNBUFFERED": "1"}
    bot = subprocess.Popen(
        [sys.executable, str(CLIENT / "examples" / "quoting_bot.py")], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        with Lamplight(exported["LAMPLIGHT_URL"], key=exported["LAMPLIGHT_KEY"]) as lamp:
            assert lamp.me().makers == (sandbox.visitor["maker"],)
            until = time.monotonic() + PATIENCE_S
            for standing in lamp.live("visitor", "us-equity-perps", 1):
                if standing.accrued_raw > 0:
                    break
                assert time.monotonic() < until, standing
            assert standing.payout_raw >= standing.accrued_raw > 0
            seen = orders_at(lamp, at_ms=standing.as_of_ms - 1, until=until)
        assert {order.side for order in seen.orders} <= {"bid", "ask"}
        assert all(order.why for order in seen.orders)
        while "of the market's rate" not in (line := bot.stdout.readline()):
            assert line, bot.poll()
            assert time.monotonic() < until, line
    finally:
        bot.send_signal(signal.SIGINT)
        bot.communicate(timeout=30)
    assert bot.returncode == 0
