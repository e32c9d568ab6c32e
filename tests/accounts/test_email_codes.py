"""Signing in with a code by e-mail: the mail that arrives, wrong and late codes, other browsers, and no hints."""

import re
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from allauth.account.internal.flows import code_verification
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import SignIn, User
from accounts.throttled import MOST_CODES_FOR_ONE_PERSON, MOST_MAILS_TO_ONE_ADDRESS
from config.embedded.layout import free_port
from tests.accounts.mailbox import OneStretch, ask, enter, newest_code, sign_in, subjects_to, wrong

pytestmark = pytest.mark.django_db
ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture(autouse=True)
def _all_tries_count_in_one_stretch(monkeypatch):
    monkeypatch.setattr("accounts.throttled.timezone", OneStretch)


@pytest.fixture
def ada() -> User:
    person = User.objects.create_user(username="ada", email=ADA)
    EmailAddress.objects.create(user=person, email=ADA, verified=True, primary=True)
    return person


def person_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_a_newcomer_enters_the_code_and_has_an_account_without_a_password():
    client = Client(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Lantern/1.0")
    answer = sign_in(client, ADA)
    person = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert person_in(client) == str(person.pk)
    assert (person.username, person.role, person.has_usable_password()) == (ADA, "provider", False)
    row = SignIn.objects.get()
    assert (row.how, row.from_ip, row.browser) == ("e-mail code", "192.0.2.7", "Lantern/1.0")
    assert ADA in client.get("/account/").content.decode()


def test_who_comes_back_gets_to_the_same_account_whatever_the_case_of_the_address(ada):
    client = Client()
    ask(client, "Ada@Example.org")
    enter(client, newest_code(ADA).lower().replace("-", " "))
    assert person_in(client) == str(ada.pk)
    assert User.objects.count() == 1


def test_the_code_arrives_through_a_real_mail_server(settings):
    arrived = []

    class Inbox:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that aiosmtpd calls
            arrived.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
            return "250 OK"

    controller = Controller(Inbox(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = controller.port
        client = Client()
        ask(client, ADA)
    finally:
        controller.stop()
    [(recipients, message)] = arrived
    code = re.search(r"[A-Z]{4}-[A-Z]{4}", message.get_body(("plain",)).get_content())[0]
    assert recipients == [ADA]
    assert message["Subject"] == f"Lamplight: Your code {code}"
    assert enter(client, code).status_code == 302
    assert person_in(client) == str(User.objects.get().pk)


def test_a_mail_server_that_is_down_is_said_in_a_sentence(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert "could not be mailed" in ask(Client(), ADA).content.decode()


def test_five_wrong_codes_end_the_code_and_the_right_one_no_longer_counts(ada):
    client = Client()
    ask(client, ADA)
    code = newest_code(ADA)
    for _ in range(4):
        assert "not the one that we sent" in enter(client, wrong(code)).content.decode()
    assert enter(client, wrong(code))["Location"] == reverse("account_request_login_code")
    enter(client, code)
    assert person_in(client) is None


def test_codes_are_tried_so_often_for_one_address_from_all_places_together(ada):
    tried = 0
    for number in range(MOST_MAILS_TO_ONE_ADDRESS):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        ask(client, ADA)
        for _ in range(4):
            tried += 1
            status = enter(client, wrong(newest_code(ADA))).status_code
            assert status == (200 if tried <= MOST_CODES_FOR_ONE_PERSON else 429)
    assert enter(client, newest_code(ADA)).status_code == 429
    assert person_in(client) is None


@pytest.mark.parametrize("address", [ADA, BEN])
def test_only_so_many_codes_are_mailed_to_one_address(ada, address):
    for number in range(MOST_MAILS_TO_ONE_ADDRESS):
        assert ask(Client(REMOTE_ADDR=f"198.51.100.{number}"), address).status_code == 302
    answer = ask(Client(REMOTE_ADDR="198.51.100.99"), address.upper())
    assert (answer.status_code, len(mail.outbox)) == (429, MOST_MAILS_TO_ONE_ADDRESS)
    assert "Too many tries. Wait" in answer.content.decode()


@pytest.mark.parametrize("address", [ADA, BEN])
def test_asking_for_another_address_in_between_mails_no_more(ada, address):
    client = Client()
    for number in range(MOST_MAILS_TO_ONE_ADDRESS):
        ask(client, address)
        ask(client, f"other{number}@example.org")
    assert ask(client, address).status_code == 429
    assert len(subjects_to(address)) == MOST_MAILS_TO_ONE_ADDRESS


@pytest.mark.parametrize(("age_s", "counts"), [(590, True), (610, False)])
def test_a_code_counts_for_ten_minutes(ada, monkeypatch, age_s, counts):
    client = Client()
    ask(client, ADA)
    real = code_verification.time.time
    monkeypatch.setattr(code_verification.time, "time", lambda: real() + age_s)
    enter(client, newest_code(ADA))
    assert (person_in(client) == str(ada.pk)) is counts


def test_a_code_counts_in_the_window_that_asked_for_it_alone(ada):
    first, second = Client(), Client()
    ask(first, ADA)
    code = newest_code(ADA)
    enter(second, code)
    assert person_in(second) is None
    ask(second, ADA)
    enter(second, code)
    assert person_in(second) is None
    enter(first, code)
    assert person_in(first) == str(ada.pk)


def test_a_code_counts_once(ada):
    client = Client()
    ask(client, ADA)
    code = newest_code(ADA)
    enter(client, code)
    client.post("/sign-out/")
    enter(client, code)
    assert person_in(client) is None


def test_nothing_tells_whether_an_address_has_an_account(ada):
    answers = []
    for address in (ADA, BEN):
        client = Client()
        asked = ask(client, address)
        page = client.get(asked["Location"]).content.decode().replace(address, "ADDRESS")
        refused = enter(client, wrong(newest_code(address))).content.decode().replace(address, "ADDRESS")
        refused = refused.replace(wrong(newest_code(address)), "WRONG")
        message = mail.outbox[-1]
        body = message.body.replace(newest_code(address), "CODE")
        subject = message.subject.replace(newest_code(address), "CODE")
        token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
        answers.append((asked.status_code, token.sub("", page), token.sub("", refused), subject, body))
    assert answers[0] == answers[1]


def test_who_is_switched_off_is_told_so_after_the_code_and_not_before(ada):
    User.objects.update(is_active=False)
    client = Client()
    assert ask(client, ADA).status_code == 302
    answer = client.post("/sign-in/code/enter/", {"code": newest_code(ADA), "action": "verify"}, follow=True)
    assert "This account is switched off." in answer.content.decode()
    assert person_in(client) is None
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/collect/", "/collect/"), ("https://evil.example/", "/"), ("//evil.example/", "/"), ("/\\evil.example", "/"),
     ("javascript:alert(1)", "/"), ("http://localhost/", "/")],
)  # fmt: skip
def test_a_sign_in_leads_on_within_this_site_and_nowhere_else(wanted, reached):
    client = Client()
    asked = ask(client, ADA, next=wanted)
    answer = client.post(asked["Location"], {"code": newest_code(ADA), "action": "verify"})
    assert answer["Location"] == reached


def test_the_session_gets_a_new_key_at_the_sign_in(ada):
    client = Client()
    ask(client, ADA)
    before = client.session.session_key
    enter(client, newest_code(ADA))
    assert before not in (None, client.session.session_key)
    stolen = Client()
    stolen.cookies["sessionid"] = before
    assert stolen.get("/account/").status_code == 302


def test_an_address_that_an_operator_wrote_down_is_proven_by_the_first_code():
    person = User.objects.create_user(username="ada", email=ADA)
    client = Client()
    sign_in(client, ADA)
    assert person_in(client) == str(person.pk)
    held = EmailAddress.objects.get(email=ADA)
    assert (held.verified, held.primary) == (True, True)


@pytest.mark.parametrize(
    "path",
    ["/signup/", "/accounts/signup/", "/accounts/login/", "/sign-up/", "/password/reset/", "/accounts/password/reset/",
     "/account/password/change/", "/accounts/social/signup/", "/accounts/3rdparty/", "/account/inactive/"],
)  # fmt: skip
def test_what_we_do_not_use_of_allauth_is_not_there(path):
    assert Client().get(path).status_code == 404
