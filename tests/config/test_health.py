"""What a container asks: the program by itself, against signs of life as config/life.py writes them."""

import subprocess
import sys
import time
from pathlib import Path

from config import life
from config.embedded.layout import free_port
from config.life import alive

PROGRAM = [sys.executable, "-I", str(Path(__file__).resolve().parents[2] / "config" / "health.py")]


def asked(what: str, **env: str) -> tuple[int, str]:
    done = subprocess.run([*PROGRAM, what], capture_output=True, text=True, env=env, check=False)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def test_a_sign_of_life_counts_until_its_time_is_over(tmp_path, monkeypatch):
    path = str(tmp_path / "alive")
    monkeypatch.setenv("LIFE_FILE", path)
    alive(for_s=60, at_once=True)
    assert asked("process", LIFE_FILE=path) == (0, "alive")
    alive(for_s=-5, at_once=True)
    status, said = asked("process", LIFE_FILE=path)
    assert status == 1
    assert "seconds overdue" in said


def test_without_a_sign_or_with_a_broken_one_nobody_is_alive(tmp_path):
    status, said = asked("process", LIFE_FILE=str(tmp_path / "nowhere"))
    assert status == 1
    assert "has not begun its work yet" in said
    (tmp_path / "broken").write_text("soon")
    assert asked("process", LIFE_FILE=str(tmp_path / "broken"))[0] == 1


def test_a_web_server_that_is_not_there_is_not_alive():
    port = free_port()
    status, said = asked("web", HEALTH_PORT=str(port))
    assert status == 1
    assert f"at port {port} does not answer" in said


def test_another_question_is_refused():
    assert asked("everything")[0] == 2


def test_nothing_is_written_where_nobody_asks_and_a_folder_that_is_gone_ends_nobody(tmp_path, monkeypatch):
    monkeypatch.delenv("LIFE_FILE", raising=False)
    alive(for_s=60, at_once=True)
    monkeypatch.setenv("LIFE_FILE", str(tmp_path / "gone" / "alive"))
    alive(for_s=60, at_once=True)
    assert list(tmp_path.iterdir()) == []


def test_it_is_written_no_more_than_once_a_second_unless_at_once(tmp_path, monkeypatch):
    path = tmp_path / "alive"
    monkeypatch.setenv("LIFE_FILE", str(path))
    alive(for_s=60, at_once=True)
    first = path.read_text()
    # As if it had just been written, however long this machine has taken since.
    monkeypatch.setattr(life, "_written_s", time.monotonic() + 1_000)
    alive(for_s=1_000)
    assert path.read_text() == first
    alive(for_s=1_000, at_once=True)
    assert float(path.read_text()) > float(first)
