"""What a first visit to any page costs in bytes, as production sends it."""

import gzip
import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
from django.core.management import call_command
from django.test import Client

from tests.pages.grown import many_makers, many_markets
from tests.pages.tour import Stop, make_stage, stops

MOST_BYTES = 150_000
IMPORTED = re.compile(r"""^\s*(?:import|export)\b[^"';]*["'](\.{0,2}/[^"']+)["']""", re.MULTILINE)


class Linked(HTMLParser):
    """Finds what a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        if tag == "link" and of.get("rel") in ("stylesheet", "icon", "preload", "modulepreload", "manifest"):
            self.addresses.add(of["href"])
        elif tag in ("script", "img", "source") and of.get("src"):
            self.addresses.add(of["src"])


@pytest.fixture
def as_served(settings, tmp_path):
    """Files collected, hashed and compressed, as `collectstatic` leaves them for production."""
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin"])


def sent(client: Client, path: str, weights: dict[str, int]) -> bytes:
    """Load something as a browser does, note how many bytes travelled, and return what it says."""
    answer = client.get(path, HTTP_ACCEPT_ENCODING="gzip, deflate, br")
    body = b"".join(answer)
    weights[path] = len(body)
    if answer.headers.get("Content-Encoding") == "gzip":
        return gzip.decompress(body)
    return body


def first_visit(stop: Stop) -> dict[str, int]:
    """Return the bytes of a page and of all that it loads at once, by address."""
    weights: dict[str, int] = {}
    page = Linked()
    page.feed(sent(stop.client, stop.path, weights).decode())
    waiting = sorted(page.addresses)
    while waiting:
        address = waiting.pop()
        if address in weights or address.startswith("data:"):
            continue
        text = sent(stop.client, address, weights)
        if address.endswith(".js"):
            waiting += [urljoin(address, found) for found in IMPORTED.findall(text.decode())]
    return weights


@pytest.mark.django_db
@pytest.mark.parametrize("of", [{}, {"markets": many_markets(200), "profiles": many_makers(8)}], ids=["few", "many"])
def test_a_first_visit_to_any_page_loads_at_most_150_kb(as_served, of):
    heavy = {}
    for stop in stops(make_stage(**of)):
        weights = first_visit(stop)
        if sum(weights.values()) > MOST_BYTES:
            heavy[stop.name] = weights
    assert heavy == {}
