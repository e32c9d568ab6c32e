"""Production settings as they would run: Django's own deployment check, and every header on every page."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from config.headers import POLICY
from tests.pages.test_access import GETS, POST_ONLY, client_of, program, url_of

__all__ = ["program"]
REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "q3Zr7Kp1vXw9Lm5Tn8Yb2Hc6Jd4Fg0Sa-e_uRiOzPxQkVbNtMy",
    "ALLOWED_HOSTS": "lamplight.example",
    "DATABASE_URL": "postgres://lamplight:secret@db.example:5432/lamplight",
    "CELERY_BROKER_URL": "redis://queue.example:6379/0",
    "RPC_URLS": "https://node-a.example,https://node-b.example",
    "EVIDENCE_DIR": "/var/lib/lamplight/evidence",
    "PROOFS_DIR": "/var/lib/lamplight/proofs",
    "EMAIL_URL": "smtp+tls://lamplight:secret@mail.example:587",
    "DEFAULT_FROM_EMAIL": "Lamplight <notices@lamplight.example>",
}
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": POLICY,
}


def manage(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"]} | ENVIRONMENT | more,
    )  # fmt: skip


def test_djangos_deployment_check_has_nothing_to_say():
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_a_weak_secret_is_said():
    done = manage("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY="short")
    assert done.returncode == 1
    assert "security.W009" in done.stderr


@pytest.fixture
def secure(settings, monkeypatch):
    """What of the production settings answers a request."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    production = import_module("config.settings.production")
    names = [name for name in dir(production) if name.startswith(("SECURE_", "SESSION_COOKIE", "CSRF_COOKIE"))]
    for name in names:
        setattr(settings, name, getattr(production, name))
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["nobody", "operator", "own maker's admin"])
def test_every_answer_has_every_header_and_a_policy_without_exceptions(program, secure, role):
    client = client_of(role)
    for name, (_, statuses) in GETS.items():
        answer = client.get(url_of(name, program), secure=True)
        b"".join(answer)
        assert {header: answer.headers.get(header) for header in HEADERS} == HEADERS, name
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "*" not in policy, name
        assert "default-src 'none'" in policy, name
        assert answer.status_code in {*statuses, POST_ONLY}, name


@pytest.mark.django_db
def test_cookies_are_for_this_host_over_tls_alone(program, secure):
    answer = Client().get("/sign-in/", secure=True)
    (cookie,) = answer.cookies.values()
    assert cookie.key == "__Host-csrf"
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    User.objects.create_user(username="vera", password="lamps-burn-all-night")
    client = Client()
    client.post("/sign-in/", {"username": "vera", "password": "lamps-burn-all-night"}, secure=True)
    session = client.cookies["__Host-session"]
    assert (session["secure"], session["httponly"], session["samesite"], session["domain"]) == (True, True, "Lax", "")


def test_a_setting_that_is_missing_is_said_in_a_sentence():
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "Set the SECRET_KEY environment variable\n")
