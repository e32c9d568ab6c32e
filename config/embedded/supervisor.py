"""Run web server, worker and beat as processes of one command, restart what dies, stop all at the end."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from config.embedded import processes
from config.embedded.layout import free_port, run_dir
from config.embedded.stopping import undisturbed

WEB_PORT = 8000
RESTART_PAUSE_S = 2.0
PROCESSES = ("beat", "figures", "worker", "web", "head")


class Supervisor:
    """The processes of Lamplight on this machine. Use as a context manager; leaving it stops them, last first.

    `root` is the data directory (records in run/, output in logs/NAME.log); `env` is added to the environment.
    """

    def __init__(self, root: Path, *, env: Mapping[str, str] | None = None, web_port: int = WEB_PORT) -> None:
        self.root = root
        self.env = {**os.environ, **(env or {})}
        self.web_port = free_port(web_port)
        # Links in mails, and the address that pages tell people to compare, are those of the port that was free.
        self.env.setdefault("SITE_URL", self.url.rstrip("/"))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._died_at: dict[str, float] = {}

    @property
    def url(self) -> str:
        """Return the address of the web server."""
        return f"http://127.0.0.1:{self.web_port}/"

    def start(self, *names: str) -> None:
        """Start `web`, `worker`, `figures`, `beat` or `head`; one left over from a crashed run is stopped first."""
        for name in names:
            processes.stop(self.root, name=name)
            self._running[name] = processes.spawn(
                self.root, name=name, argv=commands(self.root, web_port=self.web_port)[name], env=self.env
            )

    def watch(self, *, now: float | None = None) -> list[str]:
        """Restart what has died, each after a pause; returns the names of what was found dead now."""
        now = time.monotonic() if now is None else now
        found = []
        for name, process in list(self._running.items()):
            if process.poll() is None:
                continue
            if name not in self._died_at:
                self._died_at[name] = now
                found.append(name)
            elif now - self._died_at[name] >= RESTART_PAUSE_S:
                del self._died_at[name]
                self.start(name)
        return found

    def stop(self) -> None:
        """Stop what was started here: all are asked at once, then waited for in the reverse order."""
        with undisturbed():
            for name in reversed(list(self._running)):
                processes.ask(self.root, name=name)
            for name in reversed(list(self._running)):
                processes.stop(self.root, name=name, asked=True)
            self._running.clear()

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def stop_left_over(root: Path) -> None:
    """Stop what a command that was killed has left running; its port is free then."""
    for name in PROCESSES:
        processes.stop(root, name=name)


def commands(root: Path, *, web_port: int) -> dict[str, list[str]]:
    """Return the command line of each process, as production runs them too."""
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--app", "config"]
    return {
        "web": [*python, "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(web_port),
                "--no-access-log", "--lifespan", "off"],
        "worker": [*celery, "worker", "--concurrency", "2", "--queues", "celery,relayer,scoring",
                   "--hostname", "worker@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
        # Last in line for the processor: what it makes is for looking at, and no pay waits for it.
        "figures": ["nice", "-n", "15", *celery, "worker", "--pool", "solo", "--queues", "figures",
                    "--hostname", "figures@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
        "beat": [*celery, "beat", "--schedule", str(run_dir(root) / "beat-schedule"), "--pidfile", "",
                 "--loglevel", "WARNING"],
        "head": [sys.executable, "manage.py", "follow"],
    }  # fmt: skip
