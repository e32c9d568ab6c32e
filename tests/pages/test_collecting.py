"""What a provider sees: figures that add up, times to expect, receipts, files for the tax office, and plain words."""

import csv
import html as html_text
import io
import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from onchain.models_tx import ChainClaim, ChainDistributor
from rewards.models import AutoCollect, ClaimRequest, Entitlement, Epoch, EpochVault, Payment
from rewards.selectors.claims import claim_page
from rewards.selectors.expected import expected_at_ms
from rewards.services.claims import BUDGET_USED, NO_RELAYER
from rewards.services.programs import program_create
from rewards.trouble import Trouble
from tests.pages.factories import (
    CHAIN_ID,
    CLOCK,
    DISTRIBUTOR,
    HOUR_MS,
    TOKEN,
    TOKEN_ADDRESS,
    WEEKS,
    address,
    make_claim,
    make_live_epoch,
    ms,
    scene,
)

pytestmark = pytest.mark.django_db
REVIEW_MS = 48 * HOUR_MS
JARGON = ("gas", "merkle", "proof", "root", "epoch", "wei")


@pytest.fixture
def made():
    return scene()


@pytest.fixture
def account(made) -> str:
    """Aurora's first account: 70% of its pay; the first week is active and uncollected, the second waits."""
    return made.payout_account("aurora")


def page_of(account: str) -> str:
    return Client().get(reverse("collect-account", args=[account])).content.decode()


def plain(html: str) -> str:
    """What people read: the main part without Details, tags away, spaces single."""
    body = re.sub(r"<details.*?</details>", " ", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", body[body.index("<main") : body.index("</main>")])
    return re.sub(r" ([,.;])", r"\1", " ".join(html_text.unescape(text).split()))


def collected(account: str, *, number: int = 1, log_index: int = 7, time_ms: int = CLOCK - HOUR_MS) -> ChainClaim:
    leaf = Entitlement.objects.get(account=account, epoch__number=number)
    distributor = ChainDistributor.objects.get(address=DISTRIBUTOR)
    return make_claim(
        distributor, account, leaf.cumulative, leaf.cumulative, time_ms=time_ms, log_index=log_index
    )  # fmt: skip


def receipt_of(claim: ChainClaim) -> str:
    return reverse("collect-receipt", args=[claim.account, claim.tx_hash, claim.log_index])


def test_what_is_adding_up_is_ready_after_the_end_the_review_and_the_delay(made, account, settings):
    """The live week ends on Monday 1 December at 0:00 in New York; two days to dispute, one hour of delay."""
    settings.REVIEW_HOURS = 48
    text = plain(page_of(account))
    assert "Ready about Wed 3 Dec 2025, 01:00 New York 06:00 UTC, if nothing holds it up. An estimate" in text
    # What waits for the treasury can't be ready before the delay after now has passed.
    assert "Ready about Wed 26 Nov 2025, 15:02 New York 20:02 UTC" in text


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        ("live", {}, 1_000 + 500 + 60_000),
        ("live", {"now_ms": 5_000}, 5_000 + 500 + 60_000),
        ("scored", {"review_until_ms": 9_000}, 9_000 + 60_000),
        ("proposed", {"review_until_ms": 9_000, "now_ms": 20_000}, 20_000 + 60_000),
        ("approved", {"activatable_at_s": 77}, 77_000),
        ("vetoed", {"review_until_ms": 9_000}, None),
    ],
)
def test_the_expected_time_follows_from_where_the_money_is(state, facts, expected):
    given = {"end_ms": 1_000, "review_until_ms": None, "activatable_at_s": None, "now_ms": 0} | facts
    assert expected_at_ms(state=state, review_ms=500, delay_s=60, **given) == expected


def test_ready_collected_and_on_the_way_add_up_to_all_that_was_ever_earned(made, account):
    Epoch.objects.filter(pk=made.live.pk).update(state="scored")
    whole = Entitlement.objects.get(account=account, epoch=made.waiting).cumulative
    for collects in (False, True):
        claim = collected(account) if collects else None
        (view,) = claim_page(account=account, now_ms=CLOCK, review_ms=REVIEW_MS)
        assert view.ready + view.collected + view.pending_total == whole
        assert view.collected == (claim.amount if claim else 0)
        assert (view.ready == 0) == (claim is not None)


def test_the_weekend_part_of_a_week_is_worked_out_from_credit_and_boost(made, account):
    """Aurora's weights of a market in the factory: hours of the kind, its presence and its boost."""
    (view,) = claim_page(account=account, now_ms=CLOCK, review_ms=REVIEW_MS)
    (row,) = view.earned
    hours = dict.fromkeys(("regular", "pre", "post", "overnight", "weekend"), 0)
    for session in made.paying.sessions.all():
        hours[session.kind] += session.end_ms - session.start_ms
    presence = {"regular": 98, "pre": 97, "post": 96, "overnight": 95, "weekend": 94}
    boost = {"regular": 100, "pre": 150, "post": 200, "overnight": 250, "weekend": 300}
    weights = {kind: length * presence[kind] // 100 * boost[kind] for kind, length in hours.items()}
    share = weights["weekend"] / sum(weights.values())
    assert row.weekend == pytest.approx(row.amount * share, rel=1e-9)
    assert 0 < row.weekend < row.amount
    text = plain(page_of(account))
    assert f"About {int(share * 1000) / 10:g}% of it came from weekends" in text
    assert "10 to 16 Nov 2025" in text


def test_a_receipt_says_how_much_when_what_for_and_which_transaction(made, account):
    claim = collected(account)
    html = Client().get(receipt_of(claim)).content.decode()
    text = plain(html)
    assert claim.tx_hash in text
    assert account in text
    assert "Wed 26 Nov 2025, 13:02 New York 18:02 UTC" in text
    assert "Aurora Liquidity 10 to 16 Nov 2025" in text
    assert html.count(f'value="{claim.amount}"') >= 3
    assert "Print it" in text


def test_a_collection_over_two_weeks_is_broken_down_to_the_unit(made, account):
    Epoch.objects.filter(pk=made.waiting.pk).update(state="active")
    claim = collected(account, number=2)
    answer = Client().get(receipt_of(claim))
    assert [each["row"].epoch_number for each in answer.context["paid_for"]] == [1, 2]
    assert sum(each["row"].amount for each in answer.context["paid_for"]) == claim.amount


@pytest.mark.parametrize("wrong", ["account", "hash", "index"])
def test_a_receipt_that_is_nobodys_is_not_there(made, account, wrong):
    claim = collected(account)
    args = {
        "account": [address(9), claim.tx_hash, claim.log_index],
        "hash": [account, "0x" + "9" * 64, claim.log_index],
        "index": [account, claim.tx_hash, claim.log_index + 1],
    }
    answer = Client().get(reverse("collect-receipt", args=args[wrong]))
    assert answer.status_code == 404
    assert "There is no receipt of this address called" in answer.content.decode()


def rows_of(name: str, account: str, year: int) -> list[dict[str, str]]:
    answer = Client().get(reverse(name, args=[account, year]))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_files_of_a_year_hold_every_collection_of_it_in_utc_and_blank_prices(made, account):
    """New Year in New York is five hours after that of UTC."""
    leaf = Entitlement.objects.get(account=account, epoch__number=1)
    distributor, part = ChainDistributor.objects.get(address=DISTRIBUTOR), leaf.cumulative // 2
    make_claim(distributor, account, part, part, time_ms=ms(2025, 12, 31, 18, 59), log_index=3)
    rest = leaf.cumulative - part
    make_claim(distributor, account, rest, leaf.cumulative, time_ms=ms(2025, 12, 31, 19, 0), log_index=4)
    (old,), (new,) = rows_of("collected-csv", account, 2025), rows_of("collected-csv", account, 2026)
    assert (old["Date (UTC)"], new["Date (UTC)"]) == ("2025-12-31 23:59:00", "2026-01-01 00:00:00")
    whole, digits = old["Amount"].split(".")
    assert int(whole) * TOKEN + int(f"{digits:0<18}") == part
    assert (old["Price of one token"], old["Value"], old["Currency of price and value"]) == ("", "", "")
    (koinly,) = rows_of("collected-koinly", account, 2026)
    assert list(koinly) == [
        *("Koinly Date", "Amount", "Currency", "Label", "TxHash", "Net Worth Amount", "Net Worth Currency")
    ]
    assert (koinly["Koinly Date"], koinly["Currency"], koinly["Label"]) == ("2026-01-01 00:00 UTC", "LAMP", "reward")
    assert (koinly["Net Worth Amount"], koinly["Net Worth Currency"]) == ("", "")
    assert koinly["TxHash"] == new["Transaction"]
    for name in ("collected-csv", "collected-koinly"):
        for year in (2024, 0, 99_999):
            assert Client().get(reverse(name, args=[account, year])).status_code == 404


def test_a_known_price_of_the_day_stands_in_the_files_and_on_the_receipt(made, account, settings, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text(f"token,date,price,currency\n{TOKEN_ADDRESS},2025-11-26,0.10,EUR\n")
    settings.TOKEN_PRICES_FILE = str(prices)
    distributor = ChainDistributor.objects.get(address=DISTRIBUTOR)
    amount = 123 * TOKEN + 5 * TOKEN // 10
    claim = make_claim(distributor, account, amount, amount, time_ms=CLOCK, log_index=3)
    make_claim(distributor, account, TOKEN, amount + TOKEN, time_ms=CLOCK - 24 * HOUR_MS, log_index=4)
    before, row = rows_of("collected-csv", account, 2025)
    assert (row["Price of one token"], row["Value"], row["Currency of price and value"]) == ("0.10", "12.35", "EUR")
    assert before["Value"] == ""
    assert rows_of("collected-koinly", account, 2025)[1]["Net Worth Amount"] == "12.35"
    assert "12.35 EUR" in plain(Client().get(receipt_of(claim)).content.decode())
    prices.write_text("token,date,price,currency\nnonsense\n")
    assert rows_of("collected-csv", account, 2025)[1]["Value"] == ""


def test_no_cell_of_a_file_is_a_formula(made, account):
    claim = collected(account)
    made.program.name, made.program.token_symbol = '=HYPERLINK("http://evil.example")', "+LAMP"
    made.program.save()
    (row,) = rows_of("collected-csv", account, 2025)
    assert (row["Programme"], row["Token"]) == ('\'=HYPERLINK("http://evil.example")', "'+LAMP")
    (koinly,) = rows_of("collected-koinly", account, 2025)
    assert koinly["Currency"] == "'+LAMP"
    assert koinly["TxHash"] == claim.tx_hash


def through_a_vault(made, account: str) -> None:
    """A fourth week pays the account a token through a vault called Lantern."""
    week = make_live_epoch(made.program, 4, WEEKS[3], WEEKS[3] + 168 * HOUR_MS)
    EpochVault.objects.create(
        epoch=week, maker="aurora", vault=address(77), operator=address(78), name="Lantern", amount=TOKEN, holders=1,
        dust=0, supply=1, contracts=[], balances_checked=1,
    )  # fmt: skip
    Payment.objects.create(epoch=week, maker="aurora", account=account, amount=TOKEN, vault=address(77))
    for state in ("scored", "proposed", "active"):
        Epoch.objects.filter(pk=week.pk).update(state=state)


def states(made, account: str) -> dict[str, str]:
    """Every state of the page, and what stands around it, by its name."""
    pages = {"ready": page_of(account)}
    distributors = ChainDistributor.objects.filter(address=DISTRIBUTOR)
    distributors.update(paused=True)
    pages["paused"] = page_of(account)
    distributors.update(paused=False)
    request = ClaimRequest.objects.create(program=made.program, account=account, cumulative=1, state="failed", note="x")
    for note in (*Trouble, NO_RELAYER, BUDGET_USED):
        ClaimRequest.objects.filter(pk=request.pk).update(note=note)
        pages[f"failed: {note}"] = page_of(account)
        assert f"{note} Your money is still here." in plain(pages[f"failed: {note}"])
    for state in ("waiting", "sent"):
        ClaimRequest.objects.filter(pk=request.pk).update(state=state, note="")
        pages[state] = page_of(account)
    claim = collected(account)
    ClaimRequest.objects.filter(pk=request.pk).update(state="done")
    pages["done"] = page_of(account)
    pages["receipt"] = Client().get(receipt_of(claim)).content.decode()
    through_a_vault(made, account)
    pages["through a vault"] = page_of(account)
    pages["nothing"] = page_of(address(0xDEAD))
    pages["look-up"] = Client().get(reverse("collect")).content.decode()
    pages["look-up of nonsense"] = (
        Client().get(reverse("collect"), {"address": "abandon ability able"}).content.decode()
    )
    pages["no receipt"] = Client().get(reverse("collect-receipt", args=[account, "0x" + "9" * 64, 0])).content.decode()
    pages["no file"] = Client().get(reverse("collected-csv", args=[account, 2019])).content.decode()
    return pages


def test_no_page_or_error_of_a_provider_speaks_jargon_outside_its_details(made, account):
    for name, html in states(made, account).items():
        text = plain(html).lower()
        for word in JARGON:
            assert not re.search(rf"\b{word}s?\b", text), (name, word, text)
        if name not in ("no receipt", "no file", "receipt"):
            assert "we never ask for a seed phrase" in text, name


def test_the_states_say_what_they_are(made, account):
    pages = {name: plain(html) for name, html in states(made, account).items()}
    assert "Ready to collect" in pages["ready"]
    assert "Collect, free" in pages["ready"]
    for name in ("paused", "waiting", "sent", "done"):
        assert "Collect, free" not in pages[name], name
    assert "On its way to you" in pages["waiting"]
    assert "It arrived Wed 26 Nov 2025, 13:02 New York" in pages["done"]
    assert "See the receipt" in pages["done"]
    assert "through the Lantern vault" in pages["through a vault"]
    assert "Nothing for this address" in pages["nothing"]


def test_the_page_shows_the_one_official_address_of_the_service(made, account, settings):
    settings.SITE_URL = "https://rewards.lamplight.example"
    for html in (page_of(account), Client().get(reverse("collect")).content.decode()):
        assert "The one address of this service is rewards.lamplight.example" in plain(html)


def test_pressing_twice_or_after_it_was_collected_asks_once_and_says_so(made, account):
    press = reverse("collect-now", args=[account, made.program.slug])
    for _ in range(2):
        assert "On its way to you" in plain(Client().post(press, follow=True).content.decode())
    assert ClaimRequest.objects.count() == 1
    collected(account)
    ClaimRequest.objects.update(state="done")
    text = plain(Client().post(press, follow=True).content.decode())
    assert "it may just have been collected in another window" in text
    assert ClaimRequest.objects.count() == 1


def test_a_stranger_may_look_and_only_the_owner_sees_the_switch(made, account):
    assert "Sign in with its wallet" in plain(page_of(account))
    owner = Client()
    owner.force_login(User.objects.create_user(username="lena", wallet=account))
    html = owner.get(reverse("collect-account", args=[account])).content.decode()
    assert 'role="switch" aria-checked="false"' in html
    AutoCollect.objects.create(program=made.program, account=account)
    assert "The owner has new rewards of this address collected by themselves" in plain(page_of(account))


def test_the_page_of_an_account_with_many_programmes_and_weeks_needs_as_many_queries(
    made, account, django_assert_max_num_queries
):
    for number in range(6):
        program_create(
            slug=f"more-{number}", name=f"More {number}", chain_id=CHAIN_ID, distributor=address(0x900 + number),
            token=TOKEN_ADDRESS, token_symbol="LAMP", start_block=1,
        )  # fmt: skip
    for index in range(30):
        make_claim(
            ChainDistributor.objects.get(address=DISTRIBUTOR), account, 1, index, time_ms=WEEKS[1], log_index=50 + index
        )
    with django_assert_max_num_queries(24):
        text = plain(page_of(account))
    assert "10 older ones are in the files below" in text
