"""With hundreds of markets a page shows some at a time, and its totals are those of all."""

import pytest
from django.test import Client
from django.urls import reverse

from rewards.models import Allocation, Epoch, Score
from rewards.selectors.standings import pool_pays, standings
from rewards.selectors.terms_history import program_terms
from tests.pages.factories import CLOCK, WEEKS, make_epoch, scene
from tests.pages.grown import many_markets

pytestmark = pytest.mark.django_db
MARKETS = many_markets(30)


@pytest.fixture
def stage():
    return scene(markets=MARKETS)


def page(stage, name: str, *args: object, number: int) -> str:
    client = Client()
    client.force_login(stage.people["treasurer"])
    return client.get(reverse(name, args=args), {"page": number}).content.decode()


def test_a_scorecard_names_every_market_on_some_page_and_sums_them_on_each(stage):
    shown = [page(stage, "scorecard", "aurora", stage.program.slug, 1, number=number) for number in (1, 2)]
    for market in MARKETS:
        assert [f">{market} by session<" in text for text in shown].count(True) == 1
    assert "Markets 1 to 25 of 30" in shown[0]
    assert "Markets 26 to 30 of 30" in shown[1]
    total = sum(Allocation.objects.filter(epoch=stage.paying, maker="aurora").values_list("payout", flat=True))
    for text in shown:
        assert f'value="{total}"' in text[text.index("<tfoot>") : text.index("</tfoot>")]


def test_a_review_compares_every_market_on_some_page(stage):
    shown = [page(stage, "treasury-epoch", stage.program.slug, 2, number=number) for number in (1, 2)]
    tables = [text[text.index("Earned by market") : text.index("</section>", text.index("Earned by market"))]
              for text in shown]  # fmt: skip
    for market in MARKETS:
        assert [f">{market}<" in table for table in tables].count(True) == 1


def test_what_the_database_adds_up_is_what_the_rows_sum_to(stage):
    for epoch in (stage.paying, stage.live):
        everybody = pool_pays(epoch=epoch)
        for row in standings(epoch=epoch):
            own = pool_pays(epoch=epoch, maker=row.maker)
            assert own == [pay for pay in everybody if pay.maker == row.maker]
            assert (row.payout, row.accrued) == (sum(p.payout for p in own), sum(p.accrued for p in own))
    assert Score.objects.filter(epoch=stage.paying, maker="aurora").exists()


def test_epochs_are_told_apart_by_their_terms_and_not_by_their_times(stage):
    make_epoch(stage.program, 4, WEEKS[3], WEEKS[3] + 86_400_000, MARKETS, min_payout="7")
    keys = list(Epoch.objects.order_by("number").values_list("terms_key", flat=True))
    assert keys[0] == keys[1] == keys[2] != keys[3]
    past = program_terms(program=stage.program, now_ms=CLOCK).past
    assert [(each.key, each.label) for each in past] == [("epoch-4", "Epoch 4"), ("epoch-1", "Epochs 1 to 3")]
