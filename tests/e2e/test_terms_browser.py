"""Terms in a browser: a treasurer errs, mends and hands in; a reviewer reads and accepts; the next epoch begins so."""

import hashlib
import json

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from onchain.models import Block
from rewards.models import Epoch, TermsVersion
from rewards.services.programs import epoch_schedule_next, epochs_begin
from tests.pages.factories import CLOCK, PASSWORD, WEEKS, clock, make_live_epoch, make_program, ms, template
from tests.pages.windows import sign_in, window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def program(settings):
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    clock(CLOCK)
    program = make_program()
    make_live_epoch(program, 3, WEEKS[2], WEEKS[3])
    for name, role in (("tess", "treasurer"), ("rui", "reviewer")):
        User.objects.create_user(username=name, password=PASSWORD, role=role)
    return program


def keep(page: Page) -> None:
    page.locator(".form-end").get_by_role("button", name="Keep the draft").click()


def draft(page: Page) -> None:
    """A treasurer drafts, makes a mistake, mends it and hands in."""
    sign_in(page, "tess")
    page.goto("/treasury/")
    page.get_by_role("link", name="Programmes and terms").click()
    page.get_by_role("link", name="US equity perpetuals").click()
    page.get_by_role("link", name="Draft new terms").click()
    page.get_by_label("Weekend", exact=True).fill("40000")
    page.locator("[id='budget']").fill("300,000.25")
    keep(page)
    expect(page.get_by_text("1 thing to mend before the draft can be kept")).to_be_visible()
    entry = page.locator(".entry", has=page.locator("[id='boosts.weekend']"))
    expect(entry.get_by_text("It is 40,000% and has to be from 0% to 10,000%.")).to_be_visible()
    page.get_by_label("Weekend", exact=True).fill("400")
    # A market goes, with a button that changes the form alone.
    page.locator("[id='m3'] summary").click()
    page.locator("[id='m3']").get_by_role("button", name="Remove this market").click()
    expect(page.locator("[data-market]")).to_have_count(3)
    assert page.locator("[id='budget']").input_value() == "300,000.25"
    keep(page)
    expect(page.get_by_role("heading", name="Version 1 of the terms")).to_be_visible()
    page.get_by_label("A word to whoever reviews it").fill("TSLA had no weekend quotes.")
    page.get_by_role("button", name="Hand it in").click()
    expect(page.get_by_text("nobody accepts terms that they drafted")).to_be_visible()
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)


def review(page: Page) -> None:
    """A reviewer reads what it would mean, and accepts."""
    sign_in(page, "rui")
    page.goto("/treasury/programmes/us-equity-perps/")
    page.locator(".inbox").get_by_role("link", name="Version 1").click()
    changes = page.locator(".changes")
    for change in ("250,000 LAMP → becomes 300,000.25 LAMP", "300% → becomes 400%", "TSLA-PERP"):
        assert change in " ".join(changes.inner_text().split()).replace("\N{NO-BREAK SPACE}", " ")
    expect(page.locator("main").get_by_text("25% of the budget is never paid")).to_be_visible()
    expect(page.locator(".week")).to_be_visible()
    expect(page.get_by_text("TSLA had no weekend quotes.")).to_be_visible()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("these terms hold from epoch 4 on").first).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="From epoch 4, 1 December 2025")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_treasurer_drafts_errs_and_mends_and_a_reviewer_accepts_what_then_begins(
    program, live_server, client, scripts
):
    with window(live_server.url, scripts=scripts) as page:
        draft(page)
        review(page)
    client.force_login(User.objects.get(username="rui"))
    exported = client.get("/treasury/programmes/us-equity-perps/terms/version-1.json").json()
    changed = template(program, ("AAPL-PERP", "MSFT-PERP", "NVDA-PERP"), budget="300000250000000000000000")
    changed["boosts"] = {**changed["boosts"], "weekend": 400}
    for market in changed["markets"].values():
        market["weight_bps"] = 2500
    assert exported == changed
    Block.objects.update(time_ms=WEEKS[3], timestamp_s=WEEKS[3] // 1000)
    epoch_schedule_next(program=program, now_ms=WEEKS[3])
    epochs_begin(now_ms=WEEKS[3])
    epoch = program.epochs.get(number=4)
    begun = exported | {"epoch": {"number": 4, "start_ms": WEEKS[3], "end_ms": ms(2025, 12, 8)}}
    text = json.dumps(begun, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert (epoch.state, epoch.terms_sha256) == (Epoch.State.LIVE, hashlib.sha256(text.encode()).hexdigest())
    assert TermsVersion.objects.get().reviewer.username == "rui"


def test_what_is_entered_while_a_market_is_being_added_is_kept(program, live_server):
    with window(live_server.url, scripts=True) as page:
        sign_in(page, "tess")
        page.goto("/treasury/programmes/us-equity-perps/terms/new/")
        held: list[Route] = []
        page.route("**/terms/new/", lambda route: held.append(route))
        with page.expect_request(lambda request: request.method == "POST"):
            page.get_by_role("button", name="Add a market").click()
        # The answer is on its way, as long as it takes to enter an amount and to tick a box.
        page.locator("[id='budget']").fill("123,456")
        page.locator("[id='m0'] summary").click()
        page.locator("[id='m0'] [data-stress]").uncheck()
        while not held:
            page.wait_for_timeout(10)
        held[0].continue_()
        expect(page.locator("[data-market]")).to_have_count(5)
        expect(page.locator("[id='budget']")).to_have_value("123,456")
        expect(page.locator("[id='m0'] [data-stress]")).not_to_be_checked()
        # What was opened meanwhile stays open, and the new market's name does not take the focus from there.
        expect(page.locator("[id='m0']")).to_have_attribute("open", "")
        expect(page.locator("[id='m0'] [data-stress]")).to_be_focused()


def test_keys_that_are_pressed_as_the_new_form_comes_end_in_the_field_that_they_were_meant_for(program, live_server):
    """At the very moment: the first keys before the answer is put in, the others in the same turn after it."""
    with window(live_server.url, scripts=True) as page:
        sign_in(page, "tess")
        page.goto("/treasury/programmes/us-equity-perps/terms/new/")
        page.evaluate("""() => {
            const budget = () => document.getElementById("budget");
            document.addEventListener("htmx:beforeSwap", () => { budget().focus(); budget().value = "12"; }, true);
            document.addEventListener("htmx:afterSwap", () => { queueMicrotask(() => { budget().value += "3"; }); });
        }""")
        page.get_by_role("button", name="Add a market").click()
        expect(page.locator("[data-market]")).to_have_count(5)
        page.wait_for_function("!document.querySelector('.htmx-settling, .htmx-swapping')")
        expect(page.locator("[id='budget']")).to_have_value("123")
        expect(page.locator("[id='budget']")).to_be_focused()
