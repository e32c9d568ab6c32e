"""The documentation in Chromium, under our policy: whole, searched without the net, and readable by all."""

import pytest

from tests.pages import browse

pytestmark = pytest.mark.django_db
PAGES = ("", "makers/how-am-i-scored/", "developers/walk/", "reference/settings/", "security/")


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def page(site, live_server, complaints):
    """A window that notes what the browser refuses or complains of, and every request that leaves this machine."""
    with browse.chromium() as browser:
        window = browser.new_page(viewport=browse.DESK, base_url=live_server.url)
        window.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((live_server.url, "data:")) else complaints.append(f"asks {asked.url}")
            ),
        )
        yield window


def test_the_site_works_under_the_policy_and_asks_nobody_else(page, complaints):
    for path in PAGES:
        page.goto(f"/docs/{path}")
        assert browse.width(page) == [], path
        # By night, too, every text can be told from its ground.
        assert browse.graves(page) == [], path
    page.goto("/docs/")
    page.keyboard.press("/")
    page.keyboard.type("quarantine")
    page.locator(".md-search-result__item").first.wait_for()
    assert "matching documents" in page.inner_text(".md-search-result__meta")
    assert complaints == []


def test_a_choice_of_colours_is_kept_from_page_to_page(page, complaints):
    page.goto("/docs/")
    for shown in ("By day", "By night"):
        page.locator(f"label[title='{shown}']").click()
    page.goto("/docs/makers/")
    assert page.get_attribute("body", "data-md-color-scheme") == "slate"
    assert complaints == []


def test_on_a_phone_the_walk_of_the_data_is_drawn_downwards(page):
    page.set_viewport_size(browse.PHONE)
    page.goto("/docs/developers/walk/")
    assert page.locator("figure.drawing .down").is_visible()
    assert not page.locator("figure.drawing .across").is_visible()
