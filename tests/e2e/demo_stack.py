"""The small demo as a visitor starts it, and what people do in its pages with a real browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.embedded.layout import free_port
from rewards.demo.makers import address_of
from rewards.demo.programme import PASSWORD
from tests.chain import calldata

REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 90_000


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


@contextmanager
def running(data: Path) -> Iterator[Demo]:
    """Start the small demo in an empty folder, wait until it is ready, and stop it as Ctrl-C does."""
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


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
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
