"""The browser's wallet fills in a quoting address and signs exactly the text that the page shows."""

import json
import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Page, Route, sync_playwright

from tests.accounts.enrolling import asker
from tests.accounts.people import follow_chain, key, signed

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
SITE = "http://testserver"
QUOTER, OTHER = key(31), key(32)
WALLET = """
window.asked = [];
window.ethereum = { request: async ({ method, params }) => {
  window.asked.push({ method, params });
  return { eth_requestAccounts: %s, personal_sign: %s }[method];
} };
"""


def open_page(page: Page, path: str, html: bytes, posted: list[str]) -> None:
    def answer(route: Route) -> None:
        asked = urlsplit(route.request.url).path
        if route.request.method == "POST":
            posted.append(route.request.post_data or "")
            route.fulfill(body="kept", content_type="text/html")
        elif asked == path:
            route.fulfill(body=html, content_type="text/html")
        else:
            found = finders.find(asked.removeprefix("/static/"))
            route.fulfill(path=str(found)) if found else route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto(SITE + path)


@pytest.fixture
def lantern():
    follow_chain()
    person = asker()
    person.ask()
    return person


def test_the_wallet_signs_the_text_of_the_page_and_what_it_signed_is_taken(lantern):
    answer = lantern.client.post(lantern.page, {"action": "message", "address": QUOTER.address})
    text = answer.context["panel"].message
    signature, posted = signed(QUOTER, text), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
        )
        page = browser.new_page()
        page.add_init_script(WALLET % (json.dumps([OTHER.address, QUOTER.address]), json.dumps(signature)))
        open_page(page, lantern.page, answer.content, posted)
        page.get_by_role("button", name="Sign with").click()
        page.get_by_text("kept").wait_for()
        browser.close()
    form = {name: values[0] for name, values in parse_qs(posted[0]).items()}
    assert (form["action"], form["signature"]) == ("prove", signature)
    assert "is proven" in lantern.hand_in(form["message"].replace("\r\n", "\n"), form["signature"])


def test_a_wallet_without_the_address_is_asked_for_no_signature(lantern):
    html = lantern.client.post(lantern.page, {"action": "message", "address": QUOTER.address}).content
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
        )
        page = browser.new_page()
        page.add_init_script(WALLET % (json.dumps([OTHER.address]), '"0x12"'))
        open_page(page, lantern.page, html, [])
        page.get_by_role("button", name="Sign with").click()
        page.get_by_text(f"the text is for {QUOTER.address.lower()}").wait_for()
        asked = [call["method"] for call in page.evaluate("window.asked")]
        browser.close()
    assert asked == ["eth_requestAccounts"]
