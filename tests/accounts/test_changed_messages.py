"""200 messages that were changed after the server wrote them, each signed by the right key, to sign in and to quote."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import siwe
from accounts.errors import SignInError
from accounts.models import User
from accounts.quoting import quoting_check, quoting_message
from accounts.sign_in import Asked, message_issue, wallet_sign_in
from onchain.rpc import Policy, connect
from tests.accounts.people import follow_chain, key, signed
from tests.accounts.test_siwe import PIECES

pytestmark = pytest.mark.django_db
WALLET = key(77)
BOUND = ("domain", "address", "statement", "uri", "chain_id", "nonce", "resources", "request_id")


@pytest.mark.parametrize("purpose", ["sign in", "quote"])
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 399), piece=st.sampled_from(("", *PIECES)), cut=st.integers(0, 4))
def test_a_changed_message_does_nothing_that_the_message_did_not_say(here, purpose, at, piece, cut):
    person, asked, client = here
    if purpose == "sign in":
        text = message_issue(client, asked=asked, address=WALLET.address)
    else:
        text = quoting_message(client, by=person, asked=asked, slug="lantern", address=WALLET.address)
    place = at % len(text)
    changed = text[:place] + piece + text[place + cut :]
    signature = bytes.fromhex(signed(WALLET, changed)[2:])
    try:
        if purpose == "sign in":
            wallet_sign_in(client, asked=asked, text=changed, signature=signature)
        else:
            quoting_check(client, by=person, asked=asked, slug="lantern", text=changed, signature=signature)
    except SignInError:
        assert changed != text
        return
    # Taken: then at most its times are others, and they too were looked at.
    before, after = siwe.parse(text), siwe.parse(changed)
    assert [getattr(after, name) for name in BOUND] == [getattr(before, name) for name in BOUND]
    assert after.expiration_time - after.issued_at <= timedelta(hours=24)


@pytest.fixture
def here():
    """Who asks, where and when, and a node that nobody reaches: a key needs none."""
    follow_chain()
    client = connect(urls=["http://127.0.0.1:9"], policy=Policy(attempts=1))
    asked = Asked(
        domain="lamplight.example", scheme="https", uri="https://lamplight.example/sign-in/", session_key="a",
        now=timezone.now(),
    )  # fmt: skip
    yield User.objects.create_user(username="asker"), asked, client
    client.close()
