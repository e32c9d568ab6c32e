"""The documentation as a site under /docs/: whole, safe, cacheable, and readable without it being built."""

import gzip
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from accounts.models import User
from rewards.api.errors import KINDS
from tests.accounts.factors import sign_in_with_password
from tests.pages.factories import PASSWORD

pytestmark = pytest.mark.django_db
PAGES = ("", "makers/", "makers/how-am-i-scored/", "api/", "operators/runbook/", "decisions/", "reference/settings/")


class Inline(HTMLParser):
    """Notes what our content security policy would not let run or count, and what is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.found.append(f"<{tag}> with its text inside")
        self.found += [f"{name} on <{tag}>" for name in given if name == "style" or name.startswith("on")]
        fetched = given.get("src") or (given.get("href") if tag == "link" else None) or ""
        if re.match(r"(https?:)?//", fetched):
            self.found.append(f"<{tag}> that fetches {fetched}")


def test_no_page_holds_what_the_policy_forbids_or_fetches_from_elsewhere(built):
    pages = list(built.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        reader = Inline()
        reader.feed(page.read_text())
        assert reader.found == [], page


def test_no_list_or_table_of_the_sources_has_fallen_into_a_paragraph(built):
    for page in built.rglob("index.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", page.read_text(), re.DOTALL):
            assert not re.search(r"^(- |\* |\d+\. |\|)", paragraph, re.MULTILINE), (page, paragraph[:120])


@pytest.mark.parametrize("page", PAGES)
def test_everybody_reads_a_page_under_the_policy_of_the_whole_site(site, client, page):
    answer = client.get(f"/docs/{page}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_that_has_not_changed_is_not_sent_again(site, client):
    first = client.get("/docs/makers/")
    assert client.get("/docs/makers/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get("/docs/makers/", headers={"If-None-Match": '"another"'}).status_code == 200
    assert client.head("/docs/makers/")["ETag"] == first["ETag"]


def test_a_page_travels_packed_to_whoever_can_unpack_it(site, client):
    plain = client.get("/docs/search/search_index.json", headers={"Accept-Encoding": ""})
    packed = client.get("/docs/search/search_index.json", headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] != plain["ETag"]
    assert "Accept-Encoding" in packed["Vary"]
    assert plain["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        *("../manage.py", "..%2fmanage.py", "%2e%2e/manage.py", "assets/../../pyproject.toml", "/etc/passwd", "%00"),
        *("index.html/", "nowhere/", "assets/", "makers/../../x", "assets/javascripts/bundle.js.map"),
    ],
)
def test_nothing_but_the_sites_own_files_is_sent(site, client, path):
    (site.parent / "manage.py").write_text("a secret")
    answer = client.get(f"/docs/{path}")
    assert answer.status_code in (400, 404)
    assert b"a secret" not in answer.content


def test_a_link_that_leads_out_of_the_folder_is_not_followed(site, client):
    (site / "out.txt").symlink_to("/etc/hostname")
    (site / "index.html").touch()
    assert client.get("/docs/out.txt").status_code == 404
    (site / "out.txt").unlink()


def test_an_address_without_its_last_slash_leads_to_the_page_and_nothing_is_posted(site, client):
    assert client.get("/docs/makers")["Location"] == "/docs/makers/"
    assert client.post("/docs/makers/").status_code == 405


def test_a_new_build_is_served_without_a_new_start(site, client):
    assert client.get("/docs/fresh.html").status_code == 404
    (site / "fresh.html").write_text("<p>new")
    (site / "index.html").touch()
    assert client.get("/docs/fresh.html").content == b"<p>new"
    (site / "fresh.html").unlink()
    assert client.get("/docs/fresh.html").status_code == 404


def test_where_nothing_is_built_the_page_says_what_to_do(client, settings, tmp_path):
    settings.DOCS_SITE = tmp_path / "nothing"
    answer = client.get("/docs/operators/")
    assert answer.status_code == 404
    assert "make docs" in answer.content.decode()


def test_every_page_of_the_application_leads_to_the_documentation(client):
    assert '<a href="/docs/">Documentation</a>' in client.get("/status/").content.decode()


def test_a_treasurer_who_has_no_second_factor_yet_can_read_how_to_set_one_up(site, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    User.objects.create_user("tess", password=PASSWORD, role=User.Role.TREASURER)
    client = Client()
    sign_in_with_password(client, "tess")
    assert client.get("/treasury/").status_code == 302
    assert client.get("/docs/sign-in/").status_code == 200


def test_the_page_that_an_error_of_the_api_leads_to_explains_its_code(site, client):
    page = client.get("/docs/api/").content.decode()
    for code in KINDS:
        assert f'id="{code}"' in page, code
