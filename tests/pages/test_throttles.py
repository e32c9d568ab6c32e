"""What anybody may ask for is counted by place: too much is a plain sentence and the time to wait."""

import pytest
from django.test import Client
from django.urls import reverse

from rewards.views import throttling
from tests.accounts.mailbox import OneStretch
from tests.pages.factories import scene

pytestmark = pytest.mark.django_db
ACCOUNT, ROOT = "0x" + "12" * 20, "0x" + "34" * 32


@pytest.fixture
def slug(monkeypatch) -> str:
    monkeypatch.setattr(throttling, "LIMITS", dict.fromkeys(throttling.LIMITS, 2))
    monkeypatch.setattr(throttling, "timezone", OneStretch)
    return scene().program.slug


def test_collecting_too_often_is_refused_with_a_sentence_and_the_time_to_wait(slug):
    address, client = reverse("collect-now", args=[ACCOUNT, slug]), Client()
    assert [client.post(address).status_code for _ in range(2)] == [302, 302]
    answer = client.post(address)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    assert "Too many tries. Wait" in answer.content.decode()
    assert client.post(address, REMOTE_ADDR="203.0.113.9").status_code == 302
    # Looking is free.
    assert client.get(reverse("collect-account", args=[ACCOUNT])).status_code == 200


def test_files_answer_machines_in_json(slug):
    client = Client()
    address = reverse("proof", args=[slug, ACCOUNT])
    assert [client.get(address).status_code for _ in range(2)] == [404, 404]
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/json")
    assert answer.json()["error"].startswith("Too many tries.")


def test_every_limit_is_that_of_an_address(slug):
    from tests.pages.test_access import names

    assert set(throttling.LIMITS) <= names()
