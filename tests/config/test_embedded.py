"""The embedded services as a user meets them: starting, sharing, crashing, stopping, and each plain refusal."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from config import embedded
from config.embedded import chain, postgres, processes, users
from config.embedded.layout import run_dir, socket_dir

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path):
    """A data directory of this test alone; whatever it started is stopped afterwards."""
    folder = embedded.data_dir(tmp_path / "data")
    yield folder
    chain.stop_chain(folder)
    postgres.stop_postgres(folder)


def select_version(root: Path) -> str:
    with psycopg.connect(host=str(socket_dir(root)), user="postgres", dbname="lamplight") as session:
        return session.execute("SHOW server_version").fetchone()[0]


def run_user(root: Path, body: str) -> subprocess.Popen[str]:
    """Start a Python process that uses the services, then runs `body`; it prints `ready` in between."""
    script = f"""
        import sys, time
        from config import embedded
        root = embedded.data_dir({str(root)!r})
        embedded.use(root, durable=False)
        print("ready", flush=True)
        {body}
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def test_without_any_setting_a_postgresql_18_answers(root):
    embedded.ensure_postgres(root, durable=False)
    embedded.ensure_database(root)
    assert select_version(root).startswith("18.")


def test_starting_twice_keeps_the_one_server(root):
    embedded.ensure_postgres(root, durable=False)
    first = (root / "postgres" / "postmaster.pid").read_text().split()[0]
    embedded.ensure_postgres(root, durable=False)
    assert (root / "postgres" / "postmaster.pid").read_text().split()[0] == first


def test_the_last_user_out_stops_what_was_started(root):
    early, late = run_user(root, "time.sleep(60)"), run_user(root, "time.sleep(1)")
    early.kill()
    early.communicate()
    assert postgres.is_running(root)
    late.communicate(timeout=60)
    assert not postgres.is_running(root)
    assert processes.load(root, name="chain") is None
    assert users.living(root) == []


def test_a_killed_server_comes_back_with_its_data_over_the_leftover_lock_file(root):
    embedded.ensure_postgres(root)
    embedded.ensure_database(root)
    with psycopg.connect(host=str(socket_dir(root)), user="postgres", dbname="lamplight") as session:
        session.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    postmaster = psutil.Process(int((root / "postgres" / "postmaster.pid").read_text().split()[0]))
    for process in [postmaster, *postmaster.children(recursive=True)]:
        process.kill()
    psutil.wait_procs([postmaster], timeout=10)
    assert (root / "postgres" / "postmaster.pid").exists()
    embedded.ensure_postgres(root)
    with psycopg.connect(host=str(socket_dir(root)), user="postgres", dbname="lamplight") as session:
        assert session.execute("SELECT n FROM kept").fetchone() == (42,)


def test_a_lock_file_that_names_a_stranger_process_is_no_obstacle(root):
    embedded.ensure_postgres(root, durable=False)
    embedded.stop_postgres(root)
    lock = root / "postgres" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{root / 'postgres'}\n{int(time.time())}\n5432\n\n\n\nready\n")
    embedded.ensure_postgres(root, durable=False)
    embedded.ensure_database(root)
    assert select_version(root).startswith("18.")


def test_a_database_of_another_version_is_named_and_left_alone(root):
    cluster = root / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(embedded.EmbeddedError, match=r"made by PostgreSQL 16.*Move that folder away.*DATABASE_URL"):
        embedded.ensure_postgres(root)
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_folder_that_is_no_database_is_named_and_left_alone(root):
    cluster = root / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "letter.txt").write_text("mine")
    with pytest.raises(embedded.EmbeddedError, match="is not empty and is not a PostgreSQL database"):
        embedded.ensure_postgres(root)
    assert (cluster / "letter.txt").read_text() == "mine"


def test_an_interrupted_first_start_is_begun_again(root):
    half = root / "postgres.making"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    embedded.ensure_postgres(root, durable=False)
    embedded.ensure_database(root)
    assert select_version(root).startswith("18.")
    assert not half.exists()


def test_the_chain_answers_with_its_id_and_the_port_is_kept(root):
    url = embedded.ensure_chain(root)
    assert chain.chain_id(url) == 31337
    embedded.stop_chain(root)
    assert chain.chain_id(url) is None
    assert embedded.ensure_chain(root) == url


def test_the_first_port_gives_way_to_whoever_holds_it(root):
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert chain.free_port(taken) != taken


def test_a_stranger_on_the_chosen_port_is_named_and_not_stopped(root):
    url = embedded.rpc_url(root)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        stranger.listen()
        with pytest.raises(embedded.EmbeddedError, match=rf"listens at {url}.*RPC_URLS"):
            embedded.ensure_chain(root)
        assert stranger.getsockname()


def test_stopping_leaves_a_process_alone_that_has_inherited_the_recorded_id(root):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        processes.save(root, name="chain", record=processes.Record(bystander.pid, started=1.0))
        assert embedded.stop_chain(root) is False
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the kernel remembers when a process began")
def test_a_clock_that_is_set_does_not_make_a_living_process_a_stranger(root, monkeypatch):
    sleeper = processes.spawn(root, name="sleeper", argv=[sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: time.time())
        assert processes.load(root, name="sleeper").pid == sleeper.pid
    finally:
        monkeypatch.undo()
        assert processes.stop(root, name="sleeper")


def test_a_missing_anvil_is_said_with_the_way_to_get_it(root, monkeypatch):
    monkeypatch.setenv("ANVIL", str(root / "nowhere"))
    with pytest.raises(embedded.EmbeddedError, match="npm ci"):
        embedded.ensure_chain(root)


def test_the_command_line_says_what_is_up_and_stops_it(root):
    def command(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.embedded", word, "--data-dir", str(root)],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert "PostgreSQL 18 is up" in command("up").stdout
    assert "PostgreSQL: up" in command("status").stdout
    assert command("down").stdout.strip() == "Stopped the chain and PostgreSQL."
    assert command("down").stdout.strip() == "Nothing was running."
    assert not list(run_dir(root).glob("chain.json"))
