"""The supervisor keeps its processes running and stops exactly those."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.embedded import Supervisor, processes, supervisor

REPOSITORY = Path(__file__).resolve().parents[2]
# A command as manage.py's are, whose one process takes two seconds to stop.
COMMAND = """
import sys, time
from config.embedded import Supervisor, stop_on_signals, supervisor
slow = "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(2), sys.exit())); print('up', flush=True)"
supervisor.commands = lambda root, *, web_port: {"worker": [sys.executable, "-c", slow + "; time.sleep(60)"]}
stop_on_signals()
try:
    with Supervisor(__import__("pathlib").Path(sys.argv[1])) as keeper:
        keeper.start("worker")
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.fixture
def sleepers(monkeypatch):
    """Three processes that only sleep stand in for web, worker and beat: what is tested is their keeping."""
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(
        supervisor, "commands", lambda root, *, web_port: dict.fromkeys(("web", "worker", "beat"), argv)
    )


@pytest.mark.usefixtures("sleepers")
def test_a_killed_worker_is_started_again_after_a_pause(tmp_path):
    with Supervisor(tmp_path) as keeper:
        keeper.start("web", "worker")
        first = processes.load(tmp_path, name="worker")
        keeper._running["worker"].kill()
        keeper._running["worker"].wait()
        now = time.monotonic()
        assert keeper.watch(now=now) == ["worker"]
        assert keeper.watch(now=now + 1) == []
        assert processes.load(tmp_path, name="worker") is None
        keeper.watch(now=now + 3)
        second = processes.load(tmp_path, name="worker")
        assert second is not None
        assert second.pid != first.pid


@pytest.mark.usefixtures("sleepers")
def test_leaving_stops_all_that_was_started(tmp_path):
    with Supervisor(tmp_path) as keeper:
        keeper.start("web", "worker", "beat")
        records = [processes.load(tmp_path, name=name) for name in ("web", "worker", "beat")]
        assert all(record.alive() for record in records)
    assert not any(record.alive() for record in records)


@pytest.mark.usefixtures("sleepers")
def test_a_process_left_over_from_a_crashed_run_is_replaced_not_doubled(tmp_path):
    crashed = Supervisor(tmp_path)
    crashed.start("beat")
    left_over = processes.load(tmp_path, name="beat")
    with Supervisor(tmp_path) as keeper:
        keeper.start("beat")
        assert not left_over.alive()
        assert processes.load(tmp_path, name="beat").alive()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_a_kill_and_a_closed_terminal_stop_all_and_a_second_one_changes_nothing(tmp_path, first):
    # A shell that starts something in the background has it ignore Ctrl-C.
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    worker = processes.load(tmp_path, name="worker")
    log = tmp_path / "logs" / "worker.log"
    while "up" not in log.read_text():
        time.sleep(0.05)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        os.kill(process.pid, first)
        time.sleep(0.5)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process.pid, number)
        assert process.communicate(timeout=30)[0] == "stopped\n"
        assert process.returncode == 0
        assert not worker.alive()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_links_name_the_port_that_was_free_unless_the_settings_name_the_sites_address(tmp_path, monkeypatch):
    monkeypatch.delenv("SITE_URL", raising=False)
    keeper = Supervisor(tmp_path, web_port=18_471)
    assert keeper.env["SITE_URL"] == f"http://127.0.0.1:{keeper.web_port}"
    monkeypatch.setenv("SITE_URL", "https://rewards.lamplight.example")
    assert Supervisor(tmp_path, web_port=18_471).env["SITE_URL"] == "https://rewards.lamplight.example"
