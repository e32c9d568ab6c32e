"""Beats of watching and advancing, each in a process that a test may kill: advancing.py DATABASE EVIDENCE_DIR.

Each line of standard input is a beat in a forked child, answered with the child's exit status, so that a test can
kill many without paying for each one's start. The node, the proposer's key and the armed failpoints come from the
environment, as in production.
"""

import os
import sys
import traceback
from pathlib import Path


def main(database: str, evidence: str) -> int:
    """Do what a worker does at a beat, in the tests' own database, as often as asked."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    settings.EVIDENCE_DIR = Path(evidence)
    django.setup()
    from rewards import tasks  # noqa: F401 - imported before the children are made

    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                _beat()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return 0


def _beat() -> None:
    from onchain.indexer import follow, node
    from rewards import tasks

    client = node()
    follow(client)
    client.close()
    tasks.watch_distributor()
    tasks.advance_epochs()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
