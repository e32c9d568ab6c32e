"""One worker at a what-if, as a process of its own that a test may kill: answering.py DATABASE EVIDENCE_DIR JOB.

The armed failpoints come from the environment.
"""

import os
import sys
from pathlib import Path


def main(database: str, evidence: str, job: str) -> int:
    """Do what a worker does when it is told of the job, in the tests' own database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    settings.EVIDENCE_DIR = Path(evidence)
    django.setup()
    from rewards import tasks

    tasks.answer_whatif(int(job))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
