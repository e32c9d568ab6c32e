"""Authenticator apps, recovery codes, and the treasury's people who see and do nothing without a second factor."""

import os
import re
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import connections, transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.errors import NotPermittedError, SecondFactorNeededError
from accounts.factor_forms import SecondFactorForm
from accounts.members import role_set
from accounts.models import SignIn, User
from accounts.roles import APART_FROM_MAKERS, Deed, may, require
from accounts.throttled import MOST_CODES_FOR_ONE_PERSON
from rewards.errors import NotAllowedError
from tests.accounts.mailbox import app_code, sign_in, subjects_to
from tests.accounts.people import Browser, follow_chain, key

pytestmark = pytest.mark.django_db
PASSWORD = "lamps-burn-all-night"
ADA = "ada@example.org"
TREASURY = sorted(role.value for role in APART_FROM_MAKERS)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(autouse=True)
def _what_waits_for_the_commit_is_done(monkeypatch):
    # Within the request, as in production; a test's own transaction never commits.
    monkeypatch.setattr(transaction, "on_commit", lambda do, **_: do())


@pytest.fixture
def treasurer(db) -> User:
    return User.objects.create_user(username="treasurer", password=PASSWORD, role="treasurer")


def sign_in_with_password(client: Client, name: str = "treasurer", **more: str):
    return client.post("/sign-in/", {"username": name, "password": PASSWORD, **more})


def add_app(client: Client) -> str:
    """Set an app up as its owner does, and return its key."""
    page = client.get("/account/app/add/").content.decode()
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)[1]
    answer = client.post("/account/app/add/", {"code": app_code(secret)})
    assert answer["Location"] == "/account/recovery-codes/"
    return secret


def give_app(person: User) -> None:
    """The person has an app with SECRET, set up some time ago."""
    totp.TOTP.activate(person, SECRET)


def recovery_codes(client: Client) -> list[str]:
    return re.findall(r"<li><code>(\d{8})</code></li>", client.get("/account/recovery-codes/").content.decode())


def person_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


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


def second_step(client: Client, code: str):
    return client.post("/sign-in/second-factor/", {"code": code})


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


# --- the treasury ----------------------------------------------------------------------------------------------------


@pytest.fixture
def required(settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.mark.parametrize("role", TREASURY)
def test_without_a_second_factor_the_treasurys_people_see_one_page(required, role):
    person = User.objects.create_user(username="watcher", password=PASSWORD, role=role)
    client = Client()
    sign_in_with_password(client, "watcher")
    for path in ("/", "/treasury/", "/makers/", "/account/", "/collect/", "/roles/", "/status/", "/admin/"):
        assert client.get(path)["Location"] == "/account/second-factor/", path
    assert client.post("/roles/", {"person": "x"})["Location"] == "/account/second-factor/"
    page = client.get("/account/second-factor/").content.decode()
    assert "Until you have one, this is the only page for you." in page
    assert "Treasury</a>" not in page
    add_app(client)
    assert client.get("/account/").status_code == 200
    assert client.get("/treasury/").status_code == 200
    assert may(person=person, deed=Deed.SEE_TREASURY)


@pytest.mark.parametrize("deed", list(Deed))
def test_services_refuse_the_treasurys_people_without_a_second_factor(required, deed):
    for role in TREASURY:
        person = User.objects.create_user(username=f"a {role}", role=role)
        assert not may(person=person, deed=deed)
        with pytest.raises(NotPermittedError):
            require(person=person, deed=deed)
    operator = User.objects.get(username="a operator")
    with pytest.raises(SecondFactorNeededError, match=r"needs a second factor\. Set up a passkey"):
        role_set(by=operator, person=User.objects.create_user(username="x"), role=User.Role.AUDITOR)
    give_app(operator)
    role_set(by=operator, person=User.objects.get(username="x"), role=User.Role.AUDITOR)
    assert User.objects.get(username="x").role == "auditor"


def test_an_epoch_is_not_approved_without_a_second_factor(required, settings):
    from onchain.rpc import connect
    from rewards.services.approval import approve_with_local_node
    from tests.pages.factories import scene

    settings.LOCAL_TREASURY_SIGNER = True
    stage = scene()
    with pytest.raises(NotAllowedError):
        approve_with_local_node(connect(urls=[]), epoch=stage.waiting, by=User.objects.get(username="treasurer"))


def test_a_session_that_has_not_shown_the_factor_is_asked_for_it(required, treasurer):
    client = Client()
    client.force_login(treasurer)
    give_app(treasurer)
    assert client.get("/treasury/")["Location"] == "/account/confirm/second-factor/?next=%2Ftreasury%2F"
    client.post("/account/confirm/second-factor/?next=/treasury/", {"code": app_code(SECRET)})
    assert client.get("/treasury/").status_code == 200


@pytest.mark.parametrize("role", ["provider", "maker"])
def test_everybody_else_may_go_without(required, role):
    User.objects.create_user(username="somebody", password=PASSWORD, role=role)
    client = Client()
    sign_in_with_password(client, "somebody")
    assert client.get("/account/").status_code == 200


def test_in_production_no_setting_lets_the_treasury_go_without():
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production", "SECOND_FACTOR_REQUIRED": "false",
        "SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "lamplight.example", "RPC_URLS": "https://node.example",
        "CELERY_BROKER_URL": "redis://queue", "EVIDENCE_DIR": "/var/e", "PROOFS_DIR": "/var/p",
        "DATABASE_URL": "postgres://u:p@db/lamplight", "EMAIL_URL": "smtp+tls://u:p@mail.example:587",
        "DEFAULT_FROM_EMAIL": "Lamplight <l@lamplight.example>",
    }  # fmt: skip
    script = "from django.conf import settings as s; print(s.SECOND_FACTOR_REQUIRED, s.LOCAL_MAIL_DIR, s.EMAIL_USE_TLS)"
    command = [sys.executable, "-W", "error", "-c", script]
    answer = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "None", "True"]


def test_a_demo_goes_without_and_says_so(treasurer):
    client = Client()
    sign_in_with_password(client)
    assert client.get("/treasury/").status_code == 200
    assert "your role may go without a second factor. In production it needs one" in (
        client.get("/account/").content.decode()
    )


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
