"""The treasury's people see and do nothing without a second factor, on no page and in no service."""

import os
import subprocess
import sys

import pytest
from django.db import transaction
from django.test import Client

from accounts.errors import NotPermittedError, SecondFactorNeededError
from accounts.members import role_set
from accounts.models import User
from accounts.roles import APART_FROM_MAKERS, Deed, may, require
from rewards.errors import NotAllowedError
from tests.accounts.factors import (
    PASSWORD,
    SECRET,
    add_app,
    give_app,
    sign_in_with_password,
)
from tests.accounts.mailbox import app_code

pytestmark = pytest.mark.django_db
TREASURY = sorted(role.value for role in APART_FROM_MAKERS)


@pytest.fixture(autouse=True)
def _what_waits_for_the_commit_is_done(monkeypatch):
    # Within the request, as in production; a test's own transaction never commits.
    monkeypatch.setattr(transaction, "on_commit", lambda do, **_: do())


@pytest.fixture
def treasurer(db) -> User:
    return User.objects.create_user(username="treasurer", password=PASSWORD, role="treasurer")


@pytest.fixture
def required(settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.mark.parametrize("role", TREASURY)
def test_without_a_second_factor_the_treasurys_people_see_one_page(required, role):
    person = User.objects.create_user(username="watcher", password=PASSWORD, role=role)
    client = Client()
    sign_in_with_password(client, "watcher")
    for path in ("/", "/treasury/", "/makers/", "/account/", "/collect/", "/roles/", "/status/", "/admin/"):
        assert client.get(path)["Location"] == "/account/second-factor/", path
    assert client.post("/roles/", {"person": "x"})["Location"] == "/account/second-factor/"
    page = client.get("/account/second-factor/").content.decode()
    assert "Until you have one, this is the only page for you." in page
    assert "Treasury</a>" not in page
    add_app(client)
    assert client.get("/account/").status_code == 200
    assert client.get("/treasury/").status_code == 200
    assert may(person=person, deed=Deed.SEE_TREASURY)


@pytest.mark.parametrize("deed", list(Deed))
def test_services_refuse_the_treasurys_people_without_a_second_factor(required, deed):
    for role in TREASURY:
        person = User.objects.create_user(username=f"a {role}", role=role)
        assert not may(person=person, deed=deed)
        with pytest.raises(NotPermittedError):
            require(person=person, deed=deed)
    operator = User.objects.get(username="a operator")
    with pytest.raises(SecondFactorNeededError, match=r"needs a second factor\. Set up a passkey"):
        role_set(by=operator, person=User.objects.create_user(username="x"), role=User.Role.AUDITOR)
    give_app(operator)
    role_set(by=operator, person=User.objects.get(username="x"), role=User.Role.AUDITOR)
    assert User.objects.get(username="x").role == "auditor"


def test_an_epoch_is_not_approved_without_a_second_factor(required, settings):
    from onchain.rpc import connect
    from rewards.services.approval import approve_with_local_node
    from tests.pages.factories import scene

    settings.LOCAL_TREASURY_SIGNER = True
    # What stands there was set up by people who had one.
    settings.SECOND_FACTOR_REQUIRED = False
    stage = scene()
    settings.SECOND_FACTOR_REQUIRED = True
    with pytest.raises(NotAllowedError):
        approve_with_local_node(connect(urls=[]), epoch=stage.waiting, by=User.objects.get(username="treasurer"))


def test_a_session_that_has_not_shown_the_factor_is_asked_for_it(required, treasurer):
    client = Client()
    client.force_login(treasurer)
    give_app(treasurer)
    assert client.get("/treasury/")["Location"] == "/account/confirm/second-factor/?next=%2Ftreasury%2F"
    client.post("/account/confirm/second-factor/?next=/treasury/", {"code": app_code(SECRET)})
    assert client.get("/treasury/").status_code == 200


@pytest.mark.parametrize("role", ["provider", "maker"])
def test_everybody_else_may_go_without(required, role):
    User.objects.create_user(username="somebody", password=PASSWORD, role=role)
    client = Client()
    sign_in_with_password(client, "somebody")
    assert client.get("/account/").status_code == 200


def test_in_production_no_setting_lets_the_treasury_go_without():
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production", "SECOND_FACTOR_REQUIRED": "false",
        "SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "lamplight.example", "RPC_URLS": "https://node.example",
        "CELERY_BROKER_URL": "redis://queue", "EVIDENCE_DIR": "/var/e", "PROOFS_DIR": "/var/p",
        "DATABASE_URL": "postgres://u:p@db/lamplight", "EMAIL_URL": "smtp+tls://u:p@mail.example:587",
        "DEFAULT_FROM_EMAIL": "Lamplight <l@lamplight.example>",
    }  # fmt: skip
    script = "from django.conf import settings as s; print(s.SECOND_FACTOR_REQUIRED, s.LOCAL_MAIL_DIR, s.EMAIL_USE_TLS)"
    command = [sys.executable, "-W", "error", "-c", script]
    answer = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "None", "True"]


def test_a_demo_goes_without_and_says_so(treasurer):
    client = Client()
    sign_in_with_password(client)
    assert client.get("/treasury/").status_code == 200
    assert "your role may go without a second factor. In production it needs one" in (
        client.get("/account/").content.decode()
    )
