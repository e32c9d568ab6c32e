"""What tests of the API share."""

import pytest

from rewards.api import limits
from tests.pages.factories import scene


@pytest.fixture(autouse=True)
def _fresh_limits():
    """What a process has taken ahead belongs to a database that is gone."""
    limits.forget()
    yield
    limits.forget()


@pytest.fixture
def stage():
    return scene()
