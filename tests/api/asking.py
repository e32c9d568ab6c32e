"""Callers of the API in tests: sessions and keys of people with each role."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.api_keys import api_key_make
from accounts.models import User
from tests.pages.test_access import ROLES, person_of

BASE = "/api/v1/"


@dataclass
class Caller:
    """Somebody who asks, with what they send along."""

    client: Client
    key: str = ""

    def get(self, path: str, accept: str = "", **headers: str) -> HttpResponse:
        """Ask for a route, by default in JSON or, where there is nothing else, as a stream of events."""
        usual = "text/event-stream" if path.endswith("/live") else "application/json"
        given: dict[str, Any] = {"HTTP_ACCEPT": accept or usual, **headers}
        if self.key:
            given["HTTP_AUTHORIZATION"] = f"Bearer {self.key}"
        return self.client.get(path if path.startswith("/") else BASE + path, **given)


def by_session(role: str) -> Caller:
    """Return somebody with one of ROLES who has signed in on the pages."""
    client = Client()
    if role != "nobody":
        client.force_login(_person(role))
    return Caller(client)


def by_key(role: str, *scopes: str, **options: Any) -> Caller:
    """Return a program with a key of somebody with one of ROLES."""
    _, text = api_key_make(by=_person(role), name="a program", scopes=scopes, days=30, now=timezone.now(), **options)
    return Caller(Client(), text)


def _person(role: str) -> User:
    return User.objects.filter(username=f"a {role}").first() or person_of(role)


__all__ = ["BASE", "ROLES", "Caller", "by_key", "by_session"]
