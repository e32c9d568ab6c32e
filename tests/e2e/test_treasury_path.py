"""The treasury's whole path in a browser, against the real stack: from drafted terms to a root that pays.

Each person has a window of their own. The test drives the chain (quotes, and its clock) and looks at pages, downloads
and the contract's own answers; it never looks into the database.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rewards.demo.makers import address_of
from rewards.demo.stage import SEQUENCER
from tests.chain import Anvil, Exchange
from tests.e2e.safe_owners import OWNERS, signed_hash
from tests.e2e.treasury_stack import DELAY_S, FIRST_S, PASSWORD, REVIEW_HOURS

pytestmark = [pytest.mark.browser, pytest.mark.e2e]
REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 180
HOUR_S, DAY_S = 3_600, 86_400
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
EPOCH, RESULTS = "/programmes/perps/epochs/1/", "/programmes/perps/epochs/1/results/"
TREASURY_EPOCH = "/treasury/epochs/perps/1/"
# Only regular hours pay, 09:30 to 16:00 in New York. Alice quotes in all of them, Bob as much from 12:45 on, and the
# market should have stood still from 10:00 to 12:30. In hours: without the halt Alice has 3.25 + 3.25 / 2 = 4.875 of
# 6.5 and Bob 1.625; with it Alice has 0.75 + 3.25 / 2 = 2.375 of 4 and Bob 1.625. Of 1,000,000 LAMP:
LAMP = 10**18
BEFORE = {"alice": 750_000 * LAMP, "bob": 250_000 * LAMP}
AFTER = {"alice": 593_750 * LAMP, "bob": 406_250 * LAMP}


def every(value: int, **changes: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, value) | changes


def terms_as_typed(token: str) -> dict:
    """What the entries that the treasurer fills in mean, by the specification's section Terms."""
    market = {
        "weight_bps": 10_000, "quoting_share_bps": 10_000, "fills_share_bps": 0, "stress_share_bps": 0,
        "min_order_lots": 1, "min_rest_ms": 0, "reference_depth_lots": 1, "max_spread_bps": every(100),
        "clamp_bps": every(1_000), "min_uptime_bps": every(0), "curve": {"kind": "linear"}, "two_sided_divisor": 3,
        "target_lots": 0, "presence_lots": 1, "max_share_bps": 10_000,
    }  # fmt: skip
    return {
        "version": 1, "program": "perps", "token": token, "budget": str(10**6 * LAMP), "min_payout": "0",
        "unspent": "return", "boosts": every(0, regular=100), "markets": {"AAPL-PERP": market},
    }  # fmt: skip


@dataclass
class Stack:
    """The running service, and its chain, whose clock is the test's."""

    where: dict[str, str]
    anvil: Anvil
    now_s: int = FIRST_S - HOUR_S

    def tick(self, *, to_s: int | None = None) -> None:
        """Mine a block a second later, or at a time."""
        self.now_s = max(self.now_s + 1, to_s or 0)
        self.anvil.mine(time_s=self.now_s)

    def quote(self, maker: str, first_id: int, *, at_s: int) -> None:
        exchange = Exchange(anvil=Anvil(url=self.anvil.url, accounts=self.anvil.accounts[SEQUENCER:]),
                            address=self.where["exchange"], start_block=0)  # fmt: skip
        exchange.place(first_id, owner=address_of(maker), side="bid", price=9_990, size=100)
        exchange.place(first_id + 1, owner=address_of(maker), side="ask", price=10_010, size=100)
        exchange.submit(time_s=at_s)
        self.now_s = at_s

    def number(self, contract: str, signature: str, types: tuple[str, ...] = (), values: tuple = ()) -> int:
        return int(self.anvil.call(to=self.where[contract], signature=signature, types=types, values=values), 16)

    def see(self, page: Page, path: str, text: str) -> None:
        """Wait, block by block, until a page says something."""
        until = time.monotonic() + PATIENCE_S
        page.goto(path)
        while text not in said(page):
            assert time.monotonic() < until, f"{path} never said {text!r}:\n{said(page)}"
            self.tick()
            page.wait_for_timeout(400)
            page.reload()


def said(page: Page) -> str:
    return " ".join(page.locator("main").inner_text().split())


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    env = {name: value for name, value in os.environ.items() if name not in ("EVIDENCE_DIR", "DISPLAY")}
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="lamplight-path-") as data:
        process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "tests" / "e2e" / "treasury_stack.py"), data],
            cwd=REPOSITORY, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            where = json.loads(process.stdout.readline())
            anvil = Anvil(url=where["chain"])
            anvil.accounts = [account.lower() for account in anvil.rpc("eth_accounts")]
            answers(where["url"])
            yield Stack(where=where, anvil=anvil)
        finally:
            process.stdin.close()
            process.wait(timeout=60)
            process.stdout.close()


def answers(url: str) -> None:
    """Wait until the web server does."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url + "healthz"):
                return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.fixture
def people(stack) -> Iterator[dict[str, Page]]:
    """A window for each, in which they have signed in; nothing may complain in its console."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        complaints: list[str] = []
        windows = {name: window(browser, stack, complaints) for name in ("tess", "rui", "opal", "ben", "anybody")}
        for name, page in windows.items():
            if name != "anybody":
                sign_in(page, name)
        yield windows
        browser.close()
    assert complaints == []


def window(browser: Browser, stack: Stack, complaints: list[str]) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=stack.where["url"]).new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name).first.click()


def says(page: Page, text: str) -> None:
    """Wait until a page does."""
    expect(page.locator("main")).to_contain_text(text, timeout=PATIENCE_S * 1000)


def terms_are_drafted_and_accepted(stack: Stack, people: dict[str, Page]) -> None:
    tess, rui = people["tess"], people["rui"]
    tess.goto("/treasury/programmes/perps/")
    tess.get_by_role("link", name="Draft new terms").click()
    press(tess, "Add a market")
    expect(tess.locator("[data-market]")).to_have_count(1, timeout=PATIENCE_S * 1000)
    expect(tess.locator(".htmx-request, .htmx-settling, .htmx-added")).to_have_count(0)
    entries = {
        "budget": "1,000,000", "min_payout": "0", "epoch_days": "1", "first_start": "2026-11-18T09:00",
        "boosts.regular": "100", "m0.name": "AAPL-PERP", "m0.weight_bps": "100", "m0.min_rest_ms": "0",
        **{f"boosts.{kind}": "0" for kind in KINDS if kind != "regular"},
        **{f"m0.max_spread_bps.{kind}": "100" for kind in KINDS},
        **{f"m0.clamp_bps.{kind}": "1000" for kind in KINDS},
    }  # fmt: skip
    for place, text in entries.items():
        tess.locator(f"[id='{place}']").fill(text)
    tess.locator("[id='m0.curve']").select_option("linear")
    tess.locator(".form-end").get_by_role("button", name="Keep the draft").click()
    says(tess, "Version 1 of the terms")
    press(tess, "Hand it in")
    says(tess, "nobody accepts terms that they drafted")
    expect(tess.get_by_role("button", name="Accept")).to_have_count(0)
    rui.goto("/treasury/")
    rui.get_by_role("link", name="Version 1 of the terms").click()
    press(rui, "Accept")
    says(rui, "hold from epoch 1 on")


def the_epoch_runs_with_exactly_these_terms(stack: Stack, people: dict[str, Page]) -> None:
    expected = terms_as_typed(stack.where["token"])
    epoch = {"number": 1, "start_ms": FIRST_S * 1000, "end_ms": (FIRST_S + DAY_S) * 1000}
    text = json.dumps(expected | {"epoch": epoch}, sort_keys=True, separators=(",", ":"))
    stack.quote("alice", 1, at_s=FIRST_S + 60)
    stack.see(people["anybody"], EPOCH, "Live")
    # 12:45 in New York.
    stack.quote("bob", 11, at_s=FIRST_S + 3 * HOUR_S + 45 * 60)
    for late_s in range(5):
        stack.tick(to_s=FIRST_S + DAY_S + late_s)
    stack.see(people["anybody"], EPOCH, "Makers can dispute this result until")
    published = people["anybody"].request.get(EPOCH + "evidence/terms.json").body()
    assert hashlib.sha256(published).hexdigest() == hashlib.sha256(text.encode()).hexdigest()
    assert pay(people["anybody"]) == BEFORE


def pay(page: Page) -> dict[str, int]:
    """The makers' pay in the published evidence, in units."""
    lines = page.request.get(EPOCH + "evidence/allocations.csv").text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    return {row["maker"]: int(row["payout"]) for row in rows}


def a_maker_disputes_the_missing_halt(people: dict[str, Page]) -> None:
    ben = people["ben"]
    ben.goto("/makers/bob/perps/1/")
    ben.get_by_role("link", name="Something is wrong").click()
    ben.get_by_label("What is wrong?").select_option("halt")
    ben.get_by_label("Market").select_option("AAPL-PERP")
    # 10:00 and 12:30 in New York are 15:00 and 17:30 UTC.
    ben.get_by_label("From (UTC)").fill("2026-11-18T15:00:00")
    ben.get_by_label("To (UTC)").fill("2026-11-18T17:30:00")
    ben.get_by_label("Say it in your words").fill("The feed broke and nobody could trade, yet quotes were paid.")
    notice = {"name": "notice.txt", "mimeType": "text/plain", "buffer": b"Trading was halted at 10:00 New York time."}
    ben.get_by_label("Files (if you have any)").set_input_files(notice)
    press(ben, "Open the dispute")
    says(ben, "A halt or closure is missing")
    with ben.expect_download() as download:
        ben.get_by_role("link", name="notice.txt").click()
    assert Path(download.value.path()).read_bytes() == notice["buffer"]


def two_people_enter_the_halt(people: dict[str, Page]) -> None:
    opal, tess = people["opal"], people["tess"]
    opal.goto("/treasury/")
    opal.get_by_role("link", name="A halt or closure is missing").click()
    opal.get_by_role("link", name="splits, halts and closures").click()
    opal.get_by_text("A halt", exact=True).click()
    form = opal.locator("form", has=opal.locator("[name='halt-begins']"))
    form.locator("[name='halt-begins']").fill("2026-11-18T10:00:00")
    form.locator("[name='halt-ends']").fill("2026-11-18T12:30:00")
    form.locator("[name='halt-reason']").fill("The exchange's feed broke.")
    form.get_by_role("button", name="Look at it first").click()
    says(opal, "AAPL-PERP stands still from 18 November 2026, 10:00 to 12:30 New York time.")
    press(opal, "Enter it")
    says(opal, "Entered. It counts as soon as another operator or treasurer has confirmed it.")
    expect(opal.get_by_role("button", name="Confirm")).to_have_count(0)
    tess.goto("/treasury/")
    tess.get_by_role("link", name="AAPL-PERP stands still").click()
    press(tess, "Confirm")
    says(tess, "Epoch 1 was scored without it. Score it again?")


def the_dispute_is_upheld_with_a_correction_of_two_people(people: dict[str, Page]) -> None:
    tess, rui = people["tess"], people["rui"]
    tess.goto("/treasury/")
    tess.get_by_role("link", name="A halt or closure is missing").first.click()
    dispute = tess.url
    says(tess, "This was confirmed after epoch 1 was scored.")
    press(tess, "Score epoch 1 again with it")
    says(tess, "Entered. It changes nothing until a second person has confirmed it.")
    says(tess, "You entered it: somebody else has to confirm it.")
    rui.goto(TREASURY_EPOCH)
    rui.get_by_role("link", name="Disputes and corrections").click()
    press(rui, "Confirm, and score the epoch again")
    says(rui, "Confirmed.")
    tess.goto(dispute)
    tess.get_by_label("Your reason").fill("The market stood still, as the notice says.")
    press(tess, "Uphold it, with the correction above")
    says(tess, "Upheld, corrected")


def the_epoch_is_scored_again_for_everybody_to_see(stack: Stack, people: dict[str, Page]) -> None:
    anybody, ben = people["anybody"], people["ben"]
    stack.see(anybody, RESULTS, "From result 1 to result 2")
    for text in ("The halt of AAPL-PERP, from 2026-11-18 15:00:00 to 2026-11-18 17:30:00 UTC, counts",
                 "Alice Quotes", "Bob Quotes", "156,250 LAMP"):  # fmt: skip
        says(anybody, text)
    assert pay(anybody) == AFTER
    actions = anybody.request.get(EPOCH + "evidence/actions.csv").text().splitlines()
    assert actions[1:] == [
        f"AAPL-PERP,halt,{(FIRST_S + HOUR_S) * 1000},{(FIRST_S + 7 * HOUR_S // 2) * 1000},,,operator opal,"
        "treasurer tess,The exchange's feed broke.,"
    ]
    ben.goto("/makers/bob/disputes/")
    says(ben, "Upheld, corrected")


def it_is_put_forward_by_one_and_signed_by_two_owners(stack: Stack, people: dict[str, Page]) -> None:
    tess, rui = people["tess"], people["rui"]
    stack.tick(to_s=stack.now_s + REVIEW_HOURS * HOUR_S)
    stack.see(rui, TREASURY_EPOCH, "When you have looked at everything below, put it forward")
    tess.goto(TREASURY_EPOCH)
    assert "Compare this hash" not in said(tess)
    while (flags := rui.locator("ul.flags li.open")).count():
        flags.first.locator("summary").click()
        flags.first.get_by_label("No concern").check()
        flags.first.get_by_label("Why").fill("It is the first epoch.")
        flags.first.get_by_role("button", name="Keep it").click()
    press(rui, "Put it forward")
    says(rui, "That is you, so somebody else approves it.")
    stack.see(tess, TREASURY_EPOCH, "Compare this hash with what your device shows")
    for signed, owner in enumerate((OWNERS[0], OWNERS[2]), start=1):
        safe_tx_hash = tess.locator(".hash code").inner_text()
        tess.get_by_text("Paste a signature made elsewhere").click()
        tess.get_by_label("Signature", exact=True).fill(signed_hash(owner, safe_tx_hash))
        tess.locator("#safe-sign").get_by_role("button", name="Keep it").click()
        says(tess, f"{signed} of 2 needed")


def the_root_pays(stack: Stack, people: dict[str, Page]) -> None:
    anybody, account = people["anybody"], address_of("bob pay")
    digest = people["tess"].locator("dt:text-is('Digest') + dd code").text_content()
    root = json.loads(anybody.request.get(EPOCH + "evidence/manifest.json").text())["root"]
    stack.see(people["tess"], TREASURY_EPOCH, "The guardian can stop it until then.")
    words = stack.anvil.call(to=stack.where["distributor"], signature="epoch_info(uint256)", types=("uint256",),
                             values=(1,)).removeprefix("0x")  # fmt: skip
    assert "0x" + words[4 * 64 : 5 * 64] == digest
    stack.tick(to_s=stack.now_s + DELAY_S + 60)
    stack.see(anybody, EPOCH, "Paying")
    assert stack.anvil.call(to=stack.where["distributor"], signature="active_root()") == root
    stack.see(anybody, f"/collect/{account}/", "Ready to collect 406,250 LAMP")
    anybody.get_by_role("button", name="Collect, free").click()
    until = time.monotonic() + PATIENCE_S
    while stack.number("token", "balanceOf(address)", ("address",), (account,)) != AFTER["bob"]:
        assert time.monotonic() < until, said(anybody)
        stack.tick()
        anybody.wait_for_timeout(400)


def test_the_treasurys_whole_path_from_drafted_terms_to_an_active_root(stack, people):
    terms_are_drafted_and_accepted(stack, people)
    the_epoch_runs_with_exactly_these_terms(stack, people)
    a_maker_disputes_the_missing_halt(people)
    two_people_enter_the_halt(people)
    the_dispute_is_upheld_with_a_correction_of_two_people(people)
    the_epoch_is_scored_again_for_everybody_to_see(stack, people)
    it_is_put_forward_by_one_and_signed_by_two_owners(stack, people)
    the_root_pays(stack, people)
