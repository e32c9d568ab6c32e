"""The supervisor keeps its processes running and stops exactly those."""

import sys
import time

import pytest

from config.embedded import Supervisor, processes, supervisor


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
