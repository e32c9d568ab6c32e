"""The application server as production runs it, pinned to one core, on rows that a benchmark made."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`, as process `pid`."""

    url: str
    pid: int

    @property
    def host(self) -> str:
        """What a request names."""
        return self.url.removeprefix("http://")


@contextmanager
def served(*, core: int | None = 0, **env: str) -> Iterator[Server]:
    """Run uvicorn on the settings and database of this process; on one core, None: on any."""
    from config.embedded.layout import free_port

    port = free_port()
    argv = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port),
            "--no-access-log", "--lifespan", "off", "--log-level", "warning"]  # fmt: skip
    # Its lines are written, as they are in production, but there are thousands a second.
    with tempfile.TemporaryFile() as lines:
        process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **env}, stderr=lines)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/healthz", process, lines)
            if core is not None:  # threads that were there already
                for thread in os.listdir(f"/proc/{process.pid}/task"):
                    os.sched_setaffinity(int(thread), {core})
            yield Server(url, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], lines: IO[bytes]) -> None:
    ends_at = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < ends_at:
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    lines.seek(0)
    raise TimeoutError(f"The server does not answer. It said: {lines.read().decode(errors='replace')[-2000:]}")
