"""What a maker reads first: whether its quotes count right now, and for each reason what to do, with figures."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Maker, User
from rewards.models import QuoteCells
from rewards.selectors.makers import maker_scorecard
from rewards.selectors.right_now import right_now
from rewards.views.right_now import right_now_context
from tests.pages.factories import CLOCK, scene
from tests.pages.quoting_rows import HOUR_MS, MARKET, quote_through

pytestmark = pytest.mark.django_db


def words(client: Client, address: str) -> str:
    """The page's text, without tags, in single spaces."""
    text = re.sub(r"<[^>]+>", " ", client.get(address).content.decode())
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ").split())


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def stage():
    return scene()


SAYS = {
    # Hour of the week, of those that quoting_rows makes odd: state and advice.
    28: ("No quotes", "Is the bot running"),
    40: ("Counting", "of the market’s rate is yours, with bids"),
    61: ("Counting in part", "One side alone counts 1/3 as much"),
    82: ("Too small", "An order counts from 10 lots on"),
    105: ("Too far", "bps from the reference, and the band ends at 75 bps."),
}


@pytest.mark.parametrize("hour", SAYS)
def test_each_state_has_its_word_and_says_what_to_change(stage, hour):
    """The orders of that hour rest to the end of the week: nothing comes after them."""
    epoch = stage.paying
    quote_through([epoch], until_ms=epoch.start_ms + (hour + 1) * HOUR_MS)
    card = maker_scorecard(epoch_id=epoch.pk, maker="aurora", now_ms=CLOCK)
    told = right_now_context(epoch=epoch, card=card)
    state, advice = SAYS[hour]
    (line,) = told["right_now"]
    assert (line.market, line.state) == (MARKET, state)
    assert advice in line.sentence.replace("\N{NO-BREAK SPACE}", " ")
    counts = "count" if state.startswith("Counting") else "do not count"
    assert told["right_now_summary"] == f"Your quotes {counts} in {MARKET}."


def test_the_scorecard_of_a_live_epoch_begins_with_it_and_leads_to_the_book(stage):
    quote_through([stage.live], until_ms=CLOCK)
    client = signed_in(stage.people["maker"])
    address = reverse("scorecard", args=["aurora", stage.program.slug, stage.live.number])
    assert f"Your quotes count in {MARKET}. {MARKET} Counting in part One side alone" in words(client, address)
    (seen,) = right_now(epoch=stage.live, maker="aurora", markets=[MARKET])
    where = [stage.program.slug, stage.live.number, MARKET, seen.until_ms - 1]
    assert reverse("scorecard-moment", args=["aurora", *where]) in client.get(address).content.decode()


def test_there_is_no_right_now_of_an_epoch_that_is_over_nor_of_cells_that_cannot_be_read(stage):
    quote_through([stage.live], until_ms=CLOCK)
    client = signed_in(stage.people["maker"])
    assert "Right now" not in words(client, reverse("scorecard", args=["aurora", stage.program.slug, 1]))
    address = reverse("scorecard", args=["aurora", stage.program.slug, stage.live.number])
    assert "Right now" in words(client, address)
    QuoteCells.objects.update(cells=b"nothing of ours")
    assert "Right now" not in words(client, address)
    assert right_now(epoch=stage.live, maker="a stranger", markets=[MARKET]) == []


def test_a_maker_without_anything_reads_what_is_missing_with_the_rules_figures_and_where_to_go(stage):
    maker = Maker.objects.create(slug="newcomer", name="Newcomer")
    person = User.objects.create_user(username="new", role="maker")
    maker.members.add(person)
    client = signed_in(person)
    address = reverse("scorecard", args=["newcomer", stage.program.slug, stage.live.number])
    page = words(client, address)
    assert "Nothing measured yet" in page
    assert "None counts in this epoch. Add one : it counts from the next epoch on." in page
    assert "None is named, so nothing can be paid." in page
    assert "100 lots on each side at once within 20 to 100 bps of the reference" in page
    assert "old" not in page.split("So far")[1].split("Share of all pay")[0]
    assert reverse("maker-wallets", args=["newcomer"]) in client.get(address).content.decode()


def why(stage, maker: str, number: int) -> str:
    client = signed_in(stage.people["treasurer"])
    page = words(client, reverse("scorecard", args=[maker, stage.program.slug, number]))
    return page.split("Why not more?")[1].split("Where the next lot pays most")[0]


def test_a_missed_gate_says_how_many_hours_it_took_and_what_they_would_have_brought(stage):
    """By hand: 45% of 48 weekend hours, 50% asked. 175,000 for quoting over 32.5 regular hours, 27.5 before the open,
    20 after the close, 40 overnight and 48 of the weekend, at 1, 1.5, 2, 2.5 and 3 times: 357.75 plain hours, 144 of
    them the weekend's; of it the maker's mean share is 45 * 7 * 10,000 of 2^30.
    """
    told = why(stage, "fairweather", 1)
    assert "Weekend, 3×: below the least presence, so not paid at all" in told
    assert "It took 2 hours 24 minutes more on both sides inside the band in each market." in told
    expected = 175_000 * 144 / 357.75 * (45 * 7 * 10_000) / 2**30
    assert 206.64 <= expected < 206.65
    assert "What you quoted in it would have brought about 206.64 LAMP." in told


def test_while_the_epoch_runs_a_missed_gate_says_what_is_still_needed_of_what_is_left(stage):
    """By hand: 62% of 51 weekend hours are over, 45% of them present; half of the 51 is asked."""
    told = why(stage, "fairweather", 3)
    assert "Be there for 11 hours 16 minutes more of the 19 hours 22 minutes that are left in each market" in told


def test_who_was_away_or_on_one_side_reads_the_rule_and_the_hours_worth(stage):
    told = why(stage, "meridian", 1)
    assert "Overnight, 2.5×: not there" in told
    assert (
        "To be there: 100 lots on each side at once within 75 bps of the reference, in orders of 10 lots or more that "
        "rest for 500 milliseconds."
    ) in told
    # 175,000 over 357.75 plain hours, two and a half times.
    assert f"An hour of it pays all makers up to {175_000 * 2.5 / 357.75:,.2f} LAMP" in told
    assert "Before the open, 1.5×: away for part of it" in told
    share = "At your share while you were there, that would have brought about"
    # Two fifths of 27.5 hours, at the mean share of 12 * 10,000 of 2^30 while there.
    worth = 175_000 * 1.5 * 27.5 * 0.4 / 357.75 * 12 * 10_000 * 100 / 2**30
    assert f"You were away for 11 hours in each market. {share} {int(worth * 100) / 100:.2f} LAMP more." in told
    assert "one side at a time" in why(stage, "one-side", 1)
