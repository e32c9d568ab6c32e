"""One beat of watching and advancing, as a process of its own that a test may kill: advancing.py DATABASE EVIDENCE_DIR.

The node, the proposer's key and the armed failpoints come from the environment, as in production.
"""

import os
import sys
from pathlib import Path


def main(database: str, evidence: str) -> int:
    """Do what a worker does at one beat, in the tests' own database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    settings.EVIDENCE_DIR = Path(evidence)
    django.setup()
    from onchain.indexer import follow, node
    from rewards import tasks

    client = node()
    follow(client)
    client.close()
    tasks.watch_distributor()
    tasks.advance_epochs()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
