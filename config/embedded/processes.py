"""Start a process, remember which one it is, and stop exactly that one."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from config.embedded.layout import log_dir, run_dir

_children: list[subprocess.Popen[bytes]] = []
"""Handles of what this process started: they outlive the call on purpose, and so must their handles."""


@dataclass(frozen=True)
class Record:
    """A process that we started: its id and start time (ids are reused, the pair is not)."""

    pid: int
    started: float
    port: int | None = None

    def alive(self) -> bool:
        """Tell whether this very process still runs (a zombie doesn't)."""
        return same_process(self.pid, self.started)


def same_process(pid: int, started: float) -> bool:
    """Tell whether process `pid` runs and is the one that began at `started` (seconds since 1970)."""
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def spawn(
    root: Path, *, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None, port: int | None = None
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own, its output going to logs/NAME.log, and record it as `name`."""
    log = (log_dir(root) / f"{name}.log").open("ab")
    with log:
        process = subprocess.Popen(  # noqa: S603 - argv is ours, no shell
            list(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True
        )
    _children.append(process)
    save(root, name=name, record=Record(process.pid, psutil.Process(process.pid).create_time(), port))
    return process


def save(root: Path, *, name: str, record: Record) -> None:
    """Write the record of `name`, replacing the old one in one step."""
    path = run_dir(root) / f"{name}.json"
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(asdict(record)))
    fresh.replace(path)


def load(root: Path, *, name: str) -> Record | None:
    """Return the record of `name` if that process still runs; a record left by a crash counts for nothing."""
    try:
        record = Record(**json.loads((run_dir(root) / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return record if record.alive() else None


def stop(root: Path, *, name: str, timeout_s: float = 20.0, first: int = signal.SIGTERM) -> bool:
    """Stop the process recorded as `name`: ask it, wait, then kill. Returns whether there was one."""
    record = load(root, name=name)
    (run_dir(root) / f"{name}.json").unlink(missing_ok=True)
    if record is None:
        return False
    try:
        process = psutil.Process(record.pid)
        process.send_signal(first)
        try:
            process.wait(timeout_s)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(timeout_s)
    except psutil.NoSuchProcess:
        return False
    finally:
        _kill_group(record.pid)
        # Where it was our own child, its handle learns that it is gone.
        _children[:] = [child for child in _children if child.poll() is None]
    return True


def _kill_group(leader: int) -> None:
    """End what a stopped process left behind (a killed worker's children): `spawn` gave it a group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def tail(root: Path, *, name: str, lines: int = 8) -> str:
    """Return the last lines of a process's log, for an error message."""
    path = log_dir(root) / f"{name}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
