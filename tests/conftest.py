"""What all tests share: the embedded PostgreSQL, started when the first test asks for a database."""

import shutil

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


@pytest.fixture(autouse=True, scope="session")
def _evidence_goes_away():
    """Evidence that tests write is gone when they end."""
    yield
    for folder in (settings.EVIDENCE_DIR, settings.PROOFS_DIR):
        shutil.rmtree(folder, ignore_errors=True)
