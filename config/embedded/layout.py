"""Where the embedded services keep their files below one data directory."""

import fcntl
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def data_dir(path: str | Path) -> Path:
    """Return the data directory as an absolute path; nothing is created yet."""
    return Path(path).expanduser().resolve()


def run_dir(root: Path) -> Path:
    """Return (and make) the folder of process records."""
    return _made(root / "run")


def log_dir(root: Path) -> Path:
    """Return (and make) the folder of process logs."""
    return _made(root / "logs")


def socket_dir(root: Path) -> Path:
    """Return the folder of PostgreSQL's socket; short, since a socket's path may have about 100 bytes only."""
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"lamplight-{os.geteuid()}-{digest}"


def broker_options(root: Path) -> dict[str, Any]:
    """Return kombu's options for a queue in files, its folders made."""
    queue = _made(root / "queue" / "messages")
    return {
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(_made(root / "queue" / "control")),
        "store_processed": False,
        # a poke should be seen soon; the default of a second would add up over the stages
        "polling_interval": 0.1,
    }


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Hold an exclusive lock between processes of this machine; the kernel releases it if we die."""
    with (run_dir(root) / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if nothing listens there, else a port that the kernel finds free (loopback)."""
    for port in ([preferred] if preferred else []) + [0]:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
