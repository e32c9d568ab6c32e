"""The form of the terms: nothing is lost on the way through it, and each mistake is said at its own entry."""

import copy
import html
import json
import re

import pytest
from django.http import QueryDict
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from onchain.models import Market
from rewards.engine.tomltext import write_toml
from rewards.models import TermsVersion
from rewards.selectors.terms_facts import TermsFacts
from rewards.services.terms_versions import terms_draft
from rewards.views.terms_buttons import change_entries
from rewards.views.terms_diff import terms_differences
from rewards.views.terms_entries import entries_of_document, entries_of_post, to_document
from rewards.views.terms_fields import Unit, money
from rewards.views.terms_form import form_view
from rewards.views.terms_warnings import terms_warnings
from tests.engine.terms_made import ADDRESS, documents, example
from tests.pages.factories import CLOCK, WEEKS, clock, make_live_epoch, make_program, template

LAMP = money("LAMP", 18)
FEW = settings(max_examples=40)


def posted(form) -> QueryDict:
    """What a browser sends of a form, read off its view."""
    post = QueryDict(mutable=True)
    fields = [*form.money, form.unspent, *form.boosts]
    for market in form.markets:
        post.appendlist("market", str(market.number))
        fields += [market.name, *market.pools, *market.counting, market.curve, *market.stress]
        fields += [field for row in market.kinds for field in row.fields]
        for step in market.steps:
            post.appendlist(f"{market.place}.step", str(step.number))
            fields += [step.fraction, step.weight]
        if market.has_stress:
            post[market.stress_switch.name] = "on"
    for field in fields:
        post[field.name] = field.value
    return post


@FEW
@given(documents(with_epoch=False), st.integers(0, 30))
def test_terms_come_back_from_the_form_as_they_went(document, decimals):
    unit = money("T", decimals)
    entries = entries_of_document(document, unit=unit)
    form = form_view(entries=entries, unit=unit, places={}, problems=[])
    made = to_document(
        entries_of_post(posted(form), unit=unit), program=document["program"], token=ADDRESS, unit=unit
    )  # fmt: skip
    assert made.problems == []
    assert made.document == document


@given(st.integers(-(10**80), 10**80), st.integers(0, 40))
def test_a_number_comes_back_from_its_unit_as_it_went(value, digits):
    unit = Unit("x", digits)
    assert unit.read(unit.write(value)) == value
    assert unit.read(unit.words(value).removesuffix("\N{NO-BREAK SPACE}x")) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 100), ("1.5", 150), ("0.01", 1), ("1,234.5", 123_450), ("-2", -200), (" 7 ", 700), ("0012", 1200)]
    + [(text, None) for text in ("", "1.", ".5", "1.234", "1,23", "1e3", "NaN", "１", "0x1", "1 000", "--1", "+1")],
)
def test_a_percentage_is_read_exactly_or_not_at_all(text, value):
    assert Unit("%", 2).read(text) == value


# --- at the field -----------------------------------------------------------------------------------------

pages = pytest.mark.django_db
# What is typed where, and what the page says there.
BROKEN = {
    "budget": ("", "Fill this in."),
    "min_payout": ("1.0000000000000000001", "is not a number with at most 18 decimals"),
    "boosts.weekend": ("10001", "It is 10,001% and has to be from 0% to 10,000%."),
    "boosts.pre": ("1.5", "“1.5” is not a whole number"),
    "unspent": ("burn", "It has to be one of return, redistribute."),
    "m0.weight_bps": ("100.01", "It is 100.01% and has to be from 0% to 100%."),
    "m0.quoting_share_bps": ("seventy", "“seventy” is not a number with at most 2 decimals"),
    "m0.min_order_lots": ("0", "It is 0\N{NO-BREAK SPACE}lots and has to be at least 1\N{NO-BREAK SPACE}lots."),
    "m0.min_rest_ms": ("-5", "It is -5\N{NO-BREAK SPACE}ms and has to be at least 0\N{NO-BREAK SPACE}ms."),
    "m0.max_spread_bps.weekend": ("NaN", "“NaN” is not a whole number"),
    "m0.min_uptime_bps.pre": ("101", "It is 101% and has to be from 0% to 100%."),
    "m0.stress.widen_pct": ("99", "It is 99% and has to be at least 100%."),
    "m0.stress.window_ms": ("0.0001", "is not a number with at most 3 decimals"),
    "m0.curve": ("cubic", "It has to be one of quadratic, linear, steps."),
    "m1.name": ("AAPL-PERP", "The market is there twice."),
    "epoch_days": ("0", "It has to be a whole number from 1 to 366."),
}


@pytest.fixture
def program():
    clock(CLOCK)
    program = make_program()
    make_live_epoch(program, 3, WEEKS[2], WEEKS[3])
    return program


@pytest.fixture
def treasurer(client):
    user = User.objects.create_user(username="tess", role="treasurer")
    client.force_login(user)
    return user


def form_of(client, program) -> QueryDict:
    """The form of a new draft as it is posted untouched, read off the page's own HTML."""
    text = client.get(reverse("treasury-draft-new", args=[program.slug])).content.decode()
    body = text[text.index('id="terms-form"') : text.index("</form>", text.index('id="terms-form"'))]
    post = QueryDict(mutable=True)
    for tag in re.findall(r"<input[^>]*>", body):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag) and name[1] != "csrfmiddlewaretoken":
            post.appendlist(html.unescape(name[1]), html.unescape(value[1]) if value else "")
    for name, inside in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        post[name] = re.search(r'value="([^"]*)" selected', inside)[1]
    return post


def says_at(text: str, name: str) -> str:
    """What the page says beside an entry: the text from its tag to the next entry's."""
    start = text.index(f'name="{name}"')
    following = re.compile(r'<(?:label|input|select|div class="kinds-row")').search(text, start + 1)
    return html.unescape(re.sub(r"<option.*?</option>|<[^>]+>", " ", text[start : following.start()], flags=re.DOTALL))


@pages
def test_an_untouched_form_keeps_exactly_the_terms_in_force(client, program, treasurer):
    answer = client.post(
        reverse("treasury-draft-new", args=[program.slug]), form_of(client, program).dict() | lists(client, program)
    )
    version = TermsVersion.objects.get()
    assert answer.url == reverse("treasury-draft", args=[program.slug, 1])
    assert json.loads(version.terms_json) == template(program)
    assert (version.epoch_days, version.author) == (7, treasurer)


def lists(client, program) -> dict[str, list[str]]:
    """The entries that are there more than once."""
    return {name: values for name, values in form_of(client, program).lists() if len(values) > 1}


@pages
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_said_at_its_entry_and_nothing_is_kept(client, program, treasurer, name):
    typed, said = BROKEN[name]
    post = form_of(client, program)
    post[name] = typed
    text = client.post(reverse("treasury-draft-new", args=[program.slug]), dict(post.lists())).content.decode()
    assert said in says_at(text, name)
    assert f'value="{typed}"' in text or name in ("unspent", "m0.curve")
    assert f'href="#{name}"' in text
    assert not TermsVersion.objects.exists()


@pytest.fixture
def idle():
    """A programme whose last epoch is over, so that the form asks when the next one begins."""
    clock(CLOCK)
    program = make_program()
    make_live_epoch(program, 1, WEEKS[0], WEEKS[1])
    return program


@pages
@pytest.mark.parametrize("typed", ["2200-12-25T00:00", "2201-03-02T09:30", "9999-12-31T23:59"])
def test_a_first_epoch_beyond_the_calendars_days_is_refused_at_its_entry(client, idle, treasurer, typed):
    post = form_of(client, idle)
    assert post["epoch_days"] == "7"
    post["first_start"] = typed
    text = client.post(reverse("treasury-draft-new", args=[idle.slug]), dict(post.lists())).content.decode()
    said = "The epoch would reach beyond 2200-12-31, where the calendar XNYS ends. Begin it earlier."
    assert said in says_at(text, "first_start")
    assert not TermsVersion.objects.exists()
    # A day earlier than the first of these, the week ends in time.
    post["first_start"] = "2200-12-24T00:00"
    assert client.post(reverse("treasury-draft-new", args=[idle.slug]), dict(post.lists())).status_code == 302


@pages
def test_a_draft_whose_first_epoch_no_calendar_reaches_has_a_page_without_one(client, idle, treasurer):
    # 9999-12-30T00:00Z, which a form took before calendars had a last day.
    made = terms_draft(
        by=treasurer, program=idle, document=template(idle), epoch_days=366, first_start_ms=253_402_128_000_000
    )
    answer = client.get(reverse("treasury-draft", args=[idle.slug, made.number]))
    assert (answer.status_code, answer.context["preview"].epoch, answer.context["choices"]) == (200, None, [])
    assert client.get(reverse("treasury-draft-edit", args=[idle.slug, made.number])).status_code == 200


@pages
def test_all_mistakes_are_said_at_once(client, program, treasurer):
    post = form_of(client, program)
    for name, (typed, _) in BROKEN.items():
        post[name] = typed
    text = client.post(reverse("treasury-draft-new", args=[program.slug]), dict(post.lists())).content.decode()
    assert all(said in says_at(text, name) for name, (_, said) in BROKEN.items() if name != "m1.name")
    assert text.count('<li><a href="#') >= len(BROKEN) - 1


@pages
def test_what_belongs_to_no_single_entry_is_said_at_its_block(client, program, treasurer):
    post = form_of(client, program)
    post["m0.fills_share_bps"], post["m1.weight_bps"] = "16", "40"
    text = client.post(reverse("treasury-draft-new", args=[program.slug]), dict(post.lists())).content.decode()
    first = text[text.index('<details class="market wrong" id="m0"') :]
    assert "shares sum to 10100 bps instead of 10000" in first[: first.index("</details>")]
    assert '<p class="error">The weights sum to 11500 bps, more than 10000.</p>' in text


@pages
@pytest.mark.parametrize("form", ["toml", "json"])
def test_a_file_becomes_a_draft_and_comes_out_again_as_it_went_in(client, program, treasurer, form):
    document = template(program, budget="1")
    text = write_toml(document) if form == "toml" else json.dumps(document)
    client.post(reverse("treasury-draft-import", args=[program.slug]), {"text": text})
    version = TermsVersion.objects.get()
    assert json.loads(version.terms_json) == document
    exported = {
        each: client.get(f"/treasury/programmes/{program.slug}/terms/version-1.{each}") for each in ("toml", "json")
    }
    assert exported["json"].content.decode() == version.terms_json
    client.post(reverse("treasury-draft-import", args=[program.slug]), {"text": exported["toml"].content.decode()})
    assert TermsVersion.objects.get(number=2).terms_sha256 == version.terms_sha256


@pages
def test_a_file_with_mistakes_opens_in_the_form_with_each_at_its_entry(client, program, treasurer):
    document = template(program)
    document["markets"]["MSFT-PERP"] = copy.deepcopy(document["markets"]["MSFT-PERP"])
    document["markets"]["MSFT-PERP"]["target_lots"] = -1
    document["markets"]["MSFT-PERP"]["lunch"] = 1
    document["token"] = "0x" + "99" * 20
    text = write_toml(document) + "[epoch]\nnumber = 1\nnumber = 2\nstart_ms = 0\nend_ms = nan\n"
    answer = client.post(reverse("treasury-draft-import", args=[program.slug]), {"text": text})
    page = answer.content.decode()
    assert "has to be at least 0" in says_at(page, "m1.target_lots")
    shown = html.unescape(re.sub(r"<[^>]+>", "", page))
    for said in (
        "markets.MSFT-PERP.lunch: The key is unknown.",
        "epoch.number: The key is there twice.",
        "epoch.end_ms: Nan is not a whole number.",
        "token: It is 0x99",
    ):
        assert said in shown
    assert not TermsVersion.objects.exists()


@pages
def test_buttons_other_than_keep_change_the_form_and_keep_nothing(client, program, treasurer):
    post, address = form_of(client, program), reverse("treasury-draft-new", args=[program.slug])
    count = len(post.getlist("market"))
    for action, markets in (("add-market", count + 1), ("remove-market:0", count - 1), ("copy-market:1", count + 1)):
        text = client.post(address, dict(post.lists()) | {"do": action}).content.decode()
        assert text.count("data-market") - text.count("data-market>") >= 0
        assert len(re.findall(r'name="market" value="\d+"', text)) == markets
    text = client.post(address, dict(post.lists()) | {"do": "add-step:2"}).content.decode()
    assert 'name="m2.step0.fraction"' in text
    post["m0.target_lots"] = "77"
    text = client.post(address, dict(post.lists()) | {"do": "spread:0"}).content.decode()
    assert len(re.findall(r'name="m\d\.target_lots" value="77"', text)) == count
    assert not TermsVersion.objects.exists()


@pytest.mark.parametrize(
    "action", ["", "remove-market", "remove-market:9", "remove-market:-1", "spread:x", "add-step:0:1"]
)
def test_a_button_that_is_none_of_the_forms_changes_nothing(action):
    entries = entries_of_document(example(), unit=LAMP)
    before = copy.deepcopy(entries)
    assert change_entries(entries, action) is None
    assert entries == before


# --- differences and warnings -----------------------------------------------------------------------------


def said(before: dict, after: dict) -> list[str]:
    return [
        f"{change.where}|{change.label}|{change.before}|{change.after}".replace("\N{NO-BREAK SPACE}", " ")
        for change in terms_differences(before=before, after=after, unit=LAMP)
    ]


def test_changes_are_said_in_plain_words():
    before, after = example(), example()
    after["budget"] = "250000500000000000000000"
    after["boosts"]["weekend"] = 250
    after["unspent"] = "redistribute"
    market = after["markets"]["AAPL-PERP"]
    market["max_spread_bps"]["weekend"] = 80
    market["stress"]["hold_ms"] = 900_500
    market["curve"] = {"kind": "steps", "steps": [[250_000, 1_000_000], [1_000_000, 62_500]]}
    after["markets"]["TSLA-PERP"] = example()["markets"]["AAPL-PERP"] | {"weight_bps": 0}
    assert said(before, after) == [
        "|Budget of an epoch|250,000 LAMP|250,000.5 LAMP",
        "|What nobody earns|stays with the treasury|is shared among the makers who were paid",
        "|Weekend boost|300%|250%",
        "TSLA-PERP|Market|not there|0% of the budget",
        "AAPL-PERP|Band, weekend|100 bps|80 bps",
        "AAPL-PERP|Fast market: and it stays fast for|600 s|900.5 s",
        "AAPL-PERP|Weight of an order|falls with the square of the distance|falls in steps: 100% up to 25% of the "
        "band; 6.25% up to 100% of the band",
    ]


def test_a_change_of_all_markets_is_said_once():
    before = example()
    before["markets"] = {f"M{number}": example()["markets"]["AAPL-PERP"] | {"weight_bps": 1} for number in range(40)}
    after = copy.deepcopy(before)
    for market in after["markets"].values():
        market["target_lots"] = 5
    assert said(before, after) == ["All 40 markets|Full rate from|2,000 lots|5 lots"]


@FEW
@given(st.data())
def test_no_change_of_the_terms_goes_unsaid(data):
    before = data.draw(documents(with_epoch=False))
    after = copy.deepcopy(before)
    assert said(before, after) == []
    leaves = list(leaves_of(after, ("version", "program", "token")))
    target, key = data.draw(st.sampled_from(leaves))
    target[key] = {"return": "redistribute", "redistribute": "return"}.get(target[key]) or (
        str(int(target[key]) + 1) if isinstance(target[key], str) else target[key] + 1
    )  # fmt: skip
    assert len(said(before, after)) == 1


def leaves_of(value: dict, skip: tuple[str, ...] = ()):
    """Every number and word of a document, as the object or list that holds it and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        if key in skip or key == "kind":
            continue
        if isinstance(inside, dict | list):
            yield from leaves_of(inside)
        else:
            yield value, key


GOOD = TermsFacts(
    known_markets=frozenset({"AAPL-PERP"}), markets_with_events=frozenset({"AAPL-PERP"}), makers=2,
    treasury="0x1", balance=10**24, allowance=10**24,
)  # fmt: skip


def warned(change=lambda terms: None, **facts: object) -> list[str]:
    terms = example()
    change(terms)
    found = {name: getattr(GOOD, name) for name in GOOD.__slots__} | facts
    return terms_warnings(terms=terms, facts=TermsFacts(**found), unit=LAMP)


def test_sound_terms_are_warned_of_nothing():
    assert warned() == []


@pytest.mark.parametrize(
    ("change", "facts", "words"),
    [
        (lambda t: t["markets"]["AAPL-PERP"].update(weight_bps=9_000), {}, "10% of the budget is never paid"),
        (lambda t: t["markets"].clear(), {}, "There is no market"),
        (lambda t: t.update(budget="0"), {}, "budget is nothing"),
        (lambda t: t.update(min_payout="9" * 30), {}, "larger than the budget"),
        (lambda t: t["boosts"].update(weekend=1_001), {}, "boost of “Weekend” is 1,001%"),
        (lambda t: t["boosts"].update(pre=0), {}, "earn nothing in it"),
        (lambda t: t["markets"]["AAPL-PERP"].update(min_order_lots=2_001), {}, "larger than the depth"),
        (lambda t: t["markets"]["AAPL-PERP"].update(max_share_bps=4_999), {}, "don't reach 100%"),
        (lambda t: t["markets"]["AAPL-PERP"]["max_spread_bps"].update(post=0), {}, "has a band of 0 bps in"),
        (lambda t: t["markets"]["AAPL-PERP"]["min_uptime_bps"].update(post=10_000), {}, "asks for 100% presence"),
        (lambda t: None, {"makers": 1}, "don't reach 100%"),
        (lambda t: None, {"markets_with_events": frozenset()}, "AAPL-PERP has had no event so far"),
        (lambda t: None, {"known_markets": frozenset()}, "AAPL-PERP is not a market that we read"),
        (lambda t: None, {"treasury": None}, "could not be asked"),
        (lambda t: None, {"balance": 1}, "less than the budget"),
    ],
)  # fmt: skip
def test_what_is_worth_a_second_look_is_said_once(change, facts, words):
    found = warned(change, **facts)
    assert len(found) == 1
    assert words in found[0]


@pages
def test_forty_markets_can_be_drafted(client, program, treasurer):
    names = tuple(f"M{number:02d}-PERP" for number in range(40))
    Market.objects.all().delete()
    text = json.dumps(template(program, names))
    client.post(reverse("treasury-draft-import", args=[program.slug]), {"text": text})
    edit = reverse("treasury-draft-edit", args=[program.slug, 1])
    page = client.get(edit).content.decode()
    assert page.count('<details class="market"') == 40
    assert " open>" not in page
    assert client.get(reverse("treasury-draft", args=[program.slug, 1])).status_code == 200
