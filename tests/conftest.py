"""What all tests share: the embedded PostgreSQL, started when the first test asks for a database."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as examples

from config import embedded
from tests.chain import anvil, anvil_process, exchange

__all__ = ["anvil", "anvil_process", "exchange"]
HERE = Path(__file__).parent
APPLICATION = {name: settings.DATABASES["default"].get(name, "") for name in ("USER", "PASSWORD")}

# How long an example takes, or takes to make, is the machine's load and says nothing about the code.
examples.register_profile("lamplight", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("lamplight")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Start the embedded PostgreSQL before pytest-django makes its test database; tests need no crash safety.

    Only the tables' owner may make that database, and drop it at the end.
    """
    if settings.EMBEDDED_POSTGRES:
        embedded.use(settings.DATA_DIR, with_chain=False, durable=False)
    with connected_as(settings.DATABASE_OWNER or {}):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: None, django_db_setup: None) -> Iterator[None]:
    """Run every test with the application's own database role, with the rights that `migrate` has granted it."""
    with connected_as(APPLICATION):
        yield


@contextmanager
def connected_as(role: Mapping[str, str]) -> Iterator[None]:
    """Have new connections use another user."""
    before = {name: connection.settings_dict[name] for name in role}
    connection.close()
    connection.settings_dict.update(role)
    yield
    connection.close()
    connection.settings_dict.update(before)


LONG_FIRST = ("e2e", "faults", "deploy", "watching")
"""Folders whose tests start whole services and mostly wait: begun last, one of them would be waited for alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; the order within them, and of all others, stays."""
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] not in LONG_FIRST)


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
