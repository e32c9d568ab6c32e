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
        for stop in tour:
            with browse.opened(browser, stop, live_server.url) as page:
                found = [*browse.figures(page), *browse.graves(page), *browse.width(page), *browse.keyboard(page)]
                complaints += [f"{stop.name}: {each}" for each in found]
    assert complaints == []
