"""Providers collect in a real browser: with the button, by themselves, and through everything that goes wrong.

One stack for all: PostgreSQL, anvil with the contracts, our pages on a port, and a wallet in Chromium that announces
itself by EIP-6963 and signs for real. The worker's tasks run when a test says so, which is how it reloads in between.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import Maker
from accounts.services import maker_payouts_set
from onchain.models import ChainClaim, OutgoingTransaction
from rewards import tasks
from rewards.models import ClaimRequest, Entitlement
from rewards.trouble import Trouble
from tests.chain import Anvil, calldata, deploy_exchange
from tests.operators import OPERATOR
from tests.rewards.conftest import GUARDIAN, TREASURY, House, build_house, hot_keys, verify_here
from tests.rewards.test_publishing import activated, poke, propose

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
ETHER = 10**18
# A provider for each story, so that none depends on another; each is paid a part of Alice's pay.
NAMES = ("free", "alone", "poor", "elsewhere", "shy", "late", "twice", "racing", "raced", "paused", "away", "choosing")
ACCOUNTS = {name: "0x" + f"{0xC0 + number:040x}" for number, name in enumerate(NAMES)}
WALLET = """(() => {
const listeners = {};
const provider = {
  on: (name, listener) => { listeners[name] = listener; },
  request: async ({ method, params }) => {
    const answer = JSON.parse(await window.OUTSIDE(method, JSON.stringify(params ?? [])));
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result;
  },
};
const info = Object.freeze({ uuid: "350670db-19fa-4704-a166-NUMBER", name: "NAME", rdns: "com.example.OUTSIDE",
  icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" });
const announce = () => window.dispatchEvent(
  new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
window.addEventListener("eip6963:requestProvider", announce);
announce();
})()"""


class RejectionError(Exception):
    """What the wallet answers instead: an EIP-1193 code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Wallet:
    """A wallet outside of the page: it holds the key, asks its owner, signs and sends to the chain by itself."""

    anvil: Anvil
    account: LocalAccount
    chain_id: int = 31337
    declines: bool = False
    stays: bool = False
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def answer(self, method: str, params: str) -> str:
        self.asked.append(method)
        try:
            return json.dumps({"result": self._do(method, json.loads(params))})
        except RejectionError as error:
            return json.dumps({"error": {"code": error.code, "message": str(error)}})
        except RuntimeError as error:
            # The node's own words, in the code that wallets wrap them in.
            return json.dumps({"error": {"code": -32603, "message": str(error)}})

    def _do(self, method: str, params: list[Any]) -> Any:
        if method in ("eth_requestAccounts", "eth_accounts"):
            return [self.account.address.lower()]
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "wallet_switchEthereumChain":
            if self.stays:
                raise RejectionError(4902, "Unrecognized network")
            self.chain_id = int(params[0]["chainId"], 16)
            return None
        if method == "eth_sendTransaction":
            return self._send(params[0])
        return self.anvil.rpc(method, *params)

    def _send(self, call: dict[str, str]) -> str:
        if self.declines:
            raise RejectionError(4001, "User rejected the request.")
        assert call["value"] == "0x0"
        nonce = int(self.anvil.rpc("eth_getTransactionCount", self.account.address, "pending"), 16)
        signed = self.account.sign_transaction(
            {
                "chainId": self.chain_id, "nonce": nonce, "to": to_checksum_address(call["to"]), "value": 0,
                "data": call["data"], "gas": 400_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 1, "type": 2,
            }
        )  # fmt: skip
        hash_ = self.anvil.rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        self.sent.append(hash_)
        return str(hash_)


@dataclass
class Stack:
    """Everything that runs, for all tests of this file."""

    house: House
    url: str
    browser: Browser

    @contextmanager
    def window(self, *wallets: Wallet, pages: int = 1) -> Iterator[Any]:
        """Windows of one browser on a phone, with wallets in it; nothing may complain in their consoles."""
        context = self.browser.new_context(viewport={"width": 390, "height": 844})
        context.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        for number, wallet in enumerate(wallets, start=1):
            outside = f"walletOutside{number}"
            context.expose_function(outside, wallet.answer)
            text = WALLET.replace("OUTSIDE", outside).replace("NUMBER", f"{number:012}")
            context.add_init_script(text.replace("NAME", f"Test Lantern {number}"))
        made = [context.new_page() for _ in range(pages)]
        for page in made:
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
        yield made[0] if pages == 1 else made
        context.close()
        assert complaints == []

    def open(self, page: Page, name: str) -> Page:
        page.goto(f"{self.url}/collect/{ACCOUNTS[name]}/")
        return page

    def wallet(self, number: int, *, coins: int = ETHER, **more: Any) -> Wallet:
        """A wallet with its own key; none of them is the account that is paid."""
        account = Account.from_key((7_000 + number).to_bytes(32, "big"))
        self.house.anvil.rpc("anvil_setBalance", account.address, hex(coins))
        return Wallet(anvil=self.house.anvil, account=account, **more)

    def paid(self, name: str) -> tuple[int, int]:
        """(what the token says that the account has, how often it was paid)."""
        account = ACCOUNTS[name]
        return self.house.balance(account), ChainClaim.objects.filter(account=account).count()


@pytest.fixture(scope="module")
def stack(django_db_setup, django_db_blocker, anvil_process, tmp_path_factory) -> Iterator[Stack]:
    """Build it once: a week that pays eleven providers."""
    patch = pytest.MonkeyPatch()
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    root = tmp_path_factory.mktemp("collecting")
    changes = {
        "RPC_URLS": [anvil_process], "EVIDENCE_DIR": root / "evidence", "PROOFS_DIR": root / "proofs",
        "SIGNERS": hot_keys(settings.SIGNERS), "ALLOWED_HOSTS": ["localhost"],
    }  # fmt: skip
    with django_db_blocker.unblock(), override_settings(**changes), sync_playwright() as playwright:
        anvil = Anvil(url=anvil_process)
        anvil.accounts = [account.lower() for account in anvil.rpc("eth_accounts")]
        snapshot = anvil.rpc("evm_snapshot")
        server = None
        try:
            house = paying_house(anvil, patch)
            server = LiveServer("localhost")
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            yield Stack(house=house, url=server.url, browser=browser)
            browser.close()
        finally:
            if server is not None:
                server.stop()
            connections.close_all()
            call_command("flush", verbosity=0, interactive=False)
            anvil.rpc("evm_revert", snapshot)
            patch.undo()


@pytest.fixture
def _django_db_helper(stack) -> None:
    """In place of pytest-django's own, which would empty the database after each test: the stack is everybody's."""


def paying_house(anvil: Anvil, patch: pytest.MonkeyPatch) -> House:
    """A programme whose first week is over and active; Alice's pay goes to everybody in ACCOUNTS."""
    verify_here(patch)
    house = build_house(deploy_exchange(anvil))
    parts = dict.fromkeys(ACCOUNTS.values(), 1_000_000 // len(ACCOUNTS))
    parts[ACCOUNTS["free"]] += 1_000_000 - sum(parts.values())
    maker_payouts_set(by=OPERATOR, maker=Maker.objects.get(slug="alice"), shares=list(parts.items()), since_ms=0)
    activated(house, propose(house))
    return house


def granted(name: str) -> int:
    """All that the provider has earned, by the tree."""
    return int(Entitlement.objects.get(account=ACCOUNTS[name]).cumulative)


def figure(page: Page) -> int:
    """The page's figure in the token's smallest unit."""
    return int(page.locator(".ready .figure data").get_attribute("value") or "-1")


def press_free(page: Page) -> None:
    page.get_by_role("button", name="Collect, free").click()


def press_own(page: Page) -> None:
    page.get_by_role("button", name="Collect it yourself").click()


def own_way(page: Page) -> Locator:
    return page.get_by_text("Your wallet has sent it.")


def trouble(page: Page) -> Locator:
    return page.locator("[data-trouble]")


def arrives(stack: Stack, page: Page) -> None:
    """Let the worker work until the page, without a reload, says that the money is there."""
    poke(stack.house)
    poke(stack.house)
    expect(page.get_by_text("It arrived")).to_be_visible()


def test_one_button_pays_and_a_reload_on_the_way_loses_nothing(stack):
    with stack.window() as page:
        stack.open(page, "free")
        shown = figure(page)
        press_free(page)
        expect(page.get_by_text("On its way to you")).to_be_visible()
        page.reload()
        expect(page.get_by_text("On its way to you")).to_be_visible()
        assert page.get_by_role("button", name="Collect, free").count() == 0
        arrives(stack, page)
        page.reload()
        expect(page.get_by_text("It arrived")).to_be_visible()
        page.get_by_role("link", name="See the receipt").click()
        expect(page.get_by_role("heading", name="Receipt", exact=True)).to_be_visible()
        claim = ChainClaim.objects.get(account=ACCOUNTS["free"])
        expect(page.get_by_text(claim.tx_hash).first).to_be_visible()
        assert int(page.locator(".figure data").get_attribute("value")) == shown
    assert stack.paid("free") == (shown, 1)
    assert shown == granted("free")


def test_a_wallet_collects_without_us_and_the_page_follows_it_over_a_reload(stack):
    wallet = stack.wallet(1)
    with stack.window(wallet) as page:
        stack.open(page, "alone")
        press_own(page)
        expect(own_way(page)).to_be_visible()
        page.reload()
        expect(own_way(page)).to_be_visible()
        assert page.get_by_role("button", name="Collect it yourself").count() == 0
        arrives(stack, page)
        page.reload()
        expect(page.get_by_text("It arrived")).to_be_visible()
    claim = ChainClaim.objects.get(account=ACCOUNTS["alone"])
    assert claim.caller == wallet.account.address.lower()
    assert wallet.sent == [claim.tx_hash]
    assert stack.paid("alone") == (granted("alone"), 1)
    assert not ClaimRequest.objects.filter(account=ACCOUNTS["alone"]).exists()


def test_a_wallet_without_coins_is_told_so_and_the_free_way_still_works(stack):
    wallet = stack.wallet(2, coins=0)
    with stack.window(wallet) as page:
        stack.open(page, "poor")
        press_own(page)
        expect(trouble(page)).to_have_text(Trouble.NO_FEE_MONEY)
        press_free(page)
        expect(page.get_by_text("On its way to you")).to_be_visible()
        arrives(stack, page)
    assert (wallet.sent, stack.paid("poor")) == ([], (granted("poor"), 1))


def test_a_wallet_on_another_network_is_asked_to_switch(stack):
    wallet = stack.wallet(3, chain_id=1, stays=True)
    with stack.window(wallet) as page:
        stack.open(page, "elsewhere")
        press_own(page)
        expect(trouble(page)).to_have_text(Trouble.UNKNOWN_NETWORK)
        assert (wallet.chain_id, "eth_sendTransaction" in wallet.asked) == (1, False)
        wallet.stays = False
        press_own(page)
        expect(own_way(page)).to_be_visible()
        assert wallet.chain_id == 31337
        arrives(stack, page)
    assert stack.paid("elsewhere") == (granted("elsewhere"), 1)


def test_who_declines_in_the_wallet_sends_nothing_and_can_try_again(stack):
    wallet = stack.wallet(4, declines=True)
    with stack.window(wallet) as page:
        stack.open(page, "shy")
        press_own(page)
        expect(trouble(page)).to_have_text(Trouble.DECLINED)
        page.reload()
        expect(page.get_by_text("Ready to collect")).to_be_visible()
        wallet.declines = False
        press_own(page)
        expect(own_way(page)).to_be_visible()
        arrives(stack, page)
    assert stack.paid("shy") == (granted("shy"), 1)


def test_of_two_windows_that_press_the_button_one_collects_and_both_show_it(stack):
    with stack.window(pages=2) as (first, second):
        for page in (first, second):
            stack.open(page, "twice")
        press_free(first)
        expect(first.get_by_text("On its way to you")).to_be_visible()
        press_free(second)
        expect(second.get_by_text("On its way to you")).to_be_visible()
        arrives(stack, first)
        expect(second.get_by_text("It arrived")).to_be_visible()
    assert ClaimRequest.objects.filter(account=ACCOUNTS["twice"]).count() == 1
    assert stack.paid("twice") == (granted("twice"), 1)


def test_a_window_that_was_open_all_the_time_says_that_it_has_been_collected(stack):
    with stack.window(pages=2) as (first, second):
        for page in (first, second):
            stack.open(page, "late")
        press_free(first)
        expect(first.get_by_text("On its way to you")).to_be_visible()
        arrives(stack, first)
        press_free(second)
        expect(second.get_by_text("it may just have been collected in another window")).to_be_visible()
        expect(second.get_by_text("It arrived")).to_be_visible()
    assert stack.paid("late") == (granted("late"), 1)


def test_two_windows_with_one_wallet_send_once(stack):
    wallet = stack.wallet(5)
    with stack.window(wallet, pages=2) as (first, second):
        for page in (first, second):
            stack.open(page, "racing")
        press_own(first)
        for page in (first, second):
            expect(own_way(page)).to_be_visible()
        assert second.get_by_role("button", name="Collect it yourself").count() == 0
        arrives(stack, first)
        second.bring_to_front()
        expect(second.get_by_text("It arrived")).to_be_visible()
    assert len(wallet.sent) == 1
    assert stack.paid("racing") == (granted("racing"), 1)


def test_what_somebody_else_has_just_collected_costs_no_fee(stack):
    wallet, account = stack.wallet(6), ACCOUNTS["raced"]
    with stack.window(wallet) as page:
        stack.open(page, "raced")
        button = page.get_by_role("button", name="Collect it yourself")
        stack.house.anvil.send(
            data=button.get_attribute("data-calldata"), to=button.get_attribute("data-to"), sender=7
        )  # fmt: skip
        stack.house.anvil.mine()
        press_own(page)
        expect(trouble(page)).to_have_text(Trouble.ALREADY)
        poke(stack.house)
        page.reload()
        expect(page.get_by_text("It arrived")).to_be_visible()
    assert (wallet.sent, stack.house.balance(account)) == ([], granted("raced"))


def test_a_pause_is_told_before_the_wallet_sends_anything(stack):
    house, wallet = stack.house, stack.wallet(7)
    with stack.window(wallet) as page:
        stack.open(page, "paused")
        house.anvil.send(data=calldata("pause()"), to=house.distributor, sender=GUARDIAN)
        house.anvil.mine()
        press_own(page)
        expect(trouble(page)).to_have_text(Trouble.PAUSED)
        poke(house)
        page.reload()
        expect(page.get_by_text("Collecting is paused for now")).to_be_visible()
        house.anvil.send(data=calldata("unpause()"), to=house.distributor, sender=TREASURY)
        house.anvil.mine()
        poke(house)
        page.reload()
        press_own(page)
        expect(own_way(page)).to_be_visible()
        arrives(stack, page)
    assert stack.paid("paused") == (granted("paused"), 1)


def test_a_network_that_is_away_is_told_and_the_collection_goes_on_when_it_is_back(stack):
    with stack.window() as page:
        stack.open(page, "away")
        press_free(page)
        expect(page.get_by_text("On its way to you")).to_be_visible()
        with override_settings(RPC_URLS=["http://127.0.0.1:9"]):
            tasks.relay_claims()
        expect(page.get_by_text(Trouble.NODE_AWAY)).to_be_visible()
        arrives(stack, page)
    assert stack.paid("away") == (granted("away"), 1)
    assert not OutgoingTransaction.objects.filter(succeeded=False).exists()


def test_of_two_wallets_one_is_chosen_by_keyboard_and_comes_first_the_next_time(stack):
    first, second = stack.wallet(8, coins=0), stack.wallet(9, coins=0)
    with stack.window(first, second) as page:
        stack.open(page, "choosing")
        chooser = page.get_by_role("dialog", name="Which wallet?")
        names = chooser.get_by_role("listitem")
        press_own(page)
        expect(names).to_have_text(["Test Lantern 1", "Test Lantern 2"])
        page.keyboard.press("Escape")
        expect(chooser).to_be_hidden()
        expect(trouble(page)).to_be_hidden()
        assert first.asked == second.asked == []
        press_own(page)
        expect(names.nth(0).get_by_role("button")).to_be_focused()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(trouble(page)).to_have_text(Trouble.NO_FEE_MONEY)
        assert (first.asked, second.asked[0]) == ([], "eth_requestAccounts")
        page.reload()
        press_own(page)
        expect(names).to_have_text(["Test Lantern 2used last", "Test Lantern 1"])
        page.keyboard.press("Escape")
    assert stack.paid("choosing") == (0, 0)
