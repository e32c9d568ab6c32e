"""A browser wallet sends and signs exactly what the server wrote: Chromium, our pages, a wallet that takes notes."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from eth_account.messages import _hash_eip191_message, encode_typed_data
from playwright.sync_api import Page, Route, sync_playwright

from accounts.models import User
from onchain.distributor import allowance_calldata, approval_call
from onchain.models import ChainSafe
from onchain.safe import SafeTx
from rewards.models import SafeTransaction
from tests.pages.factories import DISTRIBUTOR, TOKEN_ADDRESS, TREASURY, scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
SITE = "http://lamplight.test"
SIGNATURE = "0x" + "12" * 65
WALLET = """
window.asked = [];
window.ethereum = { request: async ({ method, params }) => {
  window.asked.push({ method, params });
  return { eth_requestAccounts: ["%s"], eth_chainId: "0x7a69", eth_sendTransaction: "0xabc",
           eth_signTypedData_v4: "%s" }[method];
} };
"""


@contextmanager
def show(pages: dict[str, bytes], account: str) -> Iterator[tuple[Page, list[str]]]:
    """Open Chromium on pages that were rendered before; gives the page and what it posts."""
    posted: list[str] = []

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if route.request.method == "POST":
            posted.append(route.request.post_data or "")
            route.fulfill(body="kept", content_type="text/html")
        elif path in pages:
            route.fulfill(body=pages[path], content_type="text/html")
        else:
            found = finders.find(path.removeprefix("/static/"))
            route.fulfill(path=str(found)) if found else route.fulfill(status=404)

    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(WALLET % (account, SIGNATURE))
        page.route("**/*", answer)
        yield page, posted
        browser.close()


def treasury_page(program, settings) -> tuple[str, bytes]:
    settings.LOCAL_TREASURY_SIGNER = False
    client = Client()
    client.force_login(User.objects.get(username="treasurer"))
    path = f"/treasury/epochs/{program.slug}/2/"
    return path, client.get(path).content


def sent(page: Page, method: str) -> list[dict]:
    return [call["params"] for call in page.evaluate("window.asked") if call["method"] == method]


def test_the_treasurys_wallet_sends_the_allowance_and_the_approval_that_the_page_shows(settings):
    made = scene()
    epoch = made.program.epochs.get(number=2)
    path, html = treasury_page(made.program, settings)
    with show({path: html}, TREASURY) as (page, _):
        page.goto(SITE + path)
        buttons = page.get_by_role("button", name="Send with the wallet")
        buttons.nth(1).wait_for()
        for button in buttons.all():
            button.click()
        page.get_by_text("Sent: 0xabc").nth(1).wait_for()
        calls = [params[0] for params in sent(page, "eth_sendTransaction")]
    approval = approval_call(distributor=DISTRIBUTOR, epoch=2, digest=epoch.digest)
    allowance = allowance_calldata(spender=DISTRIBUTOR, amount=epoch.paid_total)
    assert [(call["to"], call["data"], call["value"], call["from"]) for call in calls] == [
        (TOKEN_ADDRESS, allowance, "0x0", TREASURY),
        (DISTRIBUTOR, approval.calldata, "0x0", TREASURY),
    ]


def test_another_account_than_the_treasurys_sends_nothing(settings):
    made = scene()
    path, html = treasury_page(made.program, settings)
    with show({path: html}, "0x" + "99" * 20) as (page, _):
        page.goto(SITE + path)
        page.get_by_role("button", name="Send with the wallet").first.click()
        page.get_by_text(f"choose the account {TREASURY}").wait_for()
        assert sent(page, "eth_sendTransaction") == []


def test_an_owner_signs_the_safes_typed_data_and_the_signature_goes_to_the_server(settings):
    made = scene()
    epoch = made.program.epochs.get(number=2)
    owner = "0x" + "a1" * 20
    ChainSafe.objects.create(
        chain_id=31337, address=TREASURY, version="1.4.1", owners=[owner, "0x" + "a2" * 20], threshold=2, nonce=4
    )
    call = approval_call(distributor=DISTRIBUTOR, epoch=2, digest=epoch.digest)
    built = SafeTx(chain_id=31337, safe=TREASURY, to=call.to, data=call.calldata, operation=0, nonce=4)
    fields = [{"name": field.name, "type": field.type, "value": field.value} for field in call.fields]
    SafeTransaction.objects.create(
        epoch=epoch, digest=epoch.digest, safe=TREASURY, nonce=4, to=call.to, data=call.calldata, operation=0,
        calls=[{"to": call.to, "function": call.function, "data": call.calldata, "fields": fields}],
        safe_tx_hash=built.hash,
    )  # fmt: skip
    path, html = treasury_page(made.program, settings)
    with show({path: html}, owner) as (page, posted):
        page.goto(SITE + path)
        assert page.get_by_text(built.hash).first.is_visible()
        page.get_by_role("button", name="Sign with the wallet").click()
        page.get_by_text("kept").wait_for()
    form = parse_qs(posted[0])
    assert (form["signature"], form["safe_tx_hash"]) == ([SIGNATURE], [built.hash])


def test_what_the_wallet_is_given_to_sign_has_the_safes_hash():
    built = SafeTx(chain_id=31337, safe=TREASURY, to=DISTRIBUTOR, data="0xaabb", operation=0, nonce=4)
    message = encode_typed_data(full_message=json.loads(json.dumps(built.typed_data)))
    assert "0x" + _hash_eip191_message(message).hex() == built.hash
