"""Helps that pages get from scripts: the rate that goes on, long lists that begin short, keys; in a real browser."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.pages import browse
from tests.pages.factories import CLOCK, MARKETS, ms, scene
from tests.pages.grown import many_makers
from tests.pages.tour import Stop, fresh

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WEEK = (
    ("overnight", 250, 32), ("pre", 150, 22), ("regular", 100, 23), ("post", 200, 16), ("weekend", 300, 51),
    ("holiday", 300, 24),
)  # fmt: skip
"""Hours of each kind in the week of Thanksgiving 2025, counted by hand on the calendar of the exchange."""
POOL = 250_000 * 70 // 100


def whole_of(page: Page, part: str) -> str:
    return page.locator(f"[data-part={part}]").inner_text()


@pytest.fixture
def made():
    return scene(profiles=many_makers(34))


@pytest.fixture
def pages(made) -> tuple[Stop, Stop]:
    """The programme's page as nobody, and the scorecard of the second epoch as one of the maker's own."""
    card = f"/makers/aurora/{made.program.slug}/2/"
    return Stop("home", "nobody", Client(), "/"), Stop("scorecard", "own maker", fresh(made.people["maker"]), card)


@pytest.fixture
def rooms(live_server, settings, pages):
    """A browser; inside, a test asks the database nothing by itself."""
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    with browse.chromium() as browser:
        yield browse.Rooms(browser, live_server.url)


def test_the_rate_counts_down_and_goes_over_to_the_next_session(rooms):
    """On Wednesday at 14:02 the week has seen 62 h and 2 min; regular hours end at 16:00."""
    boosted_hours = sum(boost * hours for _, boost, hours in WEEK)
    past = 250 * (4 + 8 + 8) + 150 * 3 * 5.5 + 100 * (6.5 * 2 + 4 + 32 / 60) + 200 * 4 * 2
    room = rooms.browser.new_context(base_url=rooms.base_url)
    page = room.new_page()
    page.clock.install()
    page.goto("/")
    assert whole_of(page, "name") == "Regular hours"
    assert float(whole_of(page, "second")) == int(POOL * 100 / boosted_hours / 36) / 100
    assert float(whole_of(page, "offered").replace(",", "")) == pytest.approx(POOL * past / boosted_hours, abs=0.02)
    # The page's own time goes on, too, so that it is some seconds more.
    page.clock.run_for(90_000)
    later = POOL * (past + 100 * 90 / 3600) / boosted_hours
    assert later - 0.02 < float(whole_of(page, "offered").replace(",", "")) < later + 3
    assert whole_of(page, "left").replace("\N{NO-BREAK SPACE}", " ") == "1 hour 56 minutes"
    page.clock.fast_forward(ms(2025, 11, 26, 16) - CLOCK - 60_000)
    page.clock.run_for(2_000)
    assert (whole_of(page, "name"), whole_of(page, "boost")) == ("After the close", "2×")
    assert float(whole_of(page, "second")) == int(POOL * 200 / boosted_hours / 36) / 100
    assert (whole_of(page, "next_name"), whole_of(page, "next_boost")) == ("Holiday", "3×")
    page.clock.fast_forward(ms(2025, 12, 1) - CLOCK)
    page.clock.run_for(2_000)
    expect(page.get_by_text("This epoch is over.")).to_be_visible()
    room.close()


def test_a_long_list_begins_short_can_be_searched_and_shown_whole(rooms, pages):
    with rooms.opened(pages[0]) as page:
        makers = page.locator("section[aria-labelledby=makers]")
        rows = makers.locator("tbody tr:visible")
        expect(rows).to_have_count(12)
        makers.get_by_label("Find among 34 makers").fill("half moon")
        expect(rows).to_have_count(1)
        expect(makers.get_by_role("status")).to_have_text("1 of 34")
        makers.get_by_label("Find among 34 makers").fill("")
        makers.get_by_role("button", name="Show all 34 makers").click()
        expect(rows).to_have_count(34)


def test_keys_lead_over_rows_epochs_and_pages_and_can_be_put_off(rooms, pages):
    with rooms.opened(pages[1]) as page:
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keys")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        third = rooms.base_url + pages[1].path.replace("/2/", "/3/")
        page.keyboard.press("]")
        page.wait_for_url(third)  # until it is loaded, its scripts included
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.closest('tr').querySelector('th').textContent")
        page.keyboard.press("j")
        second = page.evaluate("document.activeElement.closest('tr').querySelector('th').textContent")
        assert (first, second) == MARKETS[:2]
        page.keyboard.press("?")
        dialog.get_by_label("Use these keys in this browser").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        expect(page).to_have_url(third)
        page.get_by_role("button", name="Keys").click()
        dialog.get_by_label("Use these keys in this browser").check()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        expect(page.get_by_role("heading", name="Right now")).to_be_visible()
