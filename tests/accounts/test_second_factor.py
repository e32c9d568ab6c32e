"""Authenticator apps, recovery codes."""

import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import connections, transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.factor_forms import SecondFactorForm
from accounts.models import SignIn, User
from accounts.throttled import MOST_CODES_FOR_ONE_PERSON
from tests.accounts.factors import (
    PASSWORD,
    SECRET,
    add_app,
    give_app,
    person_in,
    recovery_codes,
    second_step,
    sign_in_with_password,
)
from tests.accounts.mailbox import OneStretch, app_code, sign_in, subjects_to
from tests.accounts.people import Browser, follow_chain, key

pytestmark = pytest.mark.django_db
ADA = "ada@example.org"


@pytest.fixture(autouse=True)
def _all_tries_count_in_one_stretch(monkeypatch):
    monkeypatch.setattr("accounts.throttled.timezone", OneStretch)


@pytest.fixture(autouse=True)
def _what_waits_for_the_commit_is_done(monkeypatch):
    # Within the request, as in production; a test's own transaction never commits.
    monkeypatch.setattr(transaction, "on_commit", lambda do, **_: do())


@pytest.fixture
def treasurer(db) -> User:
    return User.objects.create_user(username="treasurer", password=PASSWORD, role="treasurer")


def test_this_sides_app_counts_as_the_rfc_does():
    # RFC 6238, appendix B: the last six of the eight digits for SHA-1.
    for at_s, digits in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert app_code(SECRET, at_s=at_s) == digits


def test_an_app_is_set_up_and_the_next_sign_in_asks_for_its_code(treasurer):
    client = Client()
    sign_in_with_password(client)
    add_app(client)
    other = Client(HTTP_USER_AGENT="Lantern/1.0")
    asked = sign_in_with_password(other, next="/treasury/")
    assert (asked["Location"], person_in(other)) == ("/sign-in/second-factor/", None)
    assert other.get("/treasury/").status_code == 302


def test_the_code_of_the_app_finishes_the_sign_in_under_a_new_session_key(treasurer):
    give_app(treasurer)
    client = Client()
    sign_in_with_password(client, next="/treasury/")
    before = client.session.session_key
    answer = second_step(client, app_code(SECRET))
    assert (answer["Location"], person_in(client)) == ("/treasury/", str(treasurer.pk))
    assert client.session.session_key != before
    assert SignIn.objects.get().how == "password and app code"


def test_a_wallet_and_a_code_by_e_mail_are_one_factor_each_and_ask_for_the_second():
    follow_chain()
    wallet = Browser()
    wallet.sign_in(key(31))
    give_app(User.objects.get())
    again = Browser()
    assert again.sign_in(key(31), next="/collect/").json()["next"] == "/sign-in/second-factor/"
    assert again.person is None
    assert second_step(again.client, app_code(SECRET))["Location"] == "/collect/"
    assert SignIn.objects.first().how == f"{key(31).address.lower()} and app code"
    newcomer = Client()
    sign_in(newcomer, ADA)
    totp.TOTP.activate(User.objects.get(username=ADA), SECRET)
    by_mail = Client()
    assert sign_in(by_mail, ADA)["Location"] == "/sign-in/second-factor/"
    assert person_in(by_mail) is None


def test_a_code_of_the_app_counts_once(treasurer):
    give_app(treasurer)
    code = app_code(SECRET)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in_with_password(client)
        second_step(client, code)
    assert (person_in(first), person_in(second)) == (str(treasurer.pk), None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_two_who_use_one_code_at_once_one_gets_in(treasurer, kind):
    from allauth.core import context
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    give_app(treasurer)
    code = app_code(SECRET) if kind == "app" else RecoveryCodes.activate(treasurer).generate_codes()[0]
    together, outcomes = threading.Barrier(2), []

    def use() -> None:
        with context.request_context(RequestFactory().post("/")):
            together.wait()
            outcomes.append(SecondFactorForm({"code": code}, user=treasurer).is_valid())
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]


def test_the_apps_codes_are_tried_so_often_for_one_person_from_all_places_together(treasurer):
    give_app(treasurer)
    for number in range(MOST_CODES_FOR_ONE_PERSON):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        sign_in_with_password(client)
        assert second_step(client, "abc").status_code == 200
    client = Client(REMOTE_ADDR="198.51.100.99")
    sign_in_with_password(client)
    assert second_step(client, app_code(SECRET)).status_code == 429
    assert person_in(client) is None


def test_the_second_step_is_open_to_nobody_who_has_not_taken_the_first(treasurer):
    give_app(treasurer)
    client = Client()
    assert second_step(client, app_code(SECRET))["Location"] == "/sign-in/"
    assert person_in(client) is None


def test_a_recovery_code_counts_once_and_new_ones_end_the_old(treasurer):
    client = Client()
    sign_in_with_password(client)
    add_app(client)
    first, second, *_ = recovery_codes(client)
    for code, gets_in in ((first, True), (first, False), (second, True)):
        other = Client()
        sign_in_with_password(other)
        second_step(other, code)
        assert (person_in(other) is not None) is gets_in
    assert SignIn.objects.first().how == "password and recovery code"
    assert first not in recovery_codes(client)
    assert first not in client.get("/account/recovery-codes.txt").content.decode()
    client.post("/account/recovery-codes/new/")
    assert second not in recovery_codes(client)
    assert len(recovery_codes(client)) == 10


def test_what_the_database_holds_of_an_app_and_of_recovery_codes_makes_no_codes(treasurer, settings):
    client = Client()
    sign_in_with_password(client)
    secret, codes = add_app(client), recovery_codes(client)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)
    # A new secret key reads what the former one wrote.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key-" + "1" * 40, [settings.SECRET_KEY]
    assert Authenticator.objects.get(type="recovery_codes").wrap().generate_codes() == codes


def test_setting_up_the_first_factor_ends_the_sessions_that_went_without(treasurer):
    here, elsewhere = Client(), Client()
    sign_in_with_password(here)
    sign_in_with_password(elsewhere)
    add_app(here)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_a_notice_is_mailed_when_a_factor_is_added_and_when_it_is_removed():
    client = Client()
    sign_in(client, ADA)
    add_app(client)
    client.post("/account/app/remove/")
    assert subjects_to(ADA)[1:] == [
        "Lamplight: An authenticator app was added",
        "Lamplight: The authenticator app was removed",
    ]
    assert not Authenticator.objects.exists()


def test_signing_out_everywhere_ends_a_session_with_a_second_factor(treasurer):
    give_app(treasurer)
    client, other = Client(), Client()
    sign_in_with_password(client)
    second_step(client, app_code(SECRET))
    sign_in_with_password(other)
    client.post("/account/sessions/end/")
    assert client.get("/account/").status_code == 302
    assert other.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "credential",
    ["", "no JSON", "null", "5", '"text"', "[]", "{}", '{"response": 5}', '{"id": 1, "rawId": 2, "response": {}}',
     '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "MQ"}}',
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA","authenticatorData":"AA",'
     '"signature":"AA","userHandle":"MQ"}}',
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}'],
)  # fmt: skip
def test_a_passkeys_answer_that_makes_no_sense_is_refused_with_a_sentence(treasurer, credential):
    client = Client()
    client.get("/sign-in/passkey/", headers={"X-Requested-With": "XMLHttpRequest"})
    answer = client.post("/sign-in/passkey/", {"credential": credential}, follow=True)
    assert answer.redirect_chain == [("/sign-in/", 302)]
    assert 'class="note' in answer.content.decode()
    sign_in_with_password(client)
    client.get("/account/passkeys/add/")
    assert client.post("/account/passkeys/add/", {"credential": credential, "name": "x"}).status_code == 200
    assert not Authenticator.objects.exists()


def test_nobody_removes_another_persons_passkey(treasurer):
    other = User.objects.create_user(username="other", password=PASSWORD)
    passkey = Authenticator.objects.create(user=other, type="webauthn", data={"name": "laptop"})
    client = Client()
    sign_in_with_password(client)
    for method in (client.get, client.post):
        assert method(reverse("mfa_remove_webauthn", args=[passkey.pk])).status_code == 404
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


@pytest.mark.parametrize(
    "path",
    ["/account/", "/account/app/add/", "/account/passkeys/add/", "/account/second-factor/", "/account/confirm/wallet/",
     "/account/confirm/password/", "/account/recovery-codes/", "/account/recovery-codes/new/", "/mail/"],
)  # fmt: skip
def test_nothing_on_the_pages_of_an_account_is_inline_or_from_elsewhere(treasurer, path):
    client = Client()
    sign_in_with_password(client)
    if "recovery" in path:
        add_app(client)
    answer = client.get(path)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "style=" not in text
    assert "<style" not in text
    assert all(' src="/static/' in tag for tag in text.split("<script")[1:])


def test_adding_a_factor_asks_again_who_it_is_when_the_sign_in_is_a_while_ago(treasurer, monkeypatch):
    client = Client()
    sign_in_with_password(client)
    real = totp.time.time
    monkeypatch.setattr(totp.time, "time", lambda: real() + timedelta(minutes=15, seconds=1).total_seconds())
    for path in ("/account/app/add/", "/account/passkeys/add/"):
        assert client.get(path)["Location"] == f"/account/confirm/password/?next={path.replace('/', '%2F')}"
    assert not Authenticator.objects.exists()
    wrong = client.post("/account/confirm/password/?next=/account/app/add/", {"password": "wrong"})
    assert "not your password" in wrong.content.decode()
    right = client.post("/account/confirm/password/?next=/account/app/add/", {"password": PASSWORD})
    assert right["Location"] == "/account/app/add/"
    assert client.get("/account/app/add/").status_code == 200


def test_who_has_a_second_factor_confirms_with_it_and_not_with_the_password(treasurer, monkeypatch):
    give_app(treasurer)
    client = Client()
    sign_in_with_password(client)
    second_step(client, app_code(SECRET))
    real = totp.time.time
    monkeypatch.setattr(totp.time, "time", lambda: real() + 901)
    assert client.get("/account/app/remove/")["Location"].startswith("/account/confirm/second-factor/")
    assert client.get("/account/confirm/password/")["Location"] == "/account/confirm/second-factor/"
    client.post("/account/confirm/second-factor/", {"code": app_code(SECRET)})
    client.post("/account/app/remove/")
    assert not Authenticator.objects.exists()


def test_a_wallet_is_linked_after_a_recent_sign_in_alone_and_a_notice_is_mailed(monkeypatch):
    follow_chain()
    browser = Browser()
    sign_in(browser.client, ADA)
    browser.link(key(33))
    assert subjects_to(ADA)[-1] == "Lamplight: A wallet was linked"
    real = totp.time.time
    monkeypatch.setattr(totp.time, "time", lambda: real() + 901)
    answer = browser.client.post("/account/wallets/message/", {"address": key(34).address})
    assert answer.status_code == 403
    assert answer.json()["next"] == "/account/confirm/wallet/?next=%2Faccount%2F"
    address = reverse("accounts:unlink-wallet", args=[key(33).address])
    assert browser.client.post(address)["Location"] == answer.json()["next"]
    monkeypatch.undo()
    browser.client.post(address)
    assert subjects_to(ADA)[-1] == "Lamplight: A wallet was unlinked"
