"""A wallet in a real browser: announced by EIP-6963, it signs for real, and its owner is in, links and leaves."""

import shutil
from collections.abc import Iterator

import pytest
from eth_account.messages import encode_defunct
from playwright.sync_api import Page, expect, sync_playwright

from tests.accounts.people import follow_chain, key

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
KEYS = {account.address: account for account in (key(21), key(22))}
# A wallet by the EIP's text: it announces itself when it loads and whenever a page asks. Signing is done outside.
WALLET = """
window.chosen = %r;
const provider = { request: async ({ method, params }) => {
  if (method === "eth_requestAccounts") return [window.chosen.toLowerCase()];
  if (method !== "personal_sign") throw Object.assign(new Error("unsupported"), { code: 4200 });
  const signature = await window.signOutside(params[0], window.chosen);
  if (!signature) throw Object.assign(new Error("User rejected"), { code: 4001 });
  return signature;
} };
const info = Object.freeze({ uuid: "350670db-19fa-4704-a166-e52e178b59d2", name: "Test Lantern", rdns: "com.example",
  icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" });
const announce = () => window.dispatchEvent(
  new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
window.addEventListener("eip6963:requestProvider", announce);
announce();
"""


@pytest.fixture
def page(live_server, monkeypatch) -> Iterator[Page]:
    """A window with the wallet in it; nothing may complain in its console."""
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    follow_chain()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page, complaints = browser.new_page(), []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.refuses = False
        page.expose_function("signOutside", lambda text, who: "" if page.refuses else _sign(text, who))
        page.add_init_script(WALLET % next(iter(KEYS)))
        page.goto(live_server.url + "/sign-in/")
        yield page
        browser.close()
    assert complaints == []


def _sign(text_hex: str, who: str) -> str:
    return "0x" + bytes(KEYS[who].sign_message(encode_defunct(hexstr=text_hex)).signature).hex()


def test_a_wallet_is_found_signs_in_links_a_second_account_and_signs_out_everywhere(page):
    first, second = KEYS
    wallet = page.get_by_role("button", name="Test Lantern")
    page.refuses = True
    wallet.click()
    expect(page.get_by_text("Nothing was signed.")).to_be_visible()
    page.refuses = False
    wallet.click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.get_by_title("Your account").click()
    expect(page.locator("main").get_by_text(first.lower()).first).to_be_visible()
    page.evaluate("address => { window.chosen = address; }", second)
    wallet.click()
    expect(page.get_by_text(f"{second.lower()} is linked.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
