"""Bundles for the tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.published import publish


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean bundle that nobody changes."""
    return publish(tmp_path_factory.mktemp("clean") / "bundle")


@pytest.fixture
def bundle(clean: Path, tmp_path: Path) -> Path:
    """A whole bundle of its own for the test."""
    return Path(shutil.copytree(clean, tmp_path / "bundle"))
