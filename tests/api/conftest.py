"""What tests of the API share."""

import pytest

from rewards.api import limits
from tests.accounts.mailbox import OneStretch
from tests.pages.factories import scene


@pytest.fixture(autouse=True)
def _fresh_limits():
    """What a process has taken ahead belongs to a database that is gone."""
    limits.forget()
    yield
    limits.forget()


@pytest.fixture(autouse=True)
def _one_stretch(monkeypatch):
    """Requests are counted within one stretch, however long a test takes; keys expire by the real clock as ever."""
    real = limits.allowance
    for where in ("base", "keptcheck"):
        monkeypatch.setattr(f"rewards.api.{where}.allowance", lambda **given: real(**given | {"now": OneStretch.now()}))


@pytest.fixture
def stage():
    return scene()
