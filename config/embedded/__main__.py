"""`python -m config.embedded up|down|status`: the embedded services by hand; they stay up until `down`."""

import argparse
import os
import sys
from pathlib import Path

from config.embedded import chain, postgres, processes, users
from config.embedded.errors import EmbeddedError
from config.embedded.layout import data_dir, socket_dir


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it says, 2 with one sentence when it can't."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    default = os.environ.get("LAMPLIGHT_DATA_DIR") or Path(__file__).resolve().parents[2] / ".lamplight"
    parser.add_argument("--data-dir", default=default, type=data_dir)
    args = parser.parse_args(argv)
    try:
        return {"up": _up, "down": _down, "status": _status}[args.command](args.data_dir)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 2


def _up(root: Path) -> int:
    postgres.ensure_postgres(root)
    postgres.ensure_database(root)
    url = chain.ensure_chain(root)
    users.hold(root)
    print(f"PostgreSQL {postgres.MAJOR} is up (socket in {socket_dir(root)}), the chain is up at {url}.")
    return 0


def _down(root: Path) -> int:
    if pids := users.living(root):
        print(f"Still in use by process {', '.join(map(str, pids))}: stop that first.", file=sys.stderr)
        return 2
    users.let_go(root)
    stopped = [name for name, ran in (("the chain", chain.stop_chain(root)),
                                      ("PostgreSQL", postgres.stop_postgres(root))) if ran]  # fmt: skip
    print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(root: Path) -> int:
    record = processes.load(root, name="chain")
    running = postgres.is_running(root)
    print(f"PostgreSQL: {'up' if running else 'down'} ({root / 'postgres'})")
    print(f"Chain: {'up, process ' + str(record.pid) if record else 'down'} ({chain.rpc_url(root)})")
    print(f"Used by: {', '.join(map(str, users.living(root))) or 'nobody'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
