"""The e-mail addresses of one's account: linked by a code, removed unless they are the last way in."""

import pytest
from allauth.account.internal.flows import code_verification
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.mailbox import newest_code, sign_in, subjects_to

pytestmark = pytest.mark.django_db
ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture
def ada() -> User:
    person = User.objects.create_user(username="ada", email=ADA)
    EmailAddress.objects.create(user=person, email=ADA, verified=True, primary=True)
    return person


def person_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_a_second_address_is_linked_by_a_code_and_the_first_gets_a_notice(ada):
    client = Client()
    sign_in(client, ADA)
    client.post("/account/emails/", {"email": BEN, "action_add": "1"})
    assert not EmailAddress.objects.filter(email=BEN).exists()
    client.post("/account/emails/enter/", {"code": newest_code(BEN), "action": "verify"})
    assert EmailAddress.objects.get(email=BEN).verified
    assert subjects_to(ADA)[-1] == "Lamplight: An e-mail address was linked"
    other = Client()
    sign_in(other, BEN)
    assert person_in(other) == str(ada.pk)


def test_notices_go_where_the_person_says_and_nobody_removes_anothers_address(ada):
    EmailAddress.objects.create(user=ada, email=BEN, verified=True)
    client, stranger = Client(), Client()
    sign_in(client, ADA)
    client.post("/account/emails/", {"email": BEN, "action_primary": "1"})
    assert EmailAddress.objects.get(primary=True).email == BEN
    assert "Lamplight: Notices go to another address" in subjects_to(ADA)
    sign_in(stranger, "eve@example.org")
    for action in ("action_remove", "action_primary", "action_send"):
        stranger.post("/account/emails/", {"email": ADA, action: "1"})
    assert set(EmailAddress.objects.filter(user=ada).values_list("email", "primary")) == {(ADA, False), (BEN, True)}


def test_an_address_of_somebody_else_is_not_linked_and_the_page_does_not_say_why(ada):
    client = Client()
    sign_in(client, BEN)
    free = client.post("/account/emails/", {"email": "nobody@example.org", "action_add": "1"})
    taken = client.post("/account/emails/", {"email": ADA, "action_add": "1"})
    assert taken["Location"] == free["Location"] == reverse("account_email_verification_sent")
    # Not even with the code out of the owner's mailbox.
    answer = client.post(taken["Location"], {"code": newest_code(ADA), "action": "verify"})
    assert "This address can&#x27;t be linked to your account." in answer.content.decode()
    assert EmailAddress.objects.get(email=ADA).user == ada


def test_the_only_way_in_is_not_removed_and_with_a_second_the_first_goes(ada):
    client = Client()
    sign_in(client, ADA)
    ada.set_unusable_password()
    ada.save()
    client = Client()
    sign_in(client, ADA)
    answer = client.post("/account/emails/", {"email": ADA, "action_remove": "1"}, follow=True)
    assert f"{ADA} is your only way to sign in." in answer.content.decode()
    EmailAddress.objects.create(user=ada, email=BEN, verified=True)
    client.post("/account/emails/", {"email": ADA, "action_remove": "1"})
    left = EmailAddress.objects.get()
    assert (left.email, left.primary) == (BEN, True)


def test_changing_ways_in_asks_again_who_it_is_when_the_sign_in_is_a_while_ago(ada, monkeypatch):
    client = Client()
    sign_in(client, ADA)
    real = code_verification.time.time
    monkeypatch.setattr(code_verification.time, "time", lambda: real() + 901)
    asked = client.post("/account/emails/", {"email": BEN, "action_add": "1"})
    assert asked["Location"] == "/account/confirm/code/?next=%2Faccount%2Femails%2F"
    page = client.get(asked["Location"]).content.decode()
    assert "Is it you?" in page
    client.post(asked["Location"], {"recipient": ADA})
    assert BEN not in [message.to[0] for message in mail.outbox]
    client.post("/account/confirm/code/enter/?next=/account/emails/", {"code": newest_code(ADA), "action": "verify"})
    assert newest_code(BEN)


def test_signing_out_everywhere_ends_sessions_that_a_code_began(ada):
    first, second = Client(), Client()
    sign_in(first, ADA)
    sign_in(second, ADA)
    first.post("/account/sessions/end/")
    for client in (first, second):
        assert client.get("/account/").status_code == 302
