"""What all tests share: the embedded PostgreSQL, started when the first test asks for a database."""

import os
import shutil
import tempfile

import pytest
from django.conf import settings

from config import embedded
from tests.chain import anvil, anvil_process, exchange

__all__ = ["anvil", "anvil_process", "exchange"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Start the embedded PostgreSQL before pytest-django makes its test database; tests need no crash safety."""
    if settings.EMBEDDED_POSTGRES:
        embedded.use(settings.DATA_DIR, with_chain=False, durable=False)


def pytest_configure(config: pytest.Config) -> None:
    """Give this run a folder of its own for temporary files.

    Runs of one user share a folder whose rights each new one narrows again; a PostgreSQL that was started in it by a
    run that goes on, under an account of its own, could then no longer reach its data.
    """
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        root = tempfile.mkdtemp(prefix="lamplight-")
        os.environ["PYTEST_DEBUG_TEMPROOT"] = root
        config.add_cleanup(lambda: shutil.rmtree(root, ignore_errors=True))


@pytest.fixture(autouse=True, scope="session")
def _evidence_goes_away():
    """Evidence that tests write is gone when they end."""
    yield
    for folder in (settings.EVIDENCE_DIR, settings.PROOFS_DIR):
        shutil.rmtree(folder, ignore_errors=True)
