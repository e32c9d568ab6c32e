"""Weekend hours are paid by the terms' boost: the scorecards of two makers who quote alike at different times."""

import pytest

from accounts.services import maker_enrol, maker_payouts_set
from rewards.models import EpochSession
from rewards.selectors.makers import maker_scorecard
from rewards.services.programs import epoch_schedule, epochs_begin
from rewards.services.scoring import epoch_score
from tests.operators import OPERATOR
from tests.rewards.test_scoring import HOUR_S, KINDS, index, program, quote, terms_of

__all__ = ["program"]
pytestmark = pytest.mark.django_db
OFFICE, SATURDAY = "0x" + "5" * 40, "0x" + "6" * 40
# Friday 2026-11-20, 19:00 UTC: 14:00 in New York. The close is at 21:00 UTC, the weekend starts on Saturday 01:00 UTC.
FRIDAY_S = 1_795_201_200
WEEKEND_S = FRIDAY_S + 6 * HOUR_S
END_S = FRIDAY_S + 8 * HOUR_S


def enrol(slug: str, address: str) -> None:
    maker = maker_enrol(by=OPERATOR, slug=slug, name=slug.title(), addresses=[address], since_ms=0)
    maker_payouts_set(by=OPERATOR, maker=maker, shares=[(address, 1_000_000)], since_ms=0)


@pytest.mark.parametrize("boost", [100, 250, 300])
def test_an_hour_of_the_weekend_specialist_is_paid_the_boost_of_an_hour_of_the_office_maker(program, exchange, boost):
    enrol("office", OFFICE)
    enrol("saturday", SATURDAY)
    boosts = dict.fromkeys(KINDS, 100) | {"weekend": boost}
    terms = terms_of(number=1, start_s=FRIDAY_S, end_s=END_S, boosts=boosts, budget="12000000000")
    epoch = epoch_schedule(program=program, terms=terms)
    quote(exchange, OFFICE, 1)
    exchange.submit(time_s=FRIDAY_S)
    exchange.cancel(1)
    exchange.cancel(2)
    exchange.submit(time_s=FRIDAY_S + 2 * HOUR_S)
    quote(exchange, SATURDAY, 11)
    exchange.submit(time_s=WEEKEND_S)
    exchange.anvil.mine(time_s=END_S, blocks=5)
    index()
    epochs_begin(now_ms=FRIDAY_S * 1000)
    epoch_score(epoch_id=epoch.pk)

    assert list(EpochSession.objects.values_list("kind", "start_ms", "end_ms")) == [
        ("regular", FRIDAY_S * 1000, (FRIDAY_S + 2 * HOUR_S) * 1000),
        ("post", (FRIDAY_S + 2 * HOUR_S) * 1000, WEEKEND_S * 1000),
        ("weekend", WEEKEND_S * 1000, END_S * 1000),
    ]
    office = maker_scorecard(epoch_id=epoch.pk, maker="office", now_ms=END_S * 1000)
    saturday = maker_scorecard(epoch_id=epoch.pk, maker="saturday", now_ms=END_S * 1000)
    assert [(card.kind, card.present_ms) for card in office.kinds] == [("regular", 2 * HOUR_S * 1000)]
    assert [(card.kind, card.present_ms) for card in saturday.kinds] == [("weekend", 2 * HOUR_S * 1000)]
    # Eight hours are live: 2 regular and 4 post at 100, 2 of the weekend at the boost.
    whole = 6 * 100 + 2 * boost
    assert office.payout == 12_000_000_000 * 2 * 100 // whole
    assert saturday.payout == 12_000_000_000 * 2 * boost // whole
    ratio = saturday.kinds[0].pay_per_hour / office.kinds[0].pay_per_hour
    assert ratio == pytest.approx(boost / 100, rel=1e-8)
