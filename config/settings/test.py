"""For pytest: the embedded PostgreSQL in a data directory of the tests, the same code as a local user runs."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("LAMPLIGHT_DATA_DIR", str(Path(__file__).resolve().parents[2] / ".lamplight" / "test"))

from config.settings.local import *  # noqa: F403 - the tests run what a local user runs
from config.settings.local import DATABASES

DEBUG = False
# No thread of its own writes while a test runs.
TALLIES_EVERY_S = 0
# Two runs at once must not share a test database.
DATABASES["default"]["TEST"] = {"NAME": f"test_lamplight_{os.getpid()}"}
# A test's transaction is its whole time, in which Numba may have to compile; on a busy machine that takes minutes.
DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=0"
# A second name for the same database, which only the tests of replicas use.
DATABASES["replica"] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}
# Hashing is slow on purpose; the tests sign in hundreds of times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EVIDENCE_DIR = Path(tempfile.gettempdir()) / f"lamplight-test-evidence-{os.getpid()}"
PROOFS_DIR = Path(tempfile.gettempdir()) / f"lamplight-test-proofs-{os.getpid()}"
# What is built in the repository's folder is of no concern to a test; whoever needs a site builds one.
DOCS_SITE = Path(tempfile.gettempdir()) / f"lamplight-test-no-site-{os.getpid()}"
