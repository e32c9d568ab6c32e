"""No page asks the database more often because there is more to show."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.pages.factories import MARKETS, PROFILES
from tests.pages.grown import grow, many_makers, many_markets
from tests.pages.tour import Stop, make_stage, stops

pytestmark = pytest.mark.django_db


def asked(tour: list[Stop]) -> dict[str, int]:
    """Return how many queries each page asks, by the page's name; the first visit warms what is kept in memory."""
    found = {}
    for stop in tour:
        stop.client.get(stop.path)
        with CaptureQueriesContext(connection) as queries:
            assert stop.client.get(stop.path).status_code == stop.status
        found[stop.name] = len(queries)
    return found


def asked_on(*, markets: tuple[str, ...], profiles: dict, number: int) -> dict[str, int]:
    """Return what each page asks on a stage of this size, which is gone afterwards."""
    with transaction.atomic():
        made = make_stage(markets=markets, profiles=profiles)
        tour = stops(made)
        grow(made, profiles=profiles, number=number)
        found = asked(tour)
        transaction.set_rollback(True)
    return found


def test_every_page_asks_as_often_with_many_rows_as_with_few():
    # Some of everything on both sides: the first row of a kind may well cost a query.
    few = asked_on(markets=MARKETS, profiles=PROFILES, number=2)
    many = asked_on(markets=many_markets(8), profiles=many_makers(12), number=6)
    assert many == few
