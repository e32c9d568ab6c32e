"""Who uses the embedded services now: the last process to leave stops what was started, unless somebody holds it."""

import atexit
import os
from pathlib import Path

from config.embedded import chain, postgres, processes
from config.embedded.layout import locked, run_dir
from config.embedded.stopping import undisturbed


def use(root: Path, *, with_chain: bool = True, with_postgres: bool = True, durable: bool = True) -> None:
    """Have the services run while this process lives; leaving is registered to happen at its exit.

    A child made by fork doesn't count: only the process that called `use` leaves.
    """
    with locked(root, "users"):
        if with_postgres:
            postgres.ensure_postgres(root, durable=durable)
            postgres.ensure_database(root)
        if with_chain:
            chain.ensure_chain(root)
        me = os.getpid()
        processes.save(root, name=_name(me), record=processes.Record(me, processes.birth(me)))
    atexit.register(release, root)


def release(root: Path) -> None:
    """Leave. If no living process uses the services of `root` any more and nobody holds them, they are stopped."""
    if not (run_dir(root) / f"{_name(os.getpid())}.json").exists():
        return
    with undisturbed(), locked(root, "users"):
        (run_dir(root) / f"{_name(os.getpid())}.json").unlink(missing_ok=True)
        if not living(root) and not is_held(root):
            chain.stop_chain(root)
            postgres.stop_postgres(root)


def living(root: Path) -> list[int]:
    """Return the ids of the processes that use the services; records of dead ones are removed."""
    found = []
    for path in sorted(run_dir(root).glob("user-*.json")):
        record = processes.load(root, name=path.stem)
        if record is None:
            path.unlink(missing_ok=True)
        else:
            found.append(record.pid)
    return found


def hold(root: Path) -> None:
    """Keep the services up from one command to the next, until `let_go`: the local chain lives in memory alone."""
    _held(root).touch()


def let_go(root: Path) -> None:
    """End that."""
    _held(root).unlink(missing_ok=True)


def is_held(root: Path) -> bool:
    """Whether somebody has brought the services up by hand."""
    return _held(root).exists()


def _held(root: Path) -> Path:
    return run_dir(root) / "held"


def _name(pid: int) -> str:
    return f"user-{pid}"
