"""One's own account: several wallets, sessions, the sign-in log, and limits on tries."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts import throttle
from accounts.errors import LastWayInError, NoSuchWalletError, ThrottledError
from accounts.models import Maker, SignIn, TryCount, User, Wallet
from accounts.sign_in import wallet_unlink
from tests.accounts.mailbox import OneStretch
from tests.accounts.people import Browser, follow_chain, key, signed

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD, OTHER = key(11), key(12), key(13), key(14)


@pytest.fixture(autouse=True)
def _chain(db):
    follow_chain()


@pytest.fixture
def provider() -> Browser:
    browser = Browser()
    assert browser.sign_in(FIRST).status_code == 200
    return browser


def addresses(person: User) -> set[str]:
    return set(person.wallets.values_list("address", flat=True))


def lower(*keys) -> set[str]:
    return {each.address.lower() for each in keys}


# --- wallets ----------------------------------------------------------------------------------------------------


def test_a_person_links_three_wallets_and_signs_in_with_each(provider):
    assert provider.link(SECOND).status_code == 200
    assert provider.link(THIRD).status_code == 200
    assert addresses(User.objects.get()) == lower(FIRST, SECOND, THIRD)
    for wallet in (SECOND, THIRD):
        browser = Browser()
        browser.sign_in(wallet)
        assert browser.person == provider.person


def test_a_signature_for_signing_in_links_no_wallet_and_the_reverse(provider):
    text = provider.message(SECOND.address)
    assert "the purpose" in provider.submit(text, signed(SECOND, text), link=True).json()["error"]
    text = provider.message(SECOND.address, link=True)
    assert "the purpose" in Browser().submit(text, signed(SECOND, text)).json()["error"]
    assert addresses(User.objects.get()) == lower(FIRST)


def test_a_signature_for_one_persons_account_links_no_wallet_to_another(provider):
    text = provider.message(SECOND.address, link=True)
    other = Browser()
    other.sign_in(OTHER)
    assert "the purpose" in other.submit(text, signed(SECOND, text), link=True).json()["error"]
    assert Wallet.objects.filter(address__in=lower(SECOND)).count() == 0


def test_a_wallet_belongs_to_one_person(provider):
    other = Browser()
    other.sign_in(OTHER)
    other.link(SECOND)
    answer = provider.link(SECOND)
    assert answer.json()["error"] == f"{SECOND.address.lower()} is linked to another account. Unlink it there first."
    assert addresses(User.objects.get(pk=provider.person)) == lower(FIRST)


def test_a_wallet_whose_account_is_nothing_else_comes_along_and_its_sessions_end(provider):
    alone = Browser()
    alone.sign_in(SECOND)
    assert provider.link(SECOND).status_code == 200
    assert addresses(User.objects.get(pk=provider.person)) == lower(FIRST, SECOND)
    assert alone.client.get("/account/").status_code == 302


def test_a_makers_wallet_is_taken_by_nobody(provider):
    member = Browser()
    member.sign_in(SECOND)
    Maker.objects.create(slug="aurora", name="Aurora").members.add(member.person)
    assert "linked to another account" in provider.link(SECOND).json()["error"]


def test_an_unlinked_wallet_signs_nobody_into_the_old_account(provider):
    provider.link(SECOND)
    provider.client.post(reverse("accounts:unlink-wallet", args=[FIRST.address]))
    browser = Browser()
    browser.sign_in(FIRST)
    assert browser.person not in (None, provider.person)


def test_the_only_way_in_stays_and_another_persons_wallet_is_not_ones_own(provider):
    person = User.objects.get()
    with pytest.raises(LastWayInError, match="Add another one first"):
        wallet_unlink(person=person, address=FIRST.address)
    other = Browser()
    other.sign_in(OTHER)
    with pytest.raises(NoSuchWalletError):
        wallet_unlink(person=person, address=OTHER.address)
    provider.client.post(reverse("accounts:unlink-wallet", args=[OTHER.address]))
    assert Wallet.objects.filter(address=OTHER.address.lower()).exists()


# --- sessions and their log -------------------------------------------------------------------------------------


def test_the_log_says_who_signed_in_when_how_and_from_where():
    browser = Browser(Client(REMOTE_ADDR="2001:db8::9", HTTP_USER_AGENT="Lantern/1.0"))
    browser.sign_in(FIRST)
    row = SignIn.objects.get()
    assert (row.how, row.from_ip, row.browser) == (FIRST.address.lower(), "2001:db8::9", "Lantern/1.0")
    User.objects.create_user(username="treasurer", password="lamps-burn", role="treasurer")
    Client().post(reverse("accounts:login"), {"username": "treasurer", "password": "lamps-burn"})
    assert SignIn.objects.get(person__username="treasurer").how == "password"
    page = browser.client.get("/account/").content.decode()
    assert "2001:db8::9" in page
    assert "treasurer" not in page


def test_signing_out_everywhere_ends_every_session_also_one_that_no_log_knows(provider):
    second, unknown, other = Browser(), Browser(), Browser()
    second.sign_in(FIRST)
    unknown.sign_in(FIRST)
    other.sign_in(OTHER)
    SignIn.objects.filter(session_key=unknown.client.session.session_key).delete()
    provider.client.post(reverse("accounts:end-all-sessions"))
    for browser in (provider, second, unknown):
        assert browser.client.get("/account/").status_code == 302
    assert other.client.get("/account/").status_code == 200
    assert provider.sign_in(FIRST).status_code == 200


def test_one_session_is_ended_from_another_and_nobody_ends_a_strangers(provider):
    second, other = Browser(), Browser()
    second.sign_in(FIRST)
    other.sign_in(OTHER)
    numbers = [
        int(found) for found in re.findall(r"sessions/(\d+)/end", provider.client.get("/account/").content.decode())
    ]
    assert len(numbers) == 1
    other.client.post(reverse("accounts:end-session", args=numbers))
    assert second.client.get("/account/").status_code == 200
    provider.client.post(reverse("accounts:end-session", args=numbers))
    assert second.client.get("/account/").status_code == 302
    assert provider.client.get("/account/").status_code == 200


# --- limits on tries --------------------------------------------------------------------------------------------


def test_passwords_are_tried_so_often_for_one_name_and_from_one_place(monkeypatch):
    monkeypatch.setattr("accounts.views.timezone", OneStretch)
    User.objects.create_user(username="treasurer", password="right", role="treasurer")
    form = {"username": "Treasurer", "password": "wrong"}
    for number in range(throttle.MOST_FOR_ONE_NAME):
        assert Client(REMOTE_ADDR=f"198.51.100.{number}").post("/sign-in/", form).status_code == 200
    answer = Client(REMOTE_ADDR="198.51.100.200").post("/sign-in/", form | {"password": "right"})
    assert answer.status_code == 429
    assert "Too many tries. Wait" in answer.content.decode()
    for number in range(throttle.MOST_FROM_ONE_PLACE):
        Client(REMOTE_ADDR="192.0.2.1").post("/sign-in/", form | {"username": f"name {number}"})
    assert Client(REMOTE_ADDR="192.0.2.1").post("/sign-in/", form | {"username": "x"}).status_code == 429


def test_wallets_are_tried_so_often_from_one_place(monkeypatch):
    monkeypatch.setattr("accounts.wallet_views.timezone", OneStretch)
    browser = Browser()
    for _ in range(throttle.MOST_FROM_ONE_PLACE):
        browser.message(FIRST.address)
    answer = browser.client.post("/sign-in/wallet/message/", {"address": FIRST.address})
    assert (answer.status_code, "Too many tries" in answer.json()["error"]) == (429, True)
    far = Client(REMOTE_ADDR="203.0.113.9").post("/sign-in/wallet/message/", {"address": FIRST.address})
    assert far.status_code == 200


def test_the_next_stretch_begins_at_nought_and_the_old_counts_go_away():
    first, next_ = datetime(2026, 11, 28, 12, 4, 59, tzinfo=UTC), datetime(2026, 11, 28, 12, 5, tzinfo=UTC)
    throttle.count_try(key="a", most=1, now=first)
    with pytest.raises(ThrottledError, match="Wait a minute"):
        throttle.count_try(key="a", most=1, now=first)
    throttle.count_try(key="a", most=1, now=next_)
    throttle.count_try(key="b", most=1, now=datetime(2026, 11, 28, 12, 10, tzinfo=UTC))
    assert TryCount.objects.filter(count=2).count() == 0


@pytest.mark.parametrize(
    ("ip", "key"),
    [("192.0.2.1", "place 192.0.2.1"), ("2001:db8:1:2:3::4", "place 2001:db8:1:2::/64"), (None, "place unknown"),
     ("unix:", "place unknown")],
)  # fmt: skip
def test_a_household_with_ipv6_is_one_place(ip, key):
    assert throttle.place_key(ip=ip) == key
