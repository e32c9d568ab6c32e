"""The processes that faults happen to: worker, beat, PostgreSQL, Redis, and a proxy before the chain's node."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg

from config import embedded
from config.embedded import processes
from config.embedded.layout import free_port, run_dir, socket_dir

READY_S = 60.0
COMMANDS = {
    "worker": ("worker", "--concurrency", "2", "--queues", "celery,relayer,scoring,figures", "--hostname", "worker@%h",
               "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    "beat": ("beat", "--pidfile", "", "--loglevel", "WARNING"),
}  # fmt: skip


class Crew:
    """Worker and beats in `root`; one that died is started again at the next `watch`, as systemd or Docker would."""

    def __init__(self, root: Path, *, env: dict[str, str]) -> None:
        self.root = root
        self.env = {**os.environ, **env}
        self.deaths: list[str] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start `worker`, `beat` or a second one (`beat-2`)."""
        for name in names:
            kind = name.split("-")[0]
            own = ("--schedule", str(run_dir(self.root) / f"{name}-schedule")) if kind == "beat" else ()
            argv = [sys.executable, "-m", "celery", "--app", "tests.faults.quick", *COMMANDS[kind], *own]
            self._running[name] = processes.spawn(self.root, name=name, argv=argv, env=self.env)

    def watch(self) -> None:
        """Start again what has died."""
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                self.deaths.append(name)
                processes.stop(self.root, name=name)
                self.start(name)

    def pids(self, name: str) -> list[int]:
        """Return a process and its children."""
        leader = psutil.Process(self._running[name].pid)
        return [leader.pid, *(child.pid for child in leader.children(recursive=True))]

    def said(self, name: str, words: str) -> int:
        """Return how often a process's log has these words."""
        path = self.root / "logs" / f"{name}.log"
        return path.read_text(errors="replace").count(words) if path.exists() else 0

    def stop(self) -> None:
        """End all."""
        for name in self._running:
            processes.ask(self.root, name=name)
        for name in self._running:
            processes.stop(self.root, name=name, asked=True, timeout_s=10.0)


class Redis:
    """Debian's redis-server on a port of its own, which keeps nothing on disk."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; it takes connections within moments."""
        argv = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", str(self.root)]  # fmt: skip
        processes.spawn(self.root, name="redis", argv=argv)

    def restart(self, *, hard: bool) -> None:
        """End it (kill -9 when `hard`) with all that was queued, and start it again."""
        processes.stop(self.root, name="redis", first=signal.SIGKILL if hard else signal.SIGTERM)
        self.start()

    def stop(self) -> None:
        """End it."""
        processes.stop(self.root, name="redis")


WAYS = ("fast", "immediate", "backend")


def restart_postgres(root: Path, *, way: str) -> None:
    """Restart PostgreSQL: `fast` (connections are cut), `immediate` (as after a loss of power), kill -9 of a `backend`.

    After the last two it recovers from its log; the last one it does by itself, whoever was connected.
    """
    postmaster = int((root / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    if way == "backend":
        session = psycopg.connect(host=str(socket_dir(root)), user="postgres", dbname="postgres")
        os.kill(session.info.backend_pid, signal.SIGKILL)
        with contextlib.suppress(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()
    else:
        os.kill(postmaster, signal.SIGINT if way == "fast" else signal.SIGQUIT)
        psutil.wait_procs([psutil.Process(postmaster)], timeout=READY_S)
        embedded.ensure_postgres(root)
    until(lambda: _answers(root), what="PostgreSQL to answer again")


def _answers(root: Path) -> bool:
    try:
        with psycopg.connect(host=str(socket_dir(root)), user="postgres", dbname="lamplight") as session:
            return session.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def until(done, *, what: str, timeout_s: float = READY_S) -> None:
    """Wait for something; raises TimeoutError, which says for what."""
    ends_at = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.05)
