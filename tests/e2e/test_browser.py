"""The main path in a browser, against the real stack: the treasurer approves, a provider collects, the chain agrees."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from rewards.demo.programme import PASSWORD
from tests.documents import blocks, shown
from tests.e2e.demo_stack import PATIENCE_MS, REPOSITORY, Demo, chromium, collect, running, sign_in, window

pytestmark = [pytest.mark.browser, pytest.mark.e2e]
MAKERS = {"evergreen", "nine-to-four", "saturday", "lopsided", "flicker", "fairweather", "twins"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[390, 1440])
def page(browser, request) -> Iterator[Page]:
    """A window as wide as a phone or a desk."""
    with window(browser, width=request.param) as page:
        yield page


@pytest.fixture
def desk(browser) -> Iterator[Page]:
    with window(browser, width=1440) as page:
        yield page


@pytest.fixture
def phone(browser) -> Iterator[Page]:
    with window(browser, width=390) as page:
        yield page


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
    while "Paying" not in phone.locator("main .head-line").first.inner_text():
        assert time.monotonic() < until, phone.locator("main").inner_text()
        phone.wait_for_timeout(500)
        phone.reload()
    collect(phone, demo, "lena")


def test_a_maker_watches_its_card_live_looks_at_a_moment_and_takes_the_figures_home(demo, desk):
    sign_in(desk, demo, "evergreen")
    desk.goto(demo.url + "makers/evergreen/us-equity-perps/3/")
    expected = desk.locator("[data-figure=payout]")
    before = expected.inner_text()
    # Nobody loads the page again: the server says when there is news.
    expect(expected).not_to_have_text(before, timeout=PATIENCE_MS)
    expect(desk.locator("#pay ~ p").get_by_text("Estimate")).to_be_visible()

    desk.goto(demo.url + "makers/evergreen/us-equity-perps/1/")
    earned = desk.locator("section", has=desk.locator("#pay")).locator("dd").first.inner_text()
    with desk.expect_download() as download:
        desk.locator("section", has=desk.locator("#markets")).get_by_role("link", name="CSV").first.click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    total = sum(int(row["pay_raw"]) for row in rows)
    assert total > 0
    assert earned.split()[0].replace(",", "") == f"{total / 10**18:.2f}"

    quoting = desk.locator("#quoting")
    quoting.get_by_text("As a table").first.click()
    quoting.get_by_role("link", name="Look").first.click()
    expect(desk.get_by_role("heading", name="You, at this moment")).to_be_visible()
    expect(desk.locator("table.book .mid")).to_be_visible()
    desk.go_back()

    desk.get_by_role("link", name="Where next?").click()
    desk.get_by_label("Lots on each side").fill("50")
    desk.get_by_label("Distance, bps").fill("5")
    desk.get_by_role("button", name="Work it out").click()
    expect(desk.get_by_text("An hour of it")).to_be_visible()


def test_another_makers_card_and_the_treasurys_desk_are_closed_to_a_maker(demo, desk):
    sign_in(desk, demo, "evergreen")
    for path in ("makers/saturday/us-equity-perps/1/", "treasury/", "status/quarantine/"):
        assert desk.request.get(demo.url + path).status == 403, path


def is_zombie(process: psutil.Process) -> bool:
    """It has ended; whoever adopted it has not noticed yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_whoever_follows_the_page_recomputes_the_root_and_finds_it_on_the_chain(demo, tmp_path):
    port = json.loads((demo.data / "run" / "chain.json").read_text())["port"]
    here = {
        "http://127.0.0.1:8000/": demo.url, "http://127.0.0.1:8545": f"http://127.0.0.1:{port}",
        "manage.py": f"{REPOSITORY}/manage.py",
    }  # fmt: skip
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    printed: list[str] = []
    for block in blocks("recompute.md"):
        if block.language == "sh":
            command = block.text
            for said, holds in here.items():
                command = command.replace(said, holds)
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", command], cwd=tmp_path, env=env,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}: {done.stderr}"
            printed.append(done.stdout.strip())
        elif block.language == "text":
            assert shown(block.text).fullmatch(printed[-1]), printed[-1]
    verified, words, again = printed
    state, root, _, manifest_hash, *_ = words.split()
    assert int(state, 16) == 3
    assert verified.split()[-1] == again.split()[-1] == f"0x{root}"
    assert f"manifest hash 0x{manifest_hash}" in verified


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
