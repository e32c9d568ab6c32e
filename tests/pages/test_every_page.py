"""Every page of the site in a real browser: nothing that axe finds serious, all within the keyboard's reach."""

import pytest

from tests.pages import browse
from tests.pages.tour import left_out, make_stage, stops


def test_every_address_is_a_page_of_the_tour_or_excused():
    assert left_out() == set()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_every_page_can_be_read_and_used_by_those_who_see_little_or_have_a_keyboard_alone(live_server, settings):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    tour = stops(make_stage())
    complaints = []
    with browse.chromium() as browser:
        rooms = browse.Rooms(browser, live_server.url)
        for stop in tour:
            with rooms.opened(stop) as page:
                found = [*browse.figures(page), *browse.graves(page), *browse.width(page), *browse.keyboard(page)]
                complaints += [f"{stop.name}: {each}" for each in found]
    assert complaints == []


FAULTY = """<!doctype html><html lang="en"><head><title>Faulty</title><style>
  a:focus-visible { outline: none } .far { display: block; width: 600px }</style></head><body>
  <a class="skip" href="#main">Go to the content</a><main id="main"><h1>Faulty</h1>
  <p style="color: #bbb; background: #fff">Too pale to be read.</p><p class="far">Wide</p>
  <figure><svg role="img" aria-label="A line"></svg><figcaption>Pay</figcaption></figure>
  <table><tr><td>1</td></tr></table><div inert><button>Never reached</button></div><input></main></body></html>"""


@pytest.mark.browser
def test_a_faulty_page_is_found_out():
    with browse.chromium() as browser:
        page = browser.new_page(viewport=browse.DESK)
        page.set_content(FAULTY)
        looks = (browse.figures, browse.graves, browse.width, browse.keyboard)
        figures, graves, width, keyboard = ("; ".join(look(page)) for look in looks)
    for words in ("without a sentence", "without a caption"):
        assert words in figures
    for rule in ("color-contrast (by day)", "color-contrast (by night)", "label (by day)"):
        assert rule in graves
    assert "wider than a phone" in width
    for words in ("focus does not show on <a", "does not reach <button"):
        assert words in keyboard
