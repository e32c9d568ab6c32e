"""The main path in a browser, against the real stack: the treasurer approves, a provider collects, the chain agrees."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.embedded.layout import free_port
from rewards.demo.makers import address_of
from rewards.demo.programme import PASSWORD
from tests.chain import calldata

pytestmark = [pytest.mark.browser, pytest.mark.e2e]
REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 90_000
MAKERS = {"evergreen", "nine-to-four", "saturday", "lopsided", "flicker", "fairweather", "twins"}


@dataclass
class Demo:
    """A running `make demo ARGS=--small`."""

    process: subprocess.Popen[str]
    data: Path
    said: list[str]
    url: str

    def family(self) -> list[psutil.Process]:
        """Everything that runs because of it: its children, and the database server, which is nobody's child."""
        postmaster = int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])
        return [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(postmaster)]

    def balance(self, account: str) -> int:
        """The reward token's own answer, asked of the chain directly."""
        chain = json.loads((self.data / "run" / "chain.json").read_text())["port"]
        return int(_call(chain, to=self._token(), data=calldata("balanceOf(address)", ("address",), (account,))), 16)

    def _token(self) -> str:
        with urllib.request.urlopen(f"{self.url}programmes/us-equity-perps/epochs/1/evidence/terms.json") as answer:
            return json.load(answer)["token"]


def _call(port: int, *, to: str, data: str) -> str:
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": to, "data": data}, "latest"]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["result"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo")
    (data / "run").mkdir()
    (data / "run" / "chain-port").write_text(str(free_port()))
    env = {name: value for name, value in os.environ.items() if name not in ("EVIDENCE_DIR", "DISPLAY")}
    env |= {"LAMPLIGHT_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "config.settings.local", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--small", "--port", str(free_port())],
        cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C stops" in line:
                break
        found = re.search(r"Open (http\S+)", "".join(said))
        assert found, "".join(said)
        yield Demo(process=process, data=data, said=said, url=found[1])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield window
        window.close()


@contextmanager
def window(browser: Browser, *, width: int) -> Iterator[Page]:
    """A fresh window; nothing may complain in its console."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page, complaints = context.new_page(), []
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(params=[390, 1440])
def page(browser, request) -> Iterator[Page]:
    """A window as wide as a phone or a desk."""
    with window(browser, width=request.param) as page:
        yield page


@pytest.fixture
def phone(browser) -> Iterator[Page]:
    with window(browser, width=390) as page:
        yield page


def sign_in(page: Page, demo: Demo, name: str) -> None:
    page.goto(demo.url + "sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def figure(page: Page) -> int:
    """The amount that the collect page shows, in whole hundredths of a token."""
    text = page.locator("main").inner_text()
    shown = re.search(r"([\d,]+\.\d\d)\s+LAMP", text)
    assert shown, text
    return int(shown[1].replace(",", "").replace(".", ""))


def collect(page: Page, demo: Demo, name: str) -> None:
    """Press the one button and compare what the page showed with what the token's contract says."""
    account = address_of(name)
    page.goto(f"{demo.url}collect/{account}/")
    before, shown = demo.balance(account), figure(page)
    page.get_by_role("button", name="Collect, free").click()
    expect(page.get_by_text("It arrived")).to_be_visible(timeout=PATIENCE_MS)
    gained = demo.balance(account) - before
    assert shown > 0
    # The page rounds to two decimals.
    assert abs(gained - shown * 10**16) <= 10**16


def test_the_demo_says_who_can_sign_in_and_every_page_fits_the_screen(demo, page):
    said = "".join(demo.said)
    assert all(
        re.search(rf"^    {name} ", said, re.MULTILINE) for name in {"treasurer", "reviewer", "operator", *MAKERS}
    )
    assert PASSWORD in said
    sign_in(page, demo, "treasurer")
    cards = [f"makers/{maker}/us-equity-perps/{number}/" for maker in sorted(MAKERS) for number in (1, 3)]
    for path in ("", "programmes/us-equity-perps/epochs/1/", "collect/", "status/", "treasury/", "makers/", *cards):
        answer = page.goto(demo.url + path)
        assert answer.ok, path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    page.goto(demo.url)
    for state in ("Paying", "Waiting for the treasury", "Live"):
        expect(page.locator("main").get_by_text(state, exact=True).first).to_be_visible()
    # The pages go by the chain's clock, which is not today's.
    expect(page.get_by_text("27 Nov 2026").first).to_be_visible()


def test_a_provider_collects_and_the_treasurer_approves_what_is_collected_next(demo, phone):
    collect(phone, demo, "lena")
    sign_in(phone, demo, "treasurer")
    phone.goto(demo.url + "treasury/")
    phone.locator(".inbox a[href*='/treasury/epochs/']").first.click()
    phone.get_by_role("button", name="Approve").click()
    expect(phone.get_by_text("Approved and sent")).to_be_visible()
    until = time.monotonic() + PATIENCE_MS / 1000
    while "Paying" not in phone.locator(".head-line").inner_text():
        assert time.monotonic() < until, phone.locator("main").inner_text()
        phone.wait_for_timeout(500)
        phone.reload()
    collect(phone, demo, "lena")


def is_zombie(process: psutil.Process) -> bool:
    """It has ended; whoever adopted it has not noticed yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_ctrl_c_ends_everything_that_the_demo_started_and_nothing_else(demo):
    family, bystander = demo.family(), subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    names = {process.name() for process in family}
    assert {"anvil", "postgres"} <= names
    try:
        demo.process.send_signal(signal.SIGINT)
        said = demo.process.communicate(timeout=60)[0]
        assert demo.process.returncode == 0, said
        gone, alive = psutil.wait_procs(family, timeout=5)
        assert [process for process in alive if not is_zombie(process)] == [], said
        assert len(gone) + len(alive) == len(family)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
