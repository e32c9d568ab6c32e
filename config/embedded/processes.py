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

CLOSE_S = 0.001
"""Births that differ by less are the same: a record holds a float."""


@dataclass(frozen=True)
class Record:
    """A process that we started: its id and `birth` (ids are reused, the pair is not)."""

    pid: int
    started: float
    port: int | None = None

    def alive(self) -> bool:
        """Tell whether this very process still runs (a zombie doesn't)."""
        return same_process(self.pid, self.started)


def birth(pid: int) -> float:
    """Return when process `pid` began: seconds since the machine's start, or since 1970 where only that is known.

    Linux's time since 1970 would be worked out from a clock that is set and rounded anew, and differ from one look to
    the next: a living process would be taken for another, and what it uses for unused.

    Raises psutil.NoSuchProcess.
    """
    try:
        # The process's name, in parentheses, may hold anything; the 20th field after it is the start in ticks.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        return float(psutil.Process(pid).create_time())
    except ProcessLookupError as error:
        raise psutil.NoSuchProcess(pid) from error


def same_process(pid: int, started: float) -> bool:
    """Tell whether process `pid` runs and is the one whose `birth` was `started`."""
    try:
        return abs(birth(pid) - started) < CLOSE_S and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
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
    save(root, name=name, record=Record(process.pid, birth(process.pid), port))
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


def ask(root: Path, *, name: str) -> None:
    """Ask the process recorded as `name` to stop, without waiting for it."""
    if (record := load(root, name=name)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGTERM)


def stop(root: Path, *, name: str, timeout_s: float = 20.0, first: int = signal.SIGTERM, asked: bool = False) -> bool:
    """Stop the process recorded as `name`: ask it (unless it was `asked`), wait, then kill.

    Returns whether there was one.
    """
    record = load(root, name=name)
    (run_dir(root) / f"{name}.json").unlink(missing_ok=True)
    if record is None:
        return False
    try:
        process = psutil.Process(record.pid)
        if not asked:
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
