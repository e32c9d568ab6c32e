"""Authenticator apps and recovery codes as their owners use them, for the sign-in tests."""

import re

from allauth.mfa.totp.internal import auth as totp
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.accounts.mailbox import app_code

PASSWORD = "lamps-burn-all-night"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def sign_in_with_password(client: Client, name: str = "treasurer", **more: str) -> HttpResponse:
    """Take the first step."""
    return client.post("/sign-in/", {"username": name, "password": PASSWORD, **more})


def add_app(client: Client) -> str:
    """Set an app up as its owner does, and return its key."""
    page = client.get("/account/app/add/").content.decode()
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)[1]
    answer = client.post("/account/app/add/", {"code": app_code(secret)})
    assert answer["Location"] == "/account/recovery-codes/"
    return secret


def give_app(person: User) -> None:
    """The person has an app with SECRET, set up some time ago."""
    totp.TOTP.activate(person, SECRET)


def recovery_codes(client: Client) -> list[str]:
    """Those that the page shows as unused."""
    return re.findall(r"<li><code>(\d{8})</code></li>", client.get("/account/recovery-codes/").content.decode())


def person_in(client: Client) -> str | None:
    """Who is signed in, by the session's own record."""
    return client.session.get("_auth_user_id")


def second_step(client: Client, code: str) -> HttpResponse:
    """Take the second step with a code."""
    return client.post("/sign-in/second-factor/", {"code": code})
